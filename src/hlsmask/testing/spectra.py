"""Reflectance of what covers the ground and of clouds, in the order blue green red nir swir1 swir2.

Surface reflectance as HLS distributes it, 1.0 = all light returned. The figures lie within the ranges of clear HLS
pixels by class (water, vegetation by NDVI, bare ground, snow) and of common spectral libraries; they are meant to
be plausible, not to be measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.samples.simulate.spectra import ALGAE, FLOUR, TURBIDITY, WATER

if TYPE_CHECKING:
    from numpy.typing import NDArray

Spectrum = tuple[float, float, float, float, float, float]

CONIFER: Final = (0.016, 0.030, 0.020, 0.215, 0.095, 0.042)
BROADLEAF: Final = (0.020, 0.046, 0.027, 0.345, 0.160, 0.066)
MEADOW: Final = (0.033, 0.068, 0.055, 0.310, 0.215, 0.115)
SHRUB: Final = (0.044, 0.070, 0.078, 0.205, 0.235, 0.160)
STEPPE: Final = (0.062, 0.098, 0.125, 0.225, 0.310, 0.235)
DESERT: Final = (0.090, 0.145, 0.215, 0.300, 0.410, 0.350)
SAND: Final = (0.145, 0.205, 0.265, 0.335, 0.420, 0.380)
ROCK: Final = (0.090, 0.112, 0.130, 0.175, 0.225, 0.195)
SCREE: Final = (0.120, 0.145, 0.165, 0.205, 0.245, 0.215)
SOIL: Final = (0.055, 0.082, 0.112, 0.172, 0.255, 0.205)
DARK_SOIL: Final = (0.038, 0.052, 0.066, 0.105, 0.165, 0.130)
STUBBLE: Final = (0.075, 0.118, 0.160, 0.265, 0.360, 0.265)
CROP: Final = (0.022, 0.054, 0.030, 0.430, 0.190, 0.082)
ASPHALT: Final = (0.078, 0.088, 0.098, 0.130, 0.150, 0.135)
ROOF: Final = (0.145, 0.165, 0.180, 0.215, 0.235, 0.215)
BRIGHT_ROOF: Final = (0.350, 0.370, 0.385, 0.410, 0.380, 0.340)
RED_ROOF: Final = (0.085, 0.110, 0.185, 0.245, 0.275, 0.235)
SNOW: Final = (0.840, 0.850, 0.840, 0.700, 0.085, 0.070)
OLD_SNOW: Final = (0.540, 0.575, 0.585, 0.480, 0.055, 0.048)
CLOUD: Final = (0.800, 0.790, 0.800, 0.830, 0.560, 0.400)
CIRRUS: Final = (0.620, 0.600, 0.600, 0.620, 0.330, 0.210)

SKYLIGHT: Final = (0.40, 0.32, 0.256, 0.16, 0.096, 0.072)
"""Share of the light on open level ground that comes from the sky rather than straight from the sun."""


def water(band: int, turbidity: NDArray[np.float32], colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the reflectance of water in one band.

    Parameters
    ----------
    band
        Place of the band in the order, 0 to 5.
    turbidity
        0 clear to 1 loaded with silt: near infrared rises with it, as in sediment-laden rivers.
    colour
        -1 green with algae to 1 blue with glacial flour.
    """
    level = np.interp(turbidity, TURBIDITY, WATER[band]).astype(np.float32)
    level += np.maximum(colour, 0) * np.float32(FLOUR[band]) - np.minimum(colour, 0) * np.float32(ALGAE[band])
    return np.maximum(level, np.float32(0.001))
