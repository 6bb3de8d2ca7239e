"""The real HLS chips, as `accuracy.py` scores on them, and which of them it takes for what."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import radians, tan
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from scipy.ndimage import uniform_filter

from chips import BANDS, CHIP, DEM, FLAT, FMASK, PASSED, PIXEL, labels_of, splits_of
from hlsmask.granules import fmask as fmask_code
from hlsmask.inference.spectral.water import diagnostic
from hlsmask.samples.sample import reflectance

if TYPE_CHECKING:
    from pathlib import Path

CLOUDED: tuple[int, ...] = ()
"""Numbers of chips, in the order of the file, in which the eye sees cloud that Fmask does not: they are not clear."""

HIDDEN = 0b0000_1110  # bits of Fmask: cloud, adjacent to cloud or shadow, cloud shadow
WATER, CLOUD, SHADOW, SNOW, TERRAIN = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Chips:
    """Chips of one split, or all."""

    number: np.ndarray
    """In the file, (n,)."""

    stored: np.ndarray
    """HLS integers, int16 (n, 6, h, w)."""

    bands: np.ndarray
    """Reflectance, NaN where not observed, float32 (n, 6, h, w)."""

    byte: np.ndarray
    """Fmask, uint8 (n, h, w)."""

    dem: np.ndarray
    """Metres, float32 (n, h, w)."""

    drawn: np.ndarray
    """Water reference: 0, 1, 255 = no label, uint8 (n, h, w)."""

    place: np.ndarray
    """Location, (n,)."""

    split: np.ndarray
    """`train`, `val` or `test`, (n,)."""

    def take(self, which: np.ndarray) -> Chips:
        """Return some of them."""
        return Chips(*(getattr(self, name)[which] for name in self.__slots__))

    def bit(self, number: int) -> np.ndarray:
        """Return where a bit of Fmask is set, (n, h, w)."""
        return self.observed & (self.byte >> number & 1 == 1)

    @property
    def observed(self) -> np.ndarray:
        """Where neither bands nor Fmask are fill."""
        return (self.byte != fmask_code.FILL) & ~np.isnan(self.bands).any(axis=1)

    @property
    def clear(self) -> np.ndarray:
        """Where Fmask says neither cloud nor shadow nor adjacent, in chips in which the eye sees none."""
        return self.observed & (self.byte & HIDDEN == 0) & ~np.isin(self.number, CLOUDED)[:, None, None]

    @property
    def passed(self) -> np.ndarray:
        """How many of the five DSWx tests each pixel passes, (n, h, w)."""
        return PASSED[np.stack([diagnostic(bands) for bands in self.bands])]

    @property
    def known(self) -> np.ndarray:
        """Labels as backgrounds of simulation have them, uint8 (n, 5, h, w)."""
        return np.stack([labels_of(*own) for own in zip(self.stored, self.byte, self.dem, strict=True)])


def read_chips(data: Path) -> Chips:
    """Return all chips."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(data / "hls_chips.tif") as file:
            stack = file.read()
    count = stack.shape[1] // CHIP
    chips = stack.reshape(stack.shape[0], count, CHIP, CHIP).swapaxes(0, 1)
    stored = chips[:, BANDS].astype(np.int16)
    with np.load(data / "hls_chips_labels.npz") as told:
        drawn, place = told["water_reference"], told["location"]
    return Chips(
        number=np.arange(count),
        stored=stored,
        bands=np.stack([reflectance(own) for own in stored]),
        byte=chips[:, FMASK].astype(np.uint8),
        dem=chips[:, DEM].astype(np.float32),
        drawn=drawn,
        place=place,
        split=np.array(splits_of(place)),
    )


def gentle(chips: Chips) -> np.ndarray:
    """Return where the ground is less steep than 5 degrees, (n, h, w).

    The DEM is one of surfaces, with woods and noise in it: it is averaged over 5 x 5 pixels first.
    """
    ground = uniform_filter(chips.dem, (0, 5, 5), mode="nearest")
    return np.hypot(*np.gradient(ground, PIXEL, axis=(1, 2))) < tan(radians(FLAT))


def flat(chips: Chips) -> np.ndarray:
    """Return which chips are gentle on 99 % of their pixels, (n,)."""
    return gentle(chips).mean(axis=(1, 2)) >= 0.99


def muddy(bands: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Return which windows (n, 6, h, w) show a muddy river or flood and no snow, (n,).

    Muddy: where four or five DSWx tests say water (`passed`, (n, h, w)), of 100 pixels or more, the median of red is
    above that of green, and that of green above 0.07. No snow: fewer than 100 pixels are both as bright as snow (green
    above 0.35) and dark beyond (NDSI above 0.4). Ground that such a window calls snow is called so wrongly. The eye
    confirmed it on pictures of those of the split `test`: brown rivers, fields and towns in the lowlands.
    """
    chosen = []
    for own, tests in zip(bands, passed, strict=True):
        water = tests >= 4
        green, red, swir = own[1], own[2], own[4]
        with np.errstate(invalid="ignore", divide="ignore"):
            snow = (green > 0.35) & ((green - swir) / (green + swir) > 0.4)
        if water.sum() < 100 or snow.sum() >= 100:
            chosen.append(False)
            continue
        chosen.append(bool(np.nanmedian(red[water]) > np.nanmedian(green[water]) > 0.07))
    return np.array(chosen, bool)
