"""How far scores would differ with other samples: a bootstrap that needs no sample twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hlsmask.evaluation.confusion import Confusion
    from hlsmask.masks import Mask

REPLICATES: Final = 1000
"""Data sets that are drawn."""

LEAST: Final = 500
"""Fewer make the ends of a 95 % interval unsure."""

_ENDS: Final = (2.5, 97.5)
"""Percentiles of the ends of an interval."""


class Bootstrap:
    """Scores of many data sets drawn from one, sample by sample, in memory that does not grow.

    Drawing n of n samples with replacement takes each about Poisson(1) times; that many are drawn here for each
    sample by itself (Hanley and MacGibbon 2006, Creating non-parametric bootstrap samples using Poisson frequencies;
    Chamandy et al. 2012, Estimating uncertainty for massive data streams). The draws of a sample depend on the seed
    and its number alone, so that contenders meet the same data sets. Pixels of a sample stay together: they are alike.
    """

    def __init__(self, masks: Sequence[Mask], replicates: int = REPLICATES, seed: int = 0) -> None:
        """Begin with no samples."""
        self.masks = tuple(masks)
        self._seed = seed
        self._sums = np.zeros((replicates, len(self.masks), 4), np.int64)
        self._samples = 0

    def add(self, number: int, counts: Mapping[Mask, Confusion]) -> None:
        """Count a sample, by its number in the data set."""
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(number,)))
        times = rng.poisson(1.0, len(self._sums))
        self._sums += times[:, None, None] * np.array([_four(counts[mask]) for mask in self.masks]).reshape(-1, 4)
        self._samples += 1

    def intervals(self, names: Sequence[str]) -> dict[Mask, dict[str, tuple[float, float]]]:
        """Return low and high end of the 95 % percentile interval of scores, by the names of `Confusion`.

        NaN for fewer than two samples, and where a score is NaN in every data set.
        """
        found = {}
        for at, mask in enumerate(self.masks):
            scores = _scores(self._sums[:, at])
            found[mask] = {name: self._interval(scores[name]) for name in names}
        return found

    def _interval(self, values: NDArray[np.float64]) -> tuple[float, float]:
        values = values[~np.isnan(values)]
        if self._samples < 2 or not len(values):  # noqa: PLR2004 - one sample tells nothing of others
            return float("nan"), float("nan")
        low, high = np.percentile(values, _ENDS)
        return float(low), float(high)


def _four(counts: Confusion) -> tuple[int, int, int, int]:
    return counts.hits, counts.false_alarms, counts.misses, counts.quiet


def _scores(counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Return the scores of `Confusion` for counts (n, 4)."""
    hits, alarms, misses, quiet = counts.T.astype(np.float64)
    return {
        "f1": _ratio(2 * hits, 2 * hits + alarms + misses),
        "precision": _ratio(hits, hits + alarms),
        "recall": _ratio(hits, hits + misses),
        "accuracy": _ratio(hits + quiet, hits + alarms + misses + quiet),
        "iou": _ratio(hits, hits + alarms + misses),
    }


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.full(len(part), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
