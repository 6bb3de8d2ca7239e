"""Bilinear doubling, of the part alone that is kept: what networks do last, done once the margins are cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE: Final = 2
"""How much longer the sides are that it gives."""

_OWN: Final = np.float32(0.75)
"""What a pixel gets from the one that it lies in; the rest is from that one's neighbour."""

_PART: Final = 64
"""Rows that are doubled in one go: with what they are made from they stay in a core's own cache."""


def doubled(small: NDArray[np.float32], kept: tuple[slice, slice]) -> NDArray[np.float32]:
    """Return the rows and columns `kept` of (n, c, h, w) brought to (n, c, 2h, 2w), in an array of its own.

    Pixel centres stay in their places, and beyond an edge lies what lies at it: as ONNX's `Resize` has it, linear and
    `half_pixel`, and torch's bilinear interpolation without `align_corners`.
    """
    height, width = small.shape[2:]
    rows, cols = range(*kept[0].indices(SCALE * height)), range(*kept[1].indices(SCALE * width))
    large = np.empty((*small.shape[:2], len(rows), len(cols)), np.float32)
    planes, targets = small.reshape(-1, height, width), large.reshape(-1, len(rows), len(cols))
    beside = _near(cols, width)
    for start in range(0, len(rows), _PART):
        part = rows[start : start + _PART]
        around = _near(part, height)
        for plane, target in zip(planes, targets, strict=True):
            wide = _along(plane.take(around, 0).take(beside, 1), 1, cols)
            target[start : start + _PART] = _along(wide, 0, part)
    return large


def _near(part: range, length: int) -> NDArray[np.intp]:
    """Return the pixels, of so many, that those of a part lie in once they are doubled, and one more on either side."""
    return np.arange(part.start // SCALE - 1, -(-part.stop // SCALE) + 1).clip(0, length - 1)


def _along(near: NDArray[np.float32], axis: int, part: range) -> NDArray[np.float32]:
    """Return a part of an axis that is doubled, of what lies near it."""

    def at(begin: int, end: int | None, step: int | None = None) -> tuple[slice, ...]:
        return (slice(None),) * axis + (slice(begin, end, step),)

    main, rest = near[at(1, -1)] * _OWN, near * (1 - _OWN)
    shape = list(main.shape)
    shape[axis] *= SCALE
    large = np.empty(shape, np.float32)
    np.add(main, rest[at(0, -2)], out=large[at(0, None, SCALE)])
    np.add(main, rest[at(2, None)], out=large[at(1, None, SCALE)])
    odd = part.start % SCALE
    return large[at(odd, odd + len(part))]
