"""Statistics of a dataset as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hlsmask.bands import BANDS
from hlsmask.masks import Mask
from hlsmask.samples.statistics.concerns import concerns

if TYPE_CHECKING:
    from hlsmask.samples.statistics.counts import PixelCounts
    from hlsmask.samples.statistics.gather import Statistics


def figures(statistics: Statistics) -> dict[str, Any]:
    """Return all figures of a dataset; reflectance is 1.0 = all light returned, counts are of pixels or samples."""
    coverage = statistics.coverage
    return {
        "samples": statistics.samples,
        "concerns": concerns(statistics),
        "broken": [{"position": one.position, "reason": one.reason} for one in statistics.broken],
        "all": _of_counts(statistics.total),
        "splits": {split: _of_counts(counts) for split, counts in statistics.in_order().items()},
        "coverage": {
            "first": None if coverage.first is None else coverage.first.isoformat(),
            "last": None if coverage.last is None else coverage.last.isoformat(),
            "granules": len(coverage.granules),
            "kinds": [{**kind._asdict(), "samples": number} for kind, number in sorted(coverage.kinds.items())],
            "tiles": {tile: dict(sorted(counts.items())) for tile, counts in coverage.tiles().items()},
            "shared_ground": [shared._asdict() for shared in coverage.shared()],
        },
        "richest": {mask.value: one._asdict() for mask, one in statistics.richest.items()},
    }


def _of_counts(counts: PixelCounts) -> dict[str, Any]:
    both, known = counts.together()
    bands = {band.value: counts.band(index) for index, band in enumerate(BANDS)}
    masks = {mask: counts.mask(mask) for mask in Mask}
    return {
        "samples": counts.samples,
        "empty_samples": counts.empty,
        "pixels": counts.pixels,
        "observed": counts.observed,
        "bands": {
            band: None
            if summary is None
            else {
                "count": summary.count,
                "mean": round(summary.mean, 8),
                "std": round(summary.std, 8),
                "min": round(summary.min, 4),
                "max": round(summary.max, 4),
                "percentiles": {str(at): round(value, 6) for at, value in summary.percentiles.items()},
                "outside_0_to_1.6": summary.unusual,
            }
            for band, summary in bands.items()
        },
        "masks": {
            mask.value: {
                "present": summary.present,
                "absent": summary.absent,
                "not_known": summary.unknown,
                "samples": summary.samples,
            }
            for mask, summary in masks.items()
        },
        "together": {
            mask.value: {
                other.value: {"both": int(both[row, column]), "of": int(known[row, column])}
                for column, other in enumerate(Mask)
                if other is not mask
            }
            for row, mask in enumerate(Mask)
        },
    }
