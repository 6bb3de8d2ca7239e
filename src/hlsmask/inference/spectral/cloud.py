"""Clouds: bright, white and hazy, as Fmask's potential cloud pixels, without thermal or cirrus bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from hlsmask.inference.spectral.blocks import by_rows, columns, counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOT: Final = (0.04, 0.12)  # blue - 0.5 red; Zhu & Woodcock 2012 have 0.08
BRIGHT: Final = (0.10, 0.25)  # mean of the visible bands: ours
WHITENESS: Final = (1.0, 0.4)  # Zhu & Woodcock 2012 (after Gomez-Chova 2007) have 0.7
NIR_OF_SWIR1: Final = np.float32(1.0)  # Irish 2000 (ACCA) against rock and sand; Zhu & Woodcock 2012 have 0.75
NIR_OF_RED: Final = np.float32(0.7)  # ours: silt in water is darker in the near infrared, cloud is not
SWIR1_OF_RED: Final = np.float32(0.25)  # ours: water and snow are dark at 1.6 um, cloud is not
STEEPNESS: Final = np.float32(10)  # of the three ratio tests: 0.05 reflectance from "no" to "even"

STRONG: Final = np.float32(0.5)
SEEDS: Final = 16  # of the 144 pixels around: fewer are roofs and roads, not cloud


def score(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much each pixel looks like cloud by itself, float32 (h, w), 0 to 1, even at 0.5; NaN stays.

    The least of several ramps, each 0.5 where the test of the literature has its threshold.
    """
    blue, green, red, nir, swir1 = bands[:5]
    mean = (blue + green + red) * np.float32(1 / 3)
    least = _ramp(blue - np.float32(0.5) * red, HOT)
    spread = np.abs(blue - mean)
    spread += np.abs(green - mean)
    spread += np.abs(red - mean)
    spread /= np.maximum(mean, np.float32(1e-3))
    np.minimum(least, _ramp(spread, WHITENESS), out=least)
    np.minimum(least, _ramp(mean, BRIGHT), out=least)
    half = np.float32(0.5)
    np.minimum(least, (nir - NIR_OF_SWIR1 * swir1) * STEEPNESS + half, out=least)
    np.minimum(least, (nir - NIR_OF_RED * red) * STEEPNESS + half, out=least)
    np.minimum(least, (swir1 - SWIR1_OF_RED * red) * STEEPNESS + half, out=least)
    clipped: NDArray[np.float32] = np.clip(least, 0, 1, out=least)
    return clipped


def despeckle(probability: NDArray[np.float32], frozen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Halve, in place, the probability (h, w) where too few of the pixels around look like cloud.

    Too few: less than `SEEDS`, or less than there are pixels of snow, `frozen` (h, w), whose edges mixed with
    soil are as bright and as little blue as cloud. Looks at 3 x 3 blocks: 4 to 11 pixels far.
    """
    seeds, ice = _around(probability > STRONG), _around(frozen)
    keep = np.where((seeds >= SEEDS) & (seeds >= ice), np.float32(1), np.float32(0.5))
    view = by_rows(probability)
    view *= columns(keep)
    return probability


def _around(mask: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return how many of the pixels of 3 x 3 blocks are True, for each block."""
    number: NDArray[np.int16] = counts(mask).astype(np.int16)
    for axis in (0, 1):
        number = ndimage.correlate1d(number, [1, 1, 1], axis=axis, mode="constant")
    return number


def _ramp(values: NDArray[np.float32], ends: tuple[float, float]) -> NDArray[np.float32]:
    """Return, in place, 0 at the first end and 1 at the second, linear between and beyond."""
    values -= np.float32(ends[0])
    values *= np.float32(1 / (ends[1] - ends[0]))
    return values
