"""From probabilities to masks: thresholds, clear water, and what lies near cloud and shadow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.ndimage import maximum_filter1d

from hlsmask.inference.clear import clear_water
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, Mask
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

ADJACENT: Final = 5
"""Pixels by which HLS dilates cloud and shadow into its adjacent bit (HLS v2.0 User Guide: 150 m)."""

_ROWS: Final = 512
"""Finished rows come in multiples of this: the blocks of the files that are written."""

_HAZARDS: Final = [list(Mask).index(mask) for mask in (Mask.CLOUD, Mask.CLOUD_SHADOW)]


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Finished rows of a scene."""

    window: Window
    """Rows over the full width."""

    masks: NDArray[np.uint8]
    """Shape (5, row, column) in the order of `Mask`; 0, 1, or 255 = not observed or not known."""

    clear_water: NDArray[np.uint8]
    """Shape (row, column): water and none of the others, nor near cloud or shadow; 255 where water is 255."""

    adjacent: NDArray[np.bool_]
    """Shape (row, column): within 5 pixels of cloud or cloud shadow, and neither of them."""

    observed: NDArray[np.bool_]
    """Shape (row, column)."""


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


def dilate(there: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return what lies within a square of `pixels` on every side of what is `there`, (row, column)."""
    if not pixels or not there.any():
        return there
    wide = there.view(np.uint8)
    for axis in (0, 1):
        wide = maximum_filter1d(wide, 2 * pixels + 1, axis=axis, mode="constant", cval=ABSENT)
    return wide.view(np.bool_)


def decide(
    cells: Iterable[tuple[Window, NDArray[np.float32]]],
    shape: tuple[int, int],
    masks: tuple[Mask, ...],
    thresholds: Mapping[Mask, float],
    *,
    buffer: int = 0,
) -> Iterator[Decided]:
    """Turn finished cells, row by row of cells, into finished rows.

    Rows are held back until those below, which can still bring cloud within `buffer` or 5 pixels, are there.
    `shape` is that of the scene in rows and columns.
    """
    margin = max(buffer, ADJACENT)
    height, width = shape
    held = np.empty((len(Mask), 0, width), np.uint8)  # decided, not yet given
    passed = np.zeros((0, width), np.bool_)  # cloud or shadow in the last rows that were given
    top = 0  # of what is held
    row = bottom = 0  # of the cells that are coming in
    for window, probabilities in cells:
        if window.col == 0:
            row, bottom = window.row, window.bottom
            held = np.concatenate([held, np.empty((len(Mask), window.height, width), np.uint8)], axis=1)
        held[:, row - top : bottom - top, window.col : window.right] = threshold(probabilities, masks, thresholds)
        if window.right < width:
            continue
        ready = height if bottom == height else max(top, (bottom - margin) // _ROWS * _ROWS)
        if ready > top:
            yield _finish(held, passed, Window(top, 0, ready - top, width), buffer)
            hazard = _hazard(held[:, : ready - top])
            passed = np.concatenate([passed, hazard])[-margin:]
            held, top = held[:, ready - top :].copy(), ready


def _hazard(masks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    hazard: NDArray[np.bool_] = (masks[_HAZARDS] == PRESENT).any(axis=0)
    return hazard


def _finish(held: NDArray[np.uint8], passed: NDArray[np.bool_], window: Window, buffer: int) -> Decided:
    """Return the rows of `window`, the first that are `held`, seeing also rows before and after them."""
    around = np.concatenate([passed, _hazard(held[:, : window.height + max(buffer, ADJACENT)])])
    place = slice(len(passed), len(passed) + window.height)
    hazard = around[place]
    adjacent = dilate(around, ADJACENT)[place] & ~hazard
    near = dilate(around, buffer)[place]
    masks = held[:, : window.height]
    observed: NDArray[np.bool_] = (masks != NOT_OBSERVED).any(axis=0)
    return Decided(window, masks.copy(), clear_water(masks, near), adjacent & observed, observed)
