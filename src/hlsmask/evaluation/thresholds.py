"""Which probability is high enough: the best of a sweep."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

from hlsmask.errors import UsageError
from hlsmask.evaluation.histogram import STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.evaluation.histogram import Histogram
    from hlsmask.masks import Mask

COARSEST: Final = 0.5
"""The largest step: 0, a half and 1."""


def sweep(step: float = 0.1) -> tuple[float, ...]:
    """Return the thresholds 0, step, 2 step, ... up to 1.

    Raises
    ------
    UsageError
        If the step is no multiple of 0.001 from 0.001 to 0.5.
    """
    units = round(step * STEPS) if isfinite(step) else 0
    if not 1 <= units <= COARSEST * STEPS or abs(step * STEPS - units) > 1e-6:  # noqa: PLR2004 - a rounding error
        raise UsageError(f"--threshold-step is {step}; use a multiple of {1 / STEPS} up to {COARSEST}, such as 0.05")
    return tuple(at / STEPS for at in range(0, STEPS + 1, units))


def best_threshold(histogram: Histogram, mask: Mask, thresholds: Sequence[float]) -> float | None:
    """Return the threshold of highest F1, the lowest of those that tie.

    None where no threshold has an F1 above 0: nothing is there, or what is there is never said.
    """
    best, highest = None, 0.0
    for threshold in sorted(thresholds):
        f1 = histogram.confusion(mask, threshold).f1
        if f1 > highest:  # not so for NaN
            best, highest = threshold, f1
    return best
