"""Snow and ice by the normalized difference snow index, with guards against muddy water and cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NDSI: Final = np.float32(0.4)  # Dozier 1989; Hall et al. 1995; Gascoin et al. 2019 (first pass)
RED: Final = np.float32(0.2)  # Gascoin et al. 2019 (Theia snow, first pass): bright snow
NIR: Final = np.float32(0.11)  # Zhu & Woodcock 2012 (Fmask), against water
GREEN: Final = np.float32(0.1)  # Zhu & Woodcock 2012 (Fmask), against dark surfaces
BLUE_OF_RED: Final = np.float32(0.6)  # ours: snow is white, silt in water is brown
NIR_OF_RED: Final = np.float32(0.8)  # ours: snow is as bright in the NIR, deep water with silt is not
SWIR1: Final = np.float32(0.25)  # ours: snow absorbs 1.6 um, even fine grains stay below; ice clouds do not
PRESENT: Final = np.float32(0.9)
"""Stands for the probability of snow where the tests say so: a level, not calibrated."""
ABSENT: Final = np.float32(0.05)
"""The same where they do not."""


def snow(bands: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where snow or ice lies, bool (h, w), for reflectance (6 or more, h, w); False where not observed.

    Bright snow has a red above 0.2; dimmer snow (in shade, in patches) must be at least as blue as red,
    which water laden with silt never is.
    """
    blue, green, red, nir, swir1 = bands[:5]
    # (g - s) / (g + s) > t  <=>  g (1 - t) > s (1 + t), for g + s > 0, which `green` sees to.
    found: NDArray[np.bool_] = green * (1 - NDSI) > swir1 * (1 + NDSI)
    found &= green > GREEN
    found &= nir > NIR
    found &= swir1 < SWIR1
    bright = red > RED
    bright &= blue > BLUE_OF_RED * red
    bright &= nir > NIR_OF_RED * red
    bright |= blue >= red
    found &= bright
    return found
