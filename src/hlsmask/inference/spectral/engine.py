"""The engine that needs no weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.bands import BANDS
from hlsmask.card import Card
from hlsmask.inference.engine import WHOLE, cut
from hlsmask.inference.spectral.blocks import BLOCK, strips
from hlsmask.inference.spectral.cloud import STRONG, despeckle, score
from hlsmask.inference.spectral.relief import illumination, terrain_shadow
from hlsmask.inference.spectral.shadow import cloud_shadow
from hlsmask.inference.spectral.snow import ABSENT, PRESENT, snow
from hlsmask.inference.spectral.water import LEVELS, diagnostic, wtr1
from hlsmask.masks import Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.sun import Sun

VERSION: Final = "1"
"""Changes whenever a mask may change."""

SIZE: Final = 1312
"""Rows and columns of the window it runs on: larger ones are read with less overlap, but take more memory."""

CONTEXT: Final = 256
"""Pixels around a pixel on which its masks may depend."""

WATER_THRESHOLD: Final = 0.5
"""High and moderate confidence are water."""

PARTIAL_WATER_THRESHOLD: Final = 0.2
"""Partial surface water is water too."""


@dataclass(frozen=True, slots=True)
class Spectral:
    """Masks from physics alone: tests and geometry of the literature, no weights."""

    sun: Sun | None = None
    """Where the sun stood; None: not known, so no terrain shadow, and cloud shadow by nearness."""

    elevation: bool = False
    """Whether a seventh plane, the ground's elevation in metres, comes after the six bands."""

    partial_water: bool = False
    """Whether partial surface water (DSWx classes 3 and 4) counts as water."""

    pixel: float = 30.0
    """Side of a pixel in metres."""

    @property
    def card(self) -> Card:
        """What it takes and gives: all five masks, in order."""
        return Card(
            name="spectral",
            masks=tuple(Mask),
            elevation=self.elevation,
            output="probabilities",
            thresholds={Mask.WATER: PARTIAL_WATER_THRESHOLD if self.partial_water else WATER_THRESHOLD},
            size=SIZE,
            multiple=BLOCK,
            overlap=2 * CONTEXT,
            version=VERSION,
            definitions={Mask.TERRAIN_SHADOW: "shad"},
            provenance={"bands": len(BANDS), "weights": "none: physics only"},
        )

    @property
    def name(self) -> str:
        """Name and version."""
        return f"spectral {VERSION}"

    @property
    def blends(self) -> bool:
        """Each pixel is kept from one window as it is."""
        return False

    @property
    def parallel(self) -> bool:
        """Several threads may call it at once."""
        return True

    def for_scene(self, sun: Sun | None, *, elevation: bool, pixel: float) -> Spectral:
        """Return the engine for one scene; elevation is asked for only where the sun is known."""
        return replace(self, sun=sun, elevation=elevation and sun is not None, pixel=pixel)

    def __call__(
        self, bands: NDArray[np.float32], kept: tuple[slice, slice] = WHOLE, *, overwrite: bool = False
    ) -> NDArray[np.float32]:
        """Return probabilities (n, 5, h, w) for float32 reflectance (n, 6, h, w), or (n, 7, h, w) with elevation.

        NaN stands where a mask cannot be known: terrain shadow without the sun or the elevation. Water is what
        the DSWx tests say, exactly; they take snow and some cloud for water too, as those masks then tell.
        """
        del overwrite  # there is nothing to gain
        planes = len(BANDS) + self.elevation
        if bands.ndim != 4 or bands.shape[1] != planes:  # noqa: PLR2004 - (n, planes, h, w)
            raise ValueError(f"spectral takes (n, {planes}, h, w), not {bands.shape}")
        height, width = bands.shape[2:]
        out = np.empty((len(bands), len(Mask), height, width), np.float32)
        for window, masks in zip(bands, out, strict=True):
            if height % BLOCK or width % BLOCK:
                pad = ((0, 0), (0, -height % BLOCK), (0, -width % BLOCK))
                masks[:] = self._window(np.pad(window, pad, constant_values=np.nan))[:, :height, :width]
            else:
                self._window(window, masks)
        return cut(out, kept)

    def _window(self, bands: NDArray[np.float32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return the masks (5, h, w) of one window (planes, h, w) whose sides are multiples of a block."""
        shape = bands.shape[1:]
        if out is None:
            out = np.empty((len(Mask), *shape), np.float32)
        water, cloud, shadow, frozen, terrain = out
        levels = np.array(LEVELS, np.float32)
        with np.errstate(invalid="ignore"):
            for rows in strips(shape):
                part = bands[:, rows]
                water[rows] = levels[wtr1(diagnostic(part))]
                cloud[rows] = score(part)
                ice = snow(part)
                frozen[rows] = np.where(ice, PRESENT, ABSENT)
                cloud[rows][ice] = 0
            despeckle(cloud, frozen > STRONG)
        light = None
        if self.elevation and self.sun is not None:
            elevation = bands[len(BANDS)]
            terrain[:] = terrain_shadow(elevation, self.sun, self.pixel)
            light = illumination(elevation, self.sun, self.pixel)
        else:
            terrain[:] = np.nan
        shadow[:] = cloud_shadow(bands, cloud > STRONG, self.sun, self.pixel, light)
        return out
