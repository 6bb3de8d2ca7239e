"""The picture beside the files: true colour, the masks in their colours, a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from hlsmask.aside import aside
from hlsmask.products import page, render
from hlsmask.products.preview import BlockMeans

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.raster import Raster
    from hlsmask.windows import Window

_LONGEST: Final = 1024
"""Large scenes are shrunk to at most this many pixels on the longer side."""

_ENLARGED: Final = 768
"""Small scenes are enlarged by whole numbers up to this many: more pixels would cost more than the masking."""

_LARGEST_PIXEL: Final = 96
"""And no pixel becomes larger than this."""

_THINNEST: Final = 28
"""Pixels on the shorter side of a panel: a scene of one row stays visible."""


class Preview:
    """Gathers a scene and its masks while they stream by, then draws them.

    Windows may come in any order, each pixel once; those aligned to `stride` are cheapest.
    """

    def __init__(self, shape: tuple[int, int], longest: int = _LONGEST) -> None:
        """Begin a picture of a scene of `shape` (rows, columns), at most `longest` pixels a side a panel."""
        self._means = BlockMeans(shape, longest)
        self._longest = longest

    @property
    def stride(self) -> int:
        """Rows and columns of the scene that make one of the picture, a power of two."""
        return self._means.stride

    def add_bands(self, window: Window, bands: NDArray[np.float32] | Raster) -> None:
        """Take in reflectance, shape (6, row, column), NaN where not observed, of `window` of the scene.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        self._means.add_bands(window, bands if isinstance(bands, np.ndarray) else bands.data)

    def add_masks(self, window: Window, masks: NDArray[np.uint8]) -> None:
        """Take in masks, shape (6, row, column), 0, 1 or 255, the last `clear_water`, of `window` of the scene.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        self._means.add_masks(window, masks)

    def save(
        self,
        path: Path,
        *,
        title: str,
        subtitle: str = "",
        shares: Mapping[str, float | None],
        metres_per_pixel: float | None = None,
    ) -> None:
        """Draw the picture and write it as PNG, whole or not at all.

        Parameters
        ----------
        path
            Ends in `.png`.
        title, subtitle
            Such as the granule's id, and model, engine and date.
        shares
            Share of observed pixels a layer covers, 0 to 1; None or missing = not known. Of water it should be
            the share that is in sight, under neither cloud nor snow: so the legend calls it.
        metres_per_pixel
            Of the scene; draws a scale bar.

        Raises
        ------
        OutputError
            If the folder or the disk refuses.
        """
        picture = self.draw(title=title, subtitle=subtitle, shares=shares, metres_per_pixel=metres_per_pixel)
        with aside(path) as draft:
            picture.save(draft, format="PNG", compress_level=2)

    def draw(
        self,
        *,
        title: str,
        subtitle: str = "",
        shares: Mapping[str, float | None],
        metres_per_pixel: float | None = None,
    ) -> Image.Image:
        """Return the picture that `save` writes."""
        colour, masks, factor = self._panels()
        metres = None if metres_per_pixel is None else metres_per_pixel * self.stride / factor
        panels = [("True colour", colour), ("Masks", masks)]
        return page.lay_out(
            panels, title=title, subtitle=subtitle, shares=shares, unseen=self._means.unseen(), metres=metres
        )

    def _panels(self) -> tuple[Image.Image, Image.Image, int]:
        """Return true colour, masks, and how many times a picture's pixel was enlarged."""
        light = self._means.true_colour()
        rows, columns = self._means.shape
        factor = max(1, min(_LARGEST_PIXEL, min(self._longest, _ENLARGED) // max(rows, columns)))
        tall, wide = (max(_THINNEST, n * factor) for n in (rows, columns))
        picture = render.tone(light)
        veiled = render.overlay(picture, self._means.coverage())
        blank = np.isnan(light[0])
        veil = Image.fromarray(blank).convert("L").resize((wide, tall), Image.Resampling.NEAREST)
        hatched = Image.fromarray(render.hatch((tall, wide)))
        panels = []
        for pixels in (picture, veiled):
            panel = Image.fromarray(pixels).resize((wide, tall), Image.Resampling.NEAREST)
            panel.paste(hatched, mask=veil)
            panels.append(panel)
        return panels[0], panels[1], factor
