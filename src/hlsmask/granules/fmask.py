"""The Fmask byte of HLS v2.0 (bit 0 is the lowest; HLS v2.0 User Guide, table 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.masks import NOT_OBSERVED, Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILL: Final = 255
"""All bits set: not observed. To be tested before any bit."""


ADJACENT_BIT: Final = 2
"""Beside cloud or cloud shadow."""

BITS: Final = {Mask.CLOUD: 1, Mask.CLOUD_SHADOW: 3, Mask.SNOW_ICE: 4, Mask.WATER: 5}
"""Bit of each mask that Fmask has. Terrain shadow has none; bits 0, 6 and 7 hold cirrus (unused) and aerosol."""


def decode(fmask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the masks (5, row, column), 0, 1 or 255, that an Fmask layer (row, column) holds.

    Fill is 255 in all masks, and terrain shadow is 255 throughout.
    """
    masks = np.full((len(Mask), *fmask.shape), NOT_OBSERVED, np.uint8)
    observed = fmask != FILL
    for mask, bit in BITS.items():
        np.copyto(masks[list(Mask).index(mask)], (fmask >> bit) & 1, where=observed)
    return masks
