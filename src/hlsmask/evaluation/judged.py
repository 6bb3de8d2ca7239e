"""Which masks of a verdict were really judged: those that some label could be compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsmask.masks import Mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.evaluation.confusion import Confusion
    from hlsmask.evaluation.verdict import Verdict


def counts_of(verdict: Verdict, mask: Mask) -> Confusion | None:
    """Return the counts of a mask; None where the contender does not give it or no pixel could be compared."""
    counts = verdict.counts.get(mask) if mask in verdict.masks else None
    return counts if counts is not None and counts.count else None


def judged(verdicts: Sequence[Verdict]) -> tuple[Mask, ...]:
    """Return the masks that were judged of any of the contenders, in the order of `Mask`."""
    return tuple(mask for mask in Mask if any(counts_of(verdict, mask) is not None for verdict in verdicts))
