"""What is true of a simulated scene, and what Fmask would say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation, binary_opening

from hlsmask.masks import NOT_OBSERVED
from hlsmask.testing.fields import noise
from hlsmask.testing.sky import CLOUD_FROM, OPAQUE_FROM, SHADOW_FROM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.testing.fields import Field
    from hlsmask.testing.sky import Sky

    Flags = NDArray[np.bool_]

FMASK_FILL = 255
"""Byte of a pixel that was not observed."""

DILATION = 5
"""Pixels around cloud and shadow that HLS flags as adjacent (User Guide v2.0: 150 m)."""


def true_masks(water: Field, snow: Field, dark: Flags, sky: Sky, seen: Flags) -> NDArray[np.uint8]:
    """Return the truth, shape (5, row, column), in the order of `Mask`.

    Cloud is opacity above 0.12. Cloud shadow is where clouds keep more than 0.16 of the sun's direct light from
    the ground, and is 0 under cloud. Water and snow are there from half of a pixel. Where clouds hide more than
    0.6, water, snow and terrain shadow are not known: 255. Where nothing was observed, all five are 255.
    """
    opacity = sky.opacity
    cloud = opacity > CLOUD_FROM
    truth = np.stack([water > 0.5, cloud, (sky.shade > SHADOW_FROM) & ~cloud, snow > 0.5, dark]).astype(np.uint8)  # noqa: PLR2004 - half
    truth[np.ix_([0, 3, 4])] = np.where(opacity > OPAQUE_FROM, np.uint8(NOT_OBSERVED), truth[[0, 3, 4]])
    truth[:, ~seen] = NOT_OBSERVED
    return truth


def imitate_fmask(bands: Field, sky: Sky, dark: Flags, seen: Flags, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an Fmask layer as HLS v2.0 has it, with its known faults, shape (row, column).

    It misses thin cloud, takes some bright ground for cloud and some dark relief for cloud shadow, and calls
    turbid water snow here and there. As in the real files, cloud and shadow exclude water and snow, and cloud or
    shadow does not count as adjacent to itself.

    Parameters
    ----------
    bands
        What the satellite sees, reflectance, shape (6, row, column).
    sky
        The clouds.
    dark
        Terrain shadow.
    seen
        What was observed.
    rng
        Where its faults come from.
    """
    blue, green, red, nir, swir1, _ = bands
    shape = blue.shape
    mood = noise(shape, rng, 2.0, longest=200, shortest=3)
    cloud = sky.opacity > np.float32(0.34) + np.float32(0.09) * mood
    cloud |= (blue > 0.3) & (swir1 > 0.3) & (mood > 1.0)  # noqa: PLR2004 - bright roofs and sand
    cloud = binary_opening(cloud, iterations=1) | (sky.opacity > 0.9)  # noqa: PLR2004 - cores
    shadow = (sky.shade > np.float32(0.38) + np.float32(0.08) * mood) | (dark & (nir < 0.08) & (mood > 0.5))  # noqa: PLR2004
    shadow = binary_opening(shadow, iterations=1) & ~cloud
    ndsi = (green - swir1) / np.maximum(green + swir1, np.float32(1e-3))
    ndvi = (nir - red) / np.maximum(nir + red, np.float32(1e-3))
    water = ((ndvi < 0.01) & (nir < 0.11)) | ((ndvi < 0.1) & (nir < 0.05))  # noqa: PLR2004 - Zhu & Woodcock 2012
    water |= (ndsi > 0.3) & (nir < 0.13) & (ndvi < 0.15)  # noqa: PLR2004 - Fmask 4 adds water by spectral index
    silt = (ndsi > 0.15) & (nir > 0.075) & (green > 0.085) & (mood > 0.6)  # noqa: PLR2004 - its false snow
    snow = ((ndsi > 0.15) & (nir > 0.11) & (green > 0.1) & ~water) | silt  # noqa: PLR2004 - the same paper
    clear = ~cloud & ~shadow
    around = (_grow(cloud) & ~cloud) | (_grow(shadow) & ~shadow)
    haze = noise(shape, rng, 2.4, longest=900, shortest=4) + np.float32(1.2) * sky.opacity
    aerosol = np.digitize(haze, (0.25, 1.7)).astype(np.uint8) + np.uint8(1)
    flags = cloud.astype(np.uint8) << 1 | around.astype(np.uint8) << 2 | shadow.astype(np.uint8) << 3
    flags |= (snow & clear).astype(np.uint8) << 4 | (water & clear).astype(np.uint8) << 5 | aerosol << 6
    flags[~seen] = FMASK_FILL
    return np.asarray(flags, np.uint8)


def _grow(flags: Flags) -> Flags:
    """Dilate by a disc of `DILATION` pixels, alternately by a cross and a square."""
    grown = flags
    for turn in range(DILATION):
        grown = binary_dilation(grown, structure=np.ones((3, 3), np.bool_) if turn % 2 else None)
    return np.asarray(grown)
