"""What an evaluation finds: values that tables, pictures and pages are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.evaluation.confusion import Confusion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hlsmask.evaluation.histogram import Histogram
    from hlsmask.masks import Mask

SCORES: Final = ("f1", "precision", "recall", "accuracy", "iou")
"""Properties of `Confusion` that are reported, in this order."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A sample with what was said of it, to be shown."""

    id: str
    """Its name."""

    sensor: str
    """`L30`, `S30`, or "" where not known."""

    bands: NDArray[np.float32]
    """Reflectance, shape (6, h, w), NaN where not observed."""

    truth: NDArray[np.uint8]
    """Labels, shape (5, h, w) in the order of `Mask`: 0, 1, or 255 (not known)."""

    said: NDArray[np.uint8]
    """Predicted masks, shape (5, h, w): 0, 1, or 255 (not observed, or not a mask of the contender)."""

    counts: Mapping[Mask, Confusion]
    """Agreement on this sample alone."""

    @property
    def error(self) -> float:
        """Share of what is known, over all masks, that was said wrongly, 0 to 1; 0 where nothing is known."""
        total = sum(self.counts.values(), start=Confusion())
        return 0.0 if total.count == 0 else 1 - total.accuracy


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """How one contender did on one set of samples."""

    name: str
    """The contender: the stem of its file, `spectral`, `fmask`, ..."""

    masks: tuple[Mask, ...]
    """What it gives, in the order of `Mask`."""

    samples: int
    """How many samples were judged."""

    thresholds: Mapping[Mask, float]
    """Probability above which a mask was taken to be there; without entries for contenders that give plain masks."""

    counts: Mapping[Mask, Confusion]
    """Agreement over all known pixels of all samples; empty counts where a mask could not be judged."""

    intervals: Mapping[Mask, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """Low and high end of the 95 % bootstrap interval over samples, by name of `SCORES`; NaN where there is none."""

    sensors: Mapping[str, Mapping[Mask, Confusion]] = field(default_factory=dict)
    """The same counts, of the samples of one sensor; key "" where it is not known."""

    boundary: Mapping[Mask, float] = field(default_factory=dict)
    """Boundary F1 of each mask, 0 to 1, NaN where there are no boundaries."""

    sunlit: Confusion | None = None
    """Agreement on the published class of `sun_mask`, the sunlit ground; None where terrain shadow is not judged."""

    sunlit_threshold: float | None = None
    """Threshold of the probability of being sunlit, chosen for that class."""

    histogram: Histogram | None = None
    """Probabilities of positives and negatives of these samples; None where there are no probabilities."""

    between: NDArray[np.int64] = field(default_factory=lambda: np.zeros((6, 6), np.int64))
    """Pixels by what is true (rows) and what was said (columns): the five masks, then none of them. A pixel counts in
    each row and column that holds for it."""

    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(6, np.int64))
    """Pixels of which each row of `between` is true, each counted once, as far as anything was said of them."""

    shown: tuple[Shown, ...] = ()
    """Samples spread over the set."""

    worst: tuple[Shown, ...] = ()
    """Samples with the largest share of error, the worst first."""
