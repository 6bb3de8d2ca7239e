"""Counts of agreement, and every score as a function of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from hlsmask.masks import NOT_OBSERVED, PRESENT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often prediction and truth agree about one mask; two of them add, so that workers can share the work."""

    hits: int = 0
    """There, and said to be (true positives)."""

    false_alarms: int = 0
    """Not there, but said to be (false positives)."""

    misses: int = 0
    """There, but not said to be (false negatives)."""

    quiet: int = 0
    """Not there, and not said to be (true negatives)."""

    @classmethod
    def of(cls, prediction: NDArray[np.uint8], truth: NDArray[np.uint8]) -> Self:
        """Count over two masks of one shape, 0, 1 or 255; a pixel that is 255 in either does not count.

        Raises
        ------
        ValueError
            If their shapes differ.
        """
        if prediction.shape != truth.shape:
            raise ValueError(f"prediction {prediction.shape} and truth {truth.shape} differ in shape")
        known = (prediction != NOT_OBSERVED) & (truth != NOT_OBSERVED)
        said, there = (prediction == PRESENT) & known, (truth == PRESENT) & known
        hits = int((said & there).sum())
        all_said, all_there, all_known = int(said.sum()), int(there.sum()), int(known.sum())
        return cls(hits, all_said - hits, all_there - hits, all_known - all_said - all_there + hits)

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
            self.quiet + other.quiet,
        )

    @property
    def count(self) -> int:
        """Pixels that were counted."""
        return self.hits + self.false_alarms + self.misses + self.quiet

    @property
    def precision(self) -> float:
        """Share of what was said that is there; NaN where nothing was said."""
        return _ratio(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        """Share of what is there that was said; NaN where nothing is there."""
        return _ratio(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where nothing is there and nothing was said."""
        return _ratio(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    @property
    def iou(self) -> float:
        """Intersection over union; NaN as `f1`."""
        return _ratio(self.hits, self.hits + self.false_alarms + self.misses)

    @property
    def accuracy(self) -> float:
        """Share of pixels on which both agree; NaN where none counts."""
        return _ratio(self.hits + self.quiet, self.count)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
