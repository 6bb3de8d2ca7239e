"""Faint pixels of a mask count only near sure ones: thresholds with hysteresis.

Canny, "A computational approach to edge detection" (1986), keeps what is above a low threshold where it hangs together
with what is above a high one. Here it need only lie near, so that a mask depends on nothing far away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.inference.dilation import dilate
from hlsmask.masks import ABSENT, PRESENT, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hlsmask.card import Hysteresis
    from hlsmask.windows import Window

_COLUMNS: Final = 2048
"""Columns that are settled at a time: bounds memory, whatever a scene's width."""


def supported(
    probabilities: NDArray[np.float32], masks: Sequence[Mask], hysteresis: Mapping[Mask, Hysteresis]
) -> NDArray[np.float32]:
    """Return probabilities (masks, row, column), made 0 in place where no sure pixel is within reach; NaN stays.

    A mask is then there, at any threshold, where `decide` says so.
    """
    for mask, rule in hysteresis.items():
        if mask in masks:
            plane = probabilities[list(masks).index(mask)]
            far = ~dilate(plane > np.float32(rule.high), rule.reach)
            plane[far & ~np.isnan(plane)] = 0
    return probabilities


class Sure:
    """Where one mask is surely there, in as many rows as those still need that are not settled."""

    def __init__(self, rule: Hysteresis, *, width: int) -> None:
        """Begin above the first row of a scene of so many columns."""
        self._rule = rule
        self._top = 0
        self._rows = np.empty((0, width), np.bool_)

    def add(self, window: Window, probabilities: NDArray[np.float32]) -> None:
        """Take the mask's probabilities (row, column) of a window."""
        if window.bottom - self._top > len(self._rows):
            grown = np.empty((window.bottom - self._top, self._rows.shape[1]), np.bool_)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        place = np.s_[window.row - self._top : window.bottom - self._top, window.col : window.right]
        np.greater(probabilities, np.float32(self._rule.high), out=self._rows[place])

    def settle(self, decided: NDArray[np.uint8], first: int, known: int) -> None:
        """Take out of decided rows of the mask (row, column), in place, what is not near a sure pixel.

        They begin at row `first` of the scene, each row is settled once and in order, and rows of the scene are known
        to before `known`: as far below them as the rule reaches, or to the scene's end.
        """
        reach, end = self._rule.reach, first + len(decided)
        above = max(self._top, first - reach)
        rows = self._rows[above - self._top : known - self._top]
        for col in range(0, decided.shape[1], _COLUMNS):
            part = decided[:, col : col + _COLUMNS]
            there = part == PRESENT
            if not there.any():
                continue
            left = max(0, col - reach)
            near = dilate(rows[:, left : col + _COLUMNS + reach], reach)
            there &= ~near[first - above : end - above, col - left : col - left + part.shape[1]]
            part[there] = ABSENT
        top = max(self._top, end - reach)
        self._rows[: known - top] = self._rows[top - self._top : known - self._top].copy()
        self._top = top
