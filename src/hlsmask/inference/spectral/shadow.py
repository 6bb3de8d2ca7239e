"""Cloud shadow: what is darker than its surroundings where the shadow of a cloud falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from hlsmask.inference.spectral.blocks import BLOCK, by_rows, columns, counts
from hlsmask.inference.spectral.darkness import darkness
from hlsmask.inference.spectral.matching import reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.sun import Sun

HALF: Final = np.float32(0.5)
CLOUDY: Final = BLOCK * BLOCK // 2  # pixels of a block that make it cloud
FEW: Final = 24  # of the 144 pixels around: fewer dark ones are ditches and single trees, no shadow
WET: Final = np.float32(0.8)
"""Stands for the probability of shadow on dark water that the shadow of a cloud reaches."""


def cloud_shadow(
    bands: NDArray[np.float32],
    cloud: NDArray[np.bool_],
    sun: Sun | None,
    pixel: float,
    light: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the probability of cloud shadow, float32 (h, w), 0 to 1: a rank, not calibrated.

    A pixel depends on what lies up to 256 pixels away, and on nothing farther.

    Parameters
    ----------
    bands
        Reflectance (6 or more, h, w), h and w multiples of 4; NaN = not observed.
    cloud
        Shape (h, w), True where there is cloud.
    sun
        Where the sun stood, or None: then land that is dark and near a cloud is taken, and no water.
    pixel
        Side of a pixel in metres.
    light
        Shape (h, w), the light on each slope as a multiple of that on flat ground; None: all is flat.

    """
    cloudy = counts(cloud) >= CLOUDY
    if not cloudy.any():
        return np.zeros(cloud.shape, np.float32)
    with np.errstate(invalid="ignore"):
        dark = darkness(bands, cloud, light)
    number = counts(dark.land > HALF)
    if sun is not None:
        number += counts(dark.water)
    reached = reach(cloudy, number * np.float32(1 / BLOCK**2), sun, pixel)
    around = number.astype(np.int16)
    for axis in (0, 1):
        around = ndimage.correlate1d(around, [1, 1, 1], axis=axis, mode="constant")
    reached &= around >= FEW
    shadow = dark.land
    if sun is not None:
        shadow[dark.water] = WET
    view = by_rows(shadow)
    view *= columns(reached.astype(np.float32))
    return shadow
