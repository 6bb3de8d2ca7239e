"""Samples that are kept to be looked at: some from all over the set, and the worst."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hlsmask.evaluation.verdict import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from hlsmask.evaluation.confusion import Confusion
    from hlsmask.evaluation.seen import Seen
    from hlsmask.masks import Mask

KEPT: Final = 6
"""Samples of each kind that are kept and shown: a report stays below 3 MB."""


@dataclass(slots=True)
class Gallery:
    """At most twelve samples, however many pass by."""

    total: int
    """How many samples the set has."""

    _wanted: frozenset[int] = field(init=False)
    _spread: list[Shown] = field(default_factory=list)
    _worst: list[tuple[float, int, Shown]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._wanted = frozenset(round(at * (self.total - 1) / (KEPT - 1)) for at in range(KEPT))

    def add(self, seen: Seen, said: NDArray[np.uint8], counts: Mapping[Mask, Confusion]) -> None:
        """Keep a sample if it is one of those to show, or worse than those that are kept."""
        shown = Shown(seen.id, seen.sensor, seen.bands, seen.labels, said, dict(counts))
        if seen.number in self._wanted:
            self._spread.append(shown)
        if shown.error > 0:  # what is right is not among the worst
            self._worst.append((-shown.error, seen.number, shown))
            self._worst.sort(key=lambda kept: kept[:2])
            del self._worst[KEPT:]

    @property
    def spread(self) -> tuple[Shown, ...]:
        """Samples from the first to the last of the set, evenly spread."""
        return tuple(self._spread)

    @property
    def worst(self) -> tuple[Shown, ...]:
        """Those with the largest share of error, the worst first."""
        return tuple(shown for _, _, shown in self._worst)
