"""Clear water: what most people want of five masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask, check_stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HIDING = tuple(index for index, mask in enumerate(Mask) if mask is not Mask.WATER)


def clear_water(masks: NDArray[np.uint8], near: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Return 1 where there is water that nothing hides, 0 where not, 255 where water is not known.

    Parameters
    ----------
    masks
        Shape (5, row, column), in the order of `Mask`: 0, 1, or 255 = not known. A hiding mask that is 255
        counts as absent, the whole layer or one pixel of it.
    near
        Shape (row, column), True where too close to cloud or shadow to be trusted; none by default.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    check_stack(masks.shape)
    water = masks[tuple(Mask).index(Mask.WATER)]
    clear = water == PRESENT
    for index in _HIDING:
        clear &= masks[index] != PRESENT
    if near is not None:
        if near.shape != water.shape:
            raise ValueError(f"near must have the shape {water.shape}, not {near.shape}")
        clear &= ~near
    found: NDArray[np.uint8] = clear.view(np.uint8)
    found[water == NOT_OBSERVED] = NOT_OBSERVED
    return found
