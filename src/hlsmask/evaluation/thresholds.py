"""Which probability is high enough: the best of a sweep."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

from hlsmask.errors import UsageError
from hlsmask.evaluation.confusion import Confusion
from hlsmask.evaluation.histogram import STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.evaluation.histogram import Histogram
    from hlsmask.masks import Mask

STEP: Final = 0.1
"""The step of those that are tried, where none is named."""

COARSEST: Final = 0.5
"""The largest step: 0, a half and 1."""

_LEAST_REJECTED: Final = 0.01
"""Share of the pixels where a mask is not that a useful threshold rejects."""


def sweep(step: float = STEP) -> tuple[float, ...]:
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


def tells_apart(histogram: Histogram, mask: Mask, threshold: float) -> bool:
    """Return whether a threshold is better than saying the mask everywhere.

    It is not where its F1 is no higher than that, or where it rejects less than 1 % of the pixels without the mask.
    """
    found = histogram.confusion(mask, threshold)
    there, absent = found.hits + found.misses, found.false_alarms + found.quiet
    everywhere = Confusion(hits=there, false_alarms=absent)
    return found.f1 > everywhere.f1 and found.quiet >= _LEAST_REJECTED * absent


def why_none(histogram: Histogram, mask: Mask, thresholds: Sequence[float]) -> str | None:
    """Return why none of the thresholds is worth choosing, as the first half of a sentence; None where one is."""
    best = best_threshold(histogram, mask, thresholds)
    if best is not None:
        if tells_apart(histogram, mask, best):
            return None
        return f"the best threshold of {mask.title} in validation, {best:g}, is no better than saying it everywhere"
    counts = histogram.confusion(mask, 0)
    if not counts.count:
        return f"no pixel of validation is labelled for {mask.title}, there or not"
    if not counts.hits + counts.misses:
        return f"no positive pixel of {mask.title} in validation"
    return f"{mask.title} is found at no threshold in validation"
