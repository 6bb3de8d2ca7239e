"""The quality byte: a drop-in for the Fmask layer of HLS v2.0.

In HLS the bit "adjacent to cloud or shadow" is the ring that dilation adds. Where it meets bits 1 or 3 in
distributed files (2 to 20 % of cloud or shadow pixels, along seams and where 20 m pixels became 30 m ones) is
an artefact that is not copied: here the ring never holds cloud or shadow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.granules.fmask import ADJACENT_BIT, BITS, FILL
from hlsmask.masks import PRESENT, Mask, check_stack
from hlsmask.products.palette import ADJACENT, COLOURS, NOTHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAGS: Final = {
    "Fmask bit description": (
        "Bits are listed from the MSB (bit 7) to the LSB (bit 0): \n"
        "7-6    aerosol: not given, always 00\n"
        "5      water\n"
        "4      snow/ice\n"
        "3      cloud shadow\n"
        "2      adjacent to cloud or cloud shadow\n"
        "1      cloud\n"
        "0      cirrus cloud: not given, always 0\n"
    ),
    "_FillValue": str(FILL),
}
"""Tags of the file, named as HLS names them."""


def fmask_byte(masks: NDArray[np.uint8], valid: NDArray[np.bool_], adjacent: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the quality byte of every pixel, shape (row, column).

    Parameters
    ----------
    masks
        Shape (5, row, column), in the order of `Mask`: 0, 1, or 255 = not known, which leaves its bit clear.
    valid
        Shape (row, column), True where the scene was observed; all else becomes 255.
    adjacent
        Shape (row, column), True near cloud or cloud shadow; cloud and shadow themselves are taken out.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    check_stack(masks.shape)
    if valid.shape != masks.shape[1:] or adjacent.shape != masks.shape[1:]:
        raise ValueError(f"valid {valid.shape} and adjacent {adjacent.shape} do not fit masks {masks.shape}")
    byte: NDArray[np.uint8] = np.zeros(valid.shape, np.uint8)
    order = tuple(Mask)
    for mask, bit in BITS.items():
        byte |= (masks[order.index(mask)] == PRESENT).view(np.uint8) << np.uint8(bit)
    hidden = np.uint8(1 << BITS[Mask.CLOUD] | 1 << BITS[Mask.CLOUD_SHADOW])
    ring = adjacent & ((byte & hidden) == 0)
    byte |= ring.view(np.uint8) << np.uint8(ADJACENT_BIT)
    byte[~valid] = FILL
    return byte


def colour_table() -> dict[int, tuple[int, int, int, int]]:
    """Return a colour (red, green, blue, alpha) for each byte; what hides wins over what it hides."""
    table = {}
    for byte in range(256):
        colour = ADJACENT if byte >> ADJACENT_BIT & 1 else NOTHING
        for mask in (Mask.WATER, Mask.SNOW_ICE, Mask.CLOUD_SHADOW, Mask.CLOUD):
            if byte >> BITS[mask] & 1:
                colour = COLOURS[mask.value]
        table[byte] = (*colour, 255)
    table[FILL] = (0, 0, 0, 0)
    return table
