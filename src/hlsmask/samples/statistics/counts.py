"""What the pixels of samples add up to: exact counts, from which every statistic follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from hlsmask.bands import BANDS, HLS_SCALE
from hlsmask.masks import ABSENT, PRESENT, Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.samples.sample import Sample

LEVELS: Final = np.arange(np.iinfo(np.int16).min, np.iinfo(np.int16).max + 1)
"""All integers that a band can hold, shape (65536,)."""

PERCENTILES: Final = (2, 25, 50, 75, 98)
"""Of reflectance, in percent of the observed pixels."""

USUAL: Final = (0.0, 1.6)
"""Reflectance that real scenes hold: HLS stores little below 0, and bright cloud reaches about 1.6."""

_STATES: Final = 3
"""What a label can be: absent, present, not known; the index along each axis of `PixelCounts.states`."""

_UNKNOWN: Final = 2


@dataclass(frozen=True, slots=True)
class BandSummary:
    """Reflectance of one band over all observed pixels, 1.0 = all light returned."""

    count: int
    """Observed pixels."""

    mean: float
    """Mean."""

    std: float
    """Standard deviation of these pixels (divided by their number, not one less)."""

    min: float
    """Least value."""

    max: float
    """Greatest value."""

    percentiles: dict[int, float]
    """Value below which each of `PERCENTILES` lies, interpolated between two values as `numpy.percentile` does."""

    unusual: int
    """Pixels below 0 or above 1.6."""


@dataclass(frozen=True, slots=True)
class MaskSummary:
    """Pixels of one mask over all observed pixels."""

    present: int
    """Pixels where it is there."""

    absent: int
    """Pixels where it is not."""

    unknown: int
    """Observed pixels of which nothing is known; fill is not among them."""

    samples: int
    """Samples in which it is there in one pixel or more."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelCounts:
    """Counts over the pixels of samples; two of them add, so that workers can share the work."""

    samples: int
    """Samples that were counted."""

    empty: int
    """Samples without one observed pixel."""

    pixels: int
    """Pixels of all samples, fill among them."""

    having: NDArray[np.int64]
    """Samples in which each mask is there in one pixel or more, shape (5,)."""

    values: NDArray[np.int64]
    """How often each of `LEVELS` occurs in each band, shape (6, 65536), fill left out."""

    states: NDArray[np.int64]
    """How often each combination of the five masks occurs, shape (3, 3, 3, 3, 3), fill left out. Along each axis
    0 is absent, 1 present, 2 not known."""

    @classmethod
    def none(cls) -> Self:
        """Return the counts of no samples."""
        values = np.zeros((len(BANDS), len(LEVELS)), np.int64)
        return cls(0, 0, 0, np.zeros(len(Mask), np.int64), values, np.zeros((_STATES,) * len(Mask), np.int64))

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """Count over one sample."""
        valid = sample.valid
        seen = slice(None) if valid.all() else valid.ravel()
        values = [_tally(band.ravel()[seen]) for band in sample.bands]
        code = np.zeros(valid.shape, np.uint8)
        for label in sample.labels:
            code *= _STATES
            code += np.minimum(label, _UNKNOWN)  # 255 becomes 2
        states = np.bincount(code.ravel()[seen], minlength=_STATES ** len(Mask)).reshape((_STATES,) * len(Mask))
        having = np.array([_margin(states, axis)[PRESENT] > 0 for axis in range(len(Mask))], np.int64)
        return cls(1, int(not valid.any()), valid.size, having, np.stack(values), states)

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(
            self.samples + other.samples,
            self.empty + other.empty,
            self.pixels + other.pixels,
            self.having + other.having,
            self.values + other.values,
            self.states + other.states,
        )

    @property
    def observed(self) -> int:
        """Pixels that are not fill."""
        return int(self.states.sum())

    def band(self, index: int) -> BandSummary | None:
        """Return what a band holds; None where nothing was observed."""
        counts = self.values[index]
        total = int(counts.sum())
        if not total:
            return None
        held = np.flatnonzero(counts)
        levels, weights = LEVELS[held], counts[held]
        mean = float(levels @ weights) / total
        variance = float((levels - mean) ** 2 @ weights) / total
        below = np.cumsum(weights)
        odd = (levels < round(USUAL[0] / HLS_SCALE)) | (levels > round(USUAL[1] / HLS_SCALE))
        return BandSummary(
            total,
            mean * HLS_SCALE,
            variance**0.5 * HLS_SCALE,
            int(levels[0]) * HLS_SCALE,
            int(levels[-1]) * HLS_SCALE,
            {percent: _percentile(levels, below, percent) * HLS_SCALE for percent in PERCENTILES},
            int(weights[odd].sum()),
        )

    def mask(self, mask: Mask) -> MaskSummary:
        """Return what a mask holds."""
        axis = list(Mask).index(mask)
        absent, present, unknown = (int(count) for count in _margin(self.states, axis))
        return MaskSummary(present, absent, unknown, int(self.having[axis]))

    def together(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return, for each mask (row) and each other (column), pixels in which both are there, and how many to compare.

        Those to compare are the pixels in which the first is there and the second is known. Both are shape (5, 5).
        """
        both = np.zeros((len(Mask), len(Mask)), np.int64)
        known = np.zeros_like(both)
        for row in range(len(Mask)):
            there = np.take(self.states, PRESENT, axis=row)
            for column in range(len(Mask)):
                if row == column:
                    both[row, column] = known[row, column] = there.sum()
                    continue
                counts = _margin(there, column - (column > row))
                both[row, column] = counts[PRESENT]
                known[row, column] = counts[PRESENT] + counts[ABSENT]
        return both, known


def _tally(values: NDArray[np.int16]) -> NDArray[np.int64]:
    return np.bincount(values.astype(np.intp) - int(LEVELS[0]), minlength=len(LEVELS))


def _margin(states: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    """Return how often each state of one mask occurs, whatever the others are."""
    return np.asarray(states.sum(axis=tuple(other for other in range(states.ndim) if other != axis)))


def _percentile(levels: NDArray[np.int64], below: NDArray[np.int64], percent: float) -> float:
    """Return a percentile of values `levels`, of which `below` counts those up to and with each."""
    rank = percent / 100 * (int(below[-1]) - 1)
    first = int(rank)
    lower, upper = levels[np.searchsorted(below, [first, min(first + 1, int(below[-1]) - 1)], side="right")]
    return float(lower) + (rank - first) * float(upper - lower)
