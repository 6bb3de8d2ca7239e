"""What is darker than its surroundings, as cloud shadow is: by flood fill on land, by the mean on water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from hlsmask.inference.spectral.blocks import BLOCK, by_rows, columns, counts, strips, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

DROP: Final = np.float32(0.02)  # Zhu & Woodcock 2012: filled NIR - NIR of a shadow
NIR_LEFT: Final = np.float32(0.55)  # ours: of the lit NIR; in shadow the sky alone gives light, 0.3 to 0.5 of it
SWIR1_LEFT: Final = np.float32(0.75)  # ours: of the mean SWIR1 around, shadows included; 0.2 to 0.4 expected
VISIBLE_LEFT: Final = np.float32(0.8)  # ours: of the mean visible water around; the bluer light, the brighter shade
STEEPNESS: Final = np.float32(2)  # of the probability: a quarter of the limit to either side goes from 0 to 1
SQUARE: Final = 23  # blocks on a side of the squares that fill and average: 2.8 km, wider than most shadows
FEW: Final = np.float32(40)  # pixels in such a square, of 8,464, that still make a mean
TEST_1: Final = np.float32(281 / 219)  # DSWx test 1, MNDWI > 0.124, as green over SWIR1


@dataclass(frozen=True, slots=True)
class Dark:
    """What could be cloud shadow, looked at by itself."""

    land: NDArray[np.float32]
    """Shape (h, w), 0 to 1, even at 0.5: how much darker than the land around; 0 on cloud, water, nothing."""

    water: NDArray[np.bool_]
    """Shape (h, w): water that is darker than the water around."""


def darkness(bands: NDArray[np.float32], cloud: NDArray[np.bool_], light: NDArray[np.float32] | None = None) -> Dark:
    """Return what is darker than its surroundings.

    Parameters
    ----------
    bands
        Reflectance (6 or more, h, w), h and w multiples of 4; NaN = not observed.
    cloud
        Shape (h, w), True where there is cloud: it is no part of the surroundings.
    light
        Shape (h, w), the light on each slope as a multiple of that on flat ground; None: all is flat.

    """
    shape = cloud.shape
    blocks = (shape[0] // BLOCK, shape[1] // BLOCK)
    nir, swir1, visible = (np.empty(blocks, np.float32) for _ in range(3))
    lit, wet = (np.empty(blocks, np.float32) for _ in range(2))
    water = np.empty(shape, np.bool_)
    for rows in strips(shape):
        part = bands[:, rows]
        coarse = slice(rows.start // BLOCK, rows.stop // BLOCK)
        ground = np.isfinite(part[3]) & ~cloud[rows]
        wetness = (part[1] > TEST_1 * part[4]) & (part[3] < part[1])
        wetness &= ground
        water[rows] = wetness
        ground &= ~wetness
        lit[coarse], wet[coarse] = counts(ground), counts(wetness)
        nothing = np.float32(0)
        nir[coarse] = sums(np.where(ground, _flat(part[3], light, rows), nothing))
        swir1[coarse] = sums(np.where(ground, _flat(part[4], light, rows), nothing))
        visible[coarse] = sums(np.where(wetness, part[1] + part[2], nothing))
    nir_limit = _filled(nir, lit)
    np.minimum(nir_limit * NIR_LEFT, nir_limit - DROP, out=nir_limit)
    swir1_limit = _mean(swir1, lit) * SWIR1_LEFT
    visible_limit = _mean(visible, wet) * VISIBLE_LEFT
    land = np.empty(shape, np.float32)
    for rows in strips(shape):
        coarse = slice(rows.start // BLOCK, rows.stop // BLOCK)
        land[rows] = _below(_flat(bands[3, rows], light, rows), nir_limit[coarse])
        other = _below(_flat(bands[4, rows], light, rows), swir1_limit[coarse])
        np.minimum(land[rows], other, out=land[rows])
        land[rows][water[rows] | cloud[rows] | np.isnan(land[rows])] = 0
        bright = bands[1, rows] + bands[2, rows]
        shade = by_rows(bright) < columns(visible_limit[coarse])
        water[rows] &= shade.reshape(bright.shape)
    return Dark(land, water)


def _flat(values: NDArray[np.float32], light: NDArray[np.float32] | None, rows: slice) -> NDArray[np.float32]:
    """Return what the values of these rows would be on flat ground."""
    return values if light is None else values / light[rows]


def _filled(total: NDArray[np.float32], number: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the level to which holes fill up: a grey closing of the mean over 3 x 3 blocks.

    A hole that is narrower than `SQUARE` fills to the highest level on the lowest side around. It is the flood
    fill of Zhu & Woodcock 2012 with a bounded reach. -1 where nothing is around.
    """
    level = ndimage.uniform_filter(total, 3, mode="constant")
    weight = ndimage.uniform_filter(number, 3, mode="constant")
    level = np.where(weight > 1, level / np.maximum(weight, 1), np.float32(-1))
    level = ndimage.maximum_filter(level, SQUARE, mode="constant", cval=-1)
    filled: NDArray[np.float32] = ndimage.minimum_filter(level, SQUARE, mode="constant", cval=9)
    return filled


def _mean(total: NDArray[np.float32], number: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over the square around each block; -1 where too little is around."""
    share = np.float32(SQUARE * SQUARE)
    weight = _around(number) * share
    mean: NDArray[np.float32] = np.where(weight > FEW, _around(total) * share / np.maximum(weight, 1), np.float32(-1))
    return mean


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over the square around each block, nothing outside; each result from its square alone."""
    result: NDArray[np.float32] = values
    for axis in (0, 1):
        result = ndimage.uniform_filter1d(result, SQUARE, axis=axis, mode="constant", output=np.float64)
    return result.astype(np.float32)


def _below(values: NDArray[np.float32], limit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far values (h, w) lie below the limit of their block, as a share of it: 0 to 1, even at 0.5."""
    steep = np.divide(STEEPNESS, np.maximum(limit, np.float32(1e-3)), dtype=np.float32)
    low = columns(limit) - by_rows(values)
    low *= columns(steep)
    low += np.float32(0.5)
    np.clip(low, 0, 1, out=low)
    return low.reshape(values.shape)
