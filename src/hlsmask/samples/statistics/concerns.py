"""What somebody should know of a dataset before a network is trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hlsmask.bands import BANDS, Sensor
from hlsmask.masks import Mask
from hlsmask.samples.statistics.charts import counted
from hlsmask.samples.statistics.counts import USUAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hlsmask.samples.statistics.counts import PixelCounts
    from hlsmask.samples.statistics.gather import Statistics

_UNUSUAL: Final = 0.05
"""Share of the pixels of a band outside the usual reflectance that is worth a word; dark water has some per cent."""

_NAMED: Final = 3
"""Tiles that a sentence names."""


def concerns(statistics: Statistics) -> list[str]:
    """Return what may be wrong with a dataset, a sentence each; none where nothing is."""
    return [*_of_coverage(statistics), *_of_splits(statistics.in_order())]


def _of_coverage(statistics: Statistics) -> Iterator[str]:
    coverage = statistics.coverage
    if statistics.broken:
        yield f"{counted(len(statistics.broken), 'sample')} cannot be read; no figure counts them."
    for shared in coverage.shared():
        tiles = ", ".join(shared.tiles[:_NAMED]) + (", ..." if len(shared.tiles) > _NAMED else "")
        where = f" (tiles {tiles})" if tiles else ""
        number = counted(shared.samples, "sample")
        yield (
            f"{shared.second.capitalize()} shares ground with {shared.first} in {number}{where}: "
            f"scores on {shared.second} will be too good."
        )
    sensors = {sensor for (sensor,) in coverage.count("sensor")}
    if known := sensors - {""}:
        yield from (f"No sample is of {sensor}." for sensor in Sensor if sensor not in known)
    elif statistics.samples:
        yield "The sensor of no sample is known."
    meanings = coverage.count("terrain_shadow")
    if len(meanings) > 1:
        parts = ", ".join(f"{meaning} in {number:,}" for (meaning,), number in meanings.items())
        yield f"Terrain shadow does not mean the same in all samples: {parts}."


def _of_splits(splits: Mapping[str, PixelCounts]) -> Iterator[str]:
    def where(names: Iterable[str]) -> str:
        if set(splits) == {""}:
            return "the samples"
        return ", ".join(name or "the samples without a split" for name in names)

    for split, counts in splits.items():
        if counts.empty:
            yield f"{counted(counts.empty, 'sample')} of nothing but fill in {where([split])}."
    seen = {split: counts for split, counts in splits.items() if counts.observed}
    for mask in Mask:
        held = {split: counts.mask(mask) for split, counts in seen.items()}
        unknown = [split for split, summary in held.items() if not summary.present + summary.absent]
        lacking = [split for split, summary in held.items() if summary.absent and not summary.present]
        if unknown:
            yield f"{mask.title.capitalize()} is not known in any pixel of {where(unknown)}."
        if lacking:
            yield f"There is no {mask.title} in {where(lacking)}."
    for split, counts in seen.items():
        summaries = {band: counts.band(index) for index, band in enumerate(BANDS)}
        shares = {band: found.unusual / found.count for band, found in summaries.items() if found}
        if odd := ", ".join(f"{band} {100 * share:.2g} %" for band, share in shares.items() if share > _UNUSUAL):
            yield (
                f"Reflectance below {USUAL[0]:g} or above {USUAL[1]:g} in {where([split])}: {odd} of observed pixels. "
                "Much of it means a wrong scale."
            )
