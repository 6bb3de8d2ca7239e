"""The Fmask byte of HLS v2.0 (bit 0 is the lowest; HLS v2.0 User Guide, table 9)."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.masks import NOT_OBSERVED, Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILL: Final = 255
"""All bits set: not observed. To be tested before any bit."""


class FmaskBit(IntFlag):
    """What the bits say; bits 0, 6 and 7 hold cirrus (unused) and the aerosol level."""

    CLOUD = 1 << 1
    ADJACENT = 1 << 2
    SHADOW = 1 << 3
    SNOW = 1 << 4
    WATER = 1 << 5


BIT_OF: Final = {
    Mask.WATER: FmaskBit.WATER,
    Mask.CLOUD: FmaskBit.CLOUD,
    Mask.CLOUD_SHADOW: FmaskBit.SHADOW,
    Mask.SNOW_ICE: FmaskBit.SNOW,
}
"""The masks that Fmask knows. It has no terrain shadow."""


def decode(fmask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the masks (5, row, column), 0, 1 or 255, that an Fmask layer (row, column) holds.

    Fill is 255 in all masks, and terrain shadow is 255 throughout.
    """
    masks = np.full((len(Mask), *fmask.shape), NOT_OBSERVED, np.uint8)
    observed = fmask != FILL
    for mask, bit in BIT_OF.items():
        np.copyto(masks[list(Mask).index(mask)], (fmask & bit) != 0, where=observed, casting="unsafe")
    return masks
