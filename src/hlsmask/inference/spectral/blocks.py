"""Blocks of 4 x 4 pixels (120 m) on which neighbourhoods are looked at, and strips that fit into the cache.

Windows start at multiples of 4 pixels of the scene, so that a block holds the same pixels in every window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK: Final = 4
"""Rows and columns of a block."""

_STRIP_PIXELS: Final = 1 << 16  # six float32 bands of a strip are 1.5 MB: they stay in the second-level cache


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Give the rows of (h, w) in strips of whole blocks."""
    height, width = shape
    rows = max(1, _STRIP_PIXELS // max(width, 1) // BLOCK) * BLOCK
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def counts(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how many pixels of each block are True: uint8 0 to 16, (h / 4, w / 4), for (h, w)."""
    four = np.ascontiguousarray(mask).view(np.uint32)  # four pixels of a row, a byte each
    rows = four[0::BLOCK] + four[1::BLOCK]
    rows += four[2::BLOCK]
    rows += four[3::BLOCK]
    rows *= np.uint32(0x01010101)  # the highest byte becomes the sum of the four
    rows >>= np.uint32(24)
    return rows.astype(np.uint8)


def sums(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sum over each block: float32 (h / 4, w / 4) for (h, w)."""
    rows = values[0::BLOCK] + values[1::BLOCK]
    rows += values[2::BLOCK]
    rows += values[3::BLOCK]
    total: NDArray[np.float32] = rows[:, 0::BLOCK] + rows[:, 1::BLOCK]
    total += rows[:, 2::BLOCK]
    total += rows[:, 3::BLOCK]
    return total


def columns(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (rows, 1, w) with every column of the blocks (rows, columns) four times: broadcasts over `by_rows`."""
    wide: NDArray[np.float32] = np.repeat(values, BLOCK, axis=1)[:, None]
    return wide


def by_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a view (h / 4, 4, w) of (h, w)."""
    height, width = values.shape
    return values.reshape(height // BLOCK, BLOCK, width)
