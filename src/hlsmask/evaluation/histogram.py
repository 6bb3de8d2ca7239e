"""How probabilities of positives and of negatives are spread: every threshold's scores follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from hlsmask.evaluation.confusion import Confusion
from hlsmask.masks import NOT_OBSERVED, PRESENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hlsmask.masks import Mask

STEPS: Final = 1000
"""Thresholds lie at multiples of 1 / STEPS."""

EDGES: Final = np.array([step / STEPS for step in range(STEPS + 1)], np.float32)
"""All thresholds that a histogram can tell the scores of, 0 to 1, as float32: what decisions compare with."""

BINS: Final = STEPS + 2
"""Bin 0 holds probabilities of 0, bin k those above EDGES[k - 1] and not above EDGES[k], the last one those above 1."""

_ROW_PIXELS: Final = 1 << 16
"""Pixels that are counted at a time: what is computed of them stays in the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of probabilities; two of them add.

    As a mask is there where its probability is above the threshold, and bins are closed on the right, the counts of
    a threshold are sums of whole bins: exact, for all pixels at once.
    """

    masks: tuple[Mask, ...]
    """What the rows are of."""

    positives: NDArray[np.int64]
    """Pixels labelled 1, shape (masks, BINS)."""

    negatives: NDArray[np.int64]
    """Pixels labelled 0, shape (masks, BINS)."""

    def __post_init__(self) -> None:
        shape = (len(self.masks), BINS)
        if self.positives.shape != shape or self.negatives.shape != shape:
            raise ValueError(f"counts must be of {shape}, not {self.positives.shape} and {self.negatives.shape}")

    @property
    def edges(self) -> NDArray[np.float32]:
        """Thresholds that divide the bins, ascending, 0 to 1."""
        return EDGES

    @classmethod
    def empty(cls, masks: Sequence[Mask]) -> Self:
        """Return a histogram of no pixels."""
        return cls(tuple(masks), *np.zeros((2, len(masks), BINS), np.int64))

    @classmethod
    def of(cls, masks: Sequence[Mask], probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> Self:
        """Count float32 probabilities (masks, ...) with labels of the same shape: 0, 1 or 255.

        Pixels labelled 255, and those whose probability is NaN, do not count.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        if probabilities.shape != labels.shape or len(labels) != len(masks):
            raise ValueError(
                f"{len(masks)} masks, probabilities {probabilities.shape} and labels {labels.shape} differ"
            )
        rows = [_counted(np.ravel(p), np.ravel(y)) for p, y in zip(probabilities, labels, strict=True)]
        counts = np.stack(rows) if rows else np.zeros((0, 2, BINS), np.int64)
        return cls(tuple(masks), counts[:, 1], counts[:, 0])

    def __add__(self, other: Histogram) -> Histogram:
        if self.masks != other.masks:
            raise ValueError(f"histograms of {self.masks} and {other.masks} do not add")
        return Histogram(self.masks, self.positives + other.positives, self.negatives + other.negatives)

    def confusion(self, mask: Mask, threshold: float) -> Confusion:
        """Return the counts of decisions by `probability > np.float32(threshold)`.

        Raises
        ------
        ValueError
            If the threshold is no multiple of 0.001 from 0 to 1.
        """
        at = int(np.searchsorted(EDGES, np.float32(threshold)))
        if at > STEPS or EDGES[at] != np.float32(threshold):
            raise ValueError(f"threshold {threshold} is no multiple of {1 / STEPS} from 0 to 1")
        there, absent = self._rows(mask)
        missed, quiet = int(there[: at + 1].sum()), int(absent[: at + 1].sum())
        return Confusion(int(there.sum()) - missed, int(absent.sum()) - quiet, missed, quiet)

    def curve(self, mask: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return thresholds, precision and recall, one of each for every threshold, ascending.

        Precision is 1 where nothing is said, as scikit-learn has it; recall is NaN where nothing is there.
        """
        hits, said, total = self._above(mask)
        return EDGES.astype(np.float64), _precision(hits, said)[1:], _shares(hits, total)[1:]

    def average_precision(self, mask: Mask) -> float:
        """Return the area under the precision-recall curve as a sum of steps: sum of (R_n - R_(n-1)) P_n.

        As scikit-learn's `average_precision_score` for probabilities that are rounded up to a multiple of 0.001. NaN
        where nothing is there.
        """
        hits, said, total = self._above(mask)
        recall = _shares(hits, total)
        gained = recall - np.append(recall[1:], 0)
        return float((gained * _precision(hits, said)).sum())

    def calibration(
        self, mask: Mask, bins: int = 10
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return, for `bins` equal ranges of probability: mean predicted, observed share, and pixels.

        The mean is that of the middles of the histogram's bins: right to 0.0005. NaN where a range holds no pixel.

        Raises
        ------
        ValueError
            If `bins` is not 1 to 1000.
        """
        if not 1 <= bins <= STEPS:
            raise ValueError(f"bins is {bins}; use 1 to {STEPS}")
        there, absent = self._rows(mask)
        middles = np.concatenate([[0.0], (np.arange(STEPS) + 0.5) / STEPS, [1.0]])
        place = np.minimum((middles * bins).astype(np.intp), bins - 1)
        every = np.bincount(place, there + absent, bins)
        said, seen = np.bincount(place, (there + absent) * middles, bins), np.bincount(place, there, bins)
        pixels = every.astype(np.int64)
        return _shares(said, pixels), _shares(seen, pixels), pixels

    def calibration_error(self, mask: Mask, bins: int = 10) -> float:
        """Return the expected calibration error, 0 to 1: the mean gap between predicted and observed share.

        Ranges weigh by their pixels (Guo et al. 2017, On Calibration of Modern Neural Networks). NaN without pixels.
        """
        said, seen, count = self.calibration(mask, bins)
        full = count > 0
        return float((np.abs(said - seen)[full] * count[full]).sum() / count.sum()) if full.any() else float("nan")

    def _rows(self, mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        at = self.masks.index(mask)
        return self.positives[at], self.negatives[at]

    def _above(self, mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Return hits and all that is said at "everything", then at each threshold; and how many are there."""
        there, absent = self._rows(mask)
        hits, alarms = (np.cumsum(row[::-1])[::-1] for row in (there, absent))
        return hits, hits + alarms, int(there.sum())


def _counted(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return counts (2, BINS) of pixels labelled 0 and 1."""
    counts = np.zeros(2 * BINS, np.int64)
    for start in range(0, len(labels), _ROW_PIXELS):
        values, truth = probabilities[start : start + _ROW_PIXELS], labels[start : start + _ROW_PIXELS]
        known = (truth != NOT_OBSERVED) & (values == values)  # noqa: PLR0124 - NaN is not itself
        if not known.all():
            values, truth = values[known], truth[known]
        counts += np.bincount(bins_of(values) + (truth == PRESENT) * np.int16(BINS), minlength=2 * BINS)
    return counts.reshape(2, BINS)


def bins_of(probabilities: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return the bin of each probability, none of them NaN.

    The product is rounded, so that it may be off by one: comparing with the edges themselves mends that. A search
    among the edges gives the same in ten times the time.
    """
    bins = (np.clip(probabilities, 0, 1) * np.float32(STEPS)).astype(np.int16)
    for _ in range(2):
        bins += probabilities > EDGES[np.minimum(bins, STEPS)]
    return np.minimum(bins, STEPS + 1)


def _precision(hits: NDArray[np.int64], said: NDArray[np.int64]) -> NDArray[np.float64]:
    precision = np.ones(len(said))
    np.divide(hits, said, out=precision, where=said > 0)
    return precision


def _shares(part: NDArray[np.int64] | NDArray[np.float64], whole: NDArray[np.int64] | int) -> NDArray[np.float64]:
    shares = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return shares
