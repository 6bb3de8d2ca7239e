"""From probabilities to masks: thresholds, hysteresis, clear water, and what lies near cloud and shadow."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.inference.clear import clear_water
from hlsmask.inference.dilation import dilate
from hlsmask.inference.hysteresis import Sure
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from hlsmask.card import Hysteresis

ADJACENT: Final = 5
"""Pixels by which HLS dilates cloud and shadow into its adjacent bit (HLS v2.0 User Guide: 150 m)."""

ROWS: Final = 512
"""Finished rows come in multiples of this: the blocks of the files that are written."""

_COLUMNS: Final = 2048
"""Columns of a part of finished rows: bounds the memory of what comes after, whatever a scene's width."""

_NONE: Final[Mapping[Mask, Hysteresis]] = MappingProxyType({})

_HAZARDS: Final = [list(Mask).index(mask) for mask in (Mask.CLOUD, Mask.CLOUD_SHADOW)]


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Finished rows of a scene, or a part of them."""

    window: Window
    """Which."""

    masks: NDArray[np.uint8]
    """Shape (5, row, column) in the order of `Mask`; 0, 1, or 255 = not observed or not known."""

    clear_water: NDArray[np.uint8]
    """Shape (row, column): water and none of the others, nor near cloud or shadow; 255 where water is 255."""

    adjacent: NDArray[np.bool_]
    """Shape (row, column): within 5 pixels of cloud or cloud shadow, and neither of them."""

    observed: NDArray[np.bool_]
    """Shape (row, column)."""

    def part(self, window: Window, index: tuple[slice, slice]) -> Decided:
        """Return what lies at `index`, which is to be at `window`."""
        return Decided(
            window, self.masks[:, *index], self.clear_water[index], self.adjacent[index], self.observed[index]
        )


def threshold(
    probabilities: NDArray[np.float32], masks: tuple[Mask, ...], thresholds: Mapping[Mask, float]
) -> NDArray[np.uint8]:
    """Return all five masks (5, row, column) for probabilities (masks, row, column); NaN becomes 255.

    A mask is there where its probability is above its threshold. Masks that are not given are 255.
    """
    decided = np.full((len(Mask), *probabilities.shape[1:]), NOT_OBSERVED, np.uint8)
    for mask, plane in zip(masks, probabilities, strict=True):
        target = decided[list(Mask).index(mask)]
        np.greater(plane, np.float32(thresholds[mask]), out=target.view(np.bool_))
        target[np.isnan(plane)] = NOT_OBSERVED
    return decided


def decide(
    cells: Iterable[tuple[Window, NDArray[np.float32]]],
    shape: tuple[int, int],
    masks: tuple[Mask, ...],
    thresholds: Mapping[Mask, float],
    *,
    hysteresis: Mapping[Mask, Hysteresis] = _NONE,
    buffer: int = 0,
) -> Iterator[Decided]:
    """Turn finished cells, row by row of cells, into finished rows, in parts of at most 2048 columns.

    Rows are held back until those below are there, which can still bring cloud within `buffer` or 5 pixels, or what
    a mask with hysteresis needs within its reach. `shape` is that of the scene in rows and columns.
    """
    sure = {mask: Sure(rule, width=shape[1]) for mask, rule in hysteresis.items() if mask in masks}
    reach = max((hysteresis[mask].reach for mask in sure), default=0)
    settled = 0  # rows before this one hold masks that no row below can change
    margin = max(buffer, ADJACENT)
    height, width = shape
    held = np.empty((len(Mask), 0, width), np.uint8)  # decided, from row `top` on; grown when first needed
    passed = np.zeros((0, width), np.bool_)  # cloud or shadow in the last rows before `top`
    top = 0
    for window, probabilities in cells:
        if window.bottom - top > held.shape[1]:
            grown = np.empty((len(Mask), window.bottom - top, width), np.uint8)
            grown[:, : held.shape[1]] = held
            held = grown
        place = slice(window.row - top, window.bottom - top)
        held[:, place, window.col : window.right] = threshold(probabilities, masks, thresholds)
        for mask, there in sure.items():
            there.add(window, probabilities[masks.index(mask)])
        if window.right < width:
            continue
        known, last = window.bottom - top, window.bottom == height
        settling = window.bottom if last else max(settled, window.bottom - reach)
        for mask, there in sure.items():
            there.settle(held[list(Mask).index(mask), settled - top : settling - top], settled, window.bottom)
        settled = settling
        ready = known if last else max(0, (settled - margin) // ROWS * ROWS - top)
        if not ready:
            continue
        hazard = _hazard(passed, held[:, : settled - top])
        for col in range(0, width, _COLUMNS):
            part = Window(top, col, ready, min(_COLUMNS, width - col))
            yield _finish(held[:, :ready, part.col : part.right], hazard, len(passed), part, buffer)
        passed = hazard[: len(passed) + ready][-margin:].copy()
        for plane in held:  # one by one: numpy copies what it moves
            plane[: known - ready] = plane[ready:known]
        top += ready


def _hazard(passed: NDArray[np.bool_], masks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where there is cloud or cloud shadow (row, column), below the rows that have passed."""
    hazard = np.empty((len(passed) + masks.shape[1], masks.shape[2]), np.bool_)
    hazard[: len(passed)] = passed
    below = hazard[len(passed) :]
    for row in range(0, len(below), ROWS):  # part by part: of a wide scene all rows at once take much
        cloud, shadow = (masks[at, row : row + ROWS] == PRESENT for at in _HAZARDS)
        np.logical_or(cloud, shadow, out=below[row : row + ROWS])
    return hazard


def _finish(masks: NDArray[np.uint8], hazard: NDArray[np.bool_], passed: int, window: Window, buffer: int) -> Decided:
    """Return a part of finished rows; `hazard` also holds `passed` rows before them, some after, and all columns."""
    margin = max(buffer, ADJACENT)
    left = max(0, window.col - margin)
    around = hazard[: passed + window.height + margin, left : window.right + margin]
    place = np.s_[passed : passed + window.height, window.col - left : window.right - left]
    here = around[place]
    observed = masks[0] != NOT_OBSERVED
    for mask in masks[1:]:
        observed |= mask != NOT_OBSERVED
    adjacent = dilate(around, ADJACENT)[place] & ~here
    adjacent &= observed
    return Decided(window, masks.copy(), clear_water(masks, dilate(around, buffer)[place]), adjacent, observed)
