"""Draws a window: each window has numbers of its own, whatever others are simulated beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hlsmask.samples.simulate.ranges import Range

    Draw = NDArray[np.float32]

CHAPTERS: Final = (
    "sun",
    "relief",
    "lakes",
    "ground",
    "bright",
    "water",
    "snow",
    "ice",
    "sky",
    "low",
    "high",
    "trails",
    "light",
    "haze",
    "colour",
    "sensor",
    "stripes",
    "dark",
    "gaps",
    "elevations",
    "mottles",
    "misjudged",
    "parallax",
    "conifers",
    "clear",
    "bottom",
)
"""Parts of the simulation; each has draws of its own, so that what one part skips moves no other."""

_LENGTH: Final = 48
"""Draws of a chapter at most."""


class Dice:
    """Even draws for a batch of windows, the same for a window whatever batch it is in."""

    def __init__(self, seeds: Sequence[Sequence[int]]) -> None:
        """Make the dice of windows with these `seeds`, each a few whole numbers of 0 or more."""
        self.count = len(seeds)
        self._numbers = np.stack([np.random.default_rng(list(seed)).random(len(CHAPTERS) * _LENGTH) for seed in seeds])
        self._next = self._end = 0

    def turn(self, chapter: str) -> None:
        """Go on with the draws of a chapter, from its first."""
        self._next = CHAPTERS.index(chapter) * _LENGTH
        self._end = self._next + _LENGTH

    def draw(self) -> NDArray[np.float64]:
        """Return a number from 0 to below 1 for each window."""
        if self._next == self._end:
            raise RuntimeError(f"a chapter has {_LENGTH} draws, and all are used")
        self._next += 1
        return np.asarray(self._numbers[:, self._next - 1])

    def even(self, low: float | Draw, high: float | Draw) -> Draw:
        """Return even draws between `low` and `high`, each one number or one a window."""
        return np.asarray(low + (np.asarray(high) - low) * self.draw(), np.float32)

    def within(self, ends: Range) -> Draw:
        """Return even draws within a range."""
        return self.even(*ends)

    def both(self, ends: Range, other: Range, apart: float) -> tuple[Draw, Draw]:
        """Return even draws within two ranges that go together: `apart` of each other at most, as shares of them."""
        at = self.draw()
        near = np.clip(at + apart * (2 * self.draw() - 1), 0, 1)
        (low, high), (least, most) = ends, other
        return np.asarray(low + (high - low) * at, np.float32), np.asarray(least + (most - least) * near, np.float32)

    def log(self, ends: Range) -> Draw:
        """Return draws within a range above 0 that are even in their logarithm."""
        return np.exp(self.even(float(np.log(ends[0])), float(np.log(ends[1]))))

    def chance(self, share: float) -> NDArray[np.bool_]:
        """Return for each window whether it is among a `share` of them."""
        return np.asarray(self.draw() < share)

    def pick(self, weights: Sequence[float]) -> NDArray[np.intp]:
        """Return for each window the place of one of the `weights`, drawn as often as they say."""
        steps = np.cumsum(weights)
        if steps[-1] <= 0:
            return np.zeros(self.count, np.intp)
        return np.minimum(np.searchsorted(steps / steps[-1], self.draw(), side="right"), len(weights) - 1)
