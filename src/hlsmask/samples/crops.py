"""Where a crop lies in its sample: integers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from hlsmask.windows import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.samples.augment import Turn

Crop = Literal["random", "centre", "grid", "published"]
"""Where crops lie: anywhere; in the middle; in places that together hold every pixel, each an item of its own; upper
left."""

PUBLISHED_SIZE: Final = 512
"""Rows and columns of the published crop."""


def count_parts(side: int, size: int) -> int:
    """Return how many crops of `size` a sample of `side` takes until every pixel is in one."""
    return (-(-side // size)) ** 2


def grid_window(side: int, size: int, part: int) -> tuple[Window, Window]:
    """Return what the crop `part` of a grid reads, and what of it is its own.

    Crops are spread evenly, so that all that overlap do so alike; what two share is divided in the middle, so that a
    pixel is judged where more of its surroundings are seen.
    """
    across = -(-side // size)
    (row, top, bottom), (col, left, right) = (_stretch(side, size, at, across) for at in divmod(part, across))
    size = min(size, side)
    return Window(row, col, size, size), Window(top, left, bottom - top, right - left)


def _stretch(side: int, size: int, at: int, across: int) -> tuple[int, int, int]:
    """Return start, first and past the last own pixel of crop `at` of `across` along one axis."""
    starts = [each * max(0, side - size) // max(1, across - 1) for each in (at - 1, at, at + 1)]
    first = 0 if at == 0 else (starts[0] + size + starts[1]) // 2
    last = side if at == across - 1 else (starts[1] + size + starts[2]) // 2
    return starts[1], first, last


def place_window(crop: Crop, side: int, size: int, spot: tuple[float, float], turn: Turn) -> Window:
    """Return the pixels of a sample of `side` that a crop of `size` holds; fewer where the sample is smaller.

    `spot`, two numbers from 0 to below 1, says where a random crop lies; `turn` is what happens to the sample before
    the published crop is cut.
    """
    size = min(size, side)
    if crop == "random":
        row, col = (int(each * (side - size + 1)) for each in spot)
    elif crop == "published":
        row, col = turn.corner(size, side)
    else:
        row = col = (side - size) // 2
    return Window(row, col, size, size)


def fill_up(array: NDArray[Any], size: int, value: int) -> NDArray[Any]:
    """Return `array` (n, rows, columns) with rows and columns of `value` below and to the right, up to `size`."""
    if array.shape[1:] == (size, size):
        return array
    filled = np.full((len(array), size, size), value, array.dtype)
    filled[:, : array.shape[1], : array.shape[2]] = array
    return filled
