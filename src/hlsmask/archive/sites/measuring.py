"""Counting a site's pixels in one granule, and taking the reflectance of its clear water."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from hlsmask.archive.sites.row import QUANTILES, Row
from hlsmask.archive.sites.scenes import open_scene
from hlsmask.bands import BANDS
from hlsmask.errors import GridError, UnreadableError
from hlsmask.granules.layers import Layer
from hlsmask.masks import CLEAR_WATER, NOT_OBSERVED, PRESENT, Mask
from hlsmask.products.palette import LAYERS
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from hlsmask.archive.sites.pixels import Pixels
    from hlsmask.archive.sites.result import Result
    from hlsmask.archive.sites.site import Site
    from hlsmask.granules.scene import Scene

_AT_ONCE: Final = 1 << 20
"""Pixels that are read at once; of these only the clear water is kept."""

_DIGITS: Final = 6
"""Of reflectance and shares: HLS stores four."""

_CLEAR: Final = LAYERS.index(CLEAR_WATER)


class Measuring:
    """The masks of a granule, and its scene, which is opened only once there is clear water to look at."""

    def __init__(self, result: Result, moved: Mapping[str, str], scale: float | None = None) -> None:
        """Open the masks of `result`; `moved` tells where files lie now, by name.

        Raises
        ------
        SourceError
            If they cannot be read, or are not the six masks.
        """
        self._result, self._moved, self._scale = result, moved, scale
        self._masks = Layer(str(result.masks))
        self._scene: Scene | None = None
        if self._masks.dataset.count != len(LAYERS) or self._masks.geobox.crs is None:
            self.close()
            raise UnreadableError(f"{result.masks} does not hold the six masks on a map; mask the scene again")

    @property
    def geobox(self) -> GeoBox:
        """The granule's grid."""
        return self._masks.geobox

    def row(self, site: Site, pixels: Pixels) -> Row:
        """Return what the granule tells of a site that has `pixels` in it.

        Raises
        ------
        SourceError
            If masks or scene cannot be read, or are not on one grid.
        """
        observed = clear = clear_known = 0
        present, known = (np.zeros(len(Mask), np.int64) for _ in range(2))
        values: list[NDArray[np.float32]] = []
        for window in _strips(pixels.window):
            inside = pixels.inside[window.within(pixels.window)]
            layers = self._masks.read(range(1, len(LAYERS) + 1), window)[:, inside]
            seen = layers != NOT_OBSERVED
            observed += int(np.count_nonzero(seen.any(axis=0)))
            known += np.count_nonzero(seen[: len(Mask)], axis=1)
            present += np.count_nonzero(layers[: len(Mask)] == PRESENT, axis=1)
            clear_known += int(np.count_nonzero(seen[_CLEAR]))
            water = np.zeros(window.shape, np.bool_)
            water[inside] = layers[_CLEAR] == PRESENT
            if count := int(np.count_nonzero(water)):
                clear += count
                values.append(self._reflectance(window, water))
        shares = {
            mask: round(int(there) / int(of), _DIGITS) if of else None
            for mask, there, of in zip(Mask, present, known, strict=True)
        }
        return Row(
            site=site.id,
            time=self._result.time,
            granule=self._result.id,
            sensor=str(self._result.sensor or ""),
            pixels=pixels.count,
            inside=round(pixels.share, _DIGITS),
            observed=observed,
            clear_water=clear if clear_known or not observed else None,
            shares=shares,
            bands=_quantiles(values),
        )

    def _reflectance(self, window: Window, water: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the reflectance of clear water (band, pixel), of the smallest window that holds it."""
        rows, columns = (np.flatnonzero(water.any(axis=axis)) for axis in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        height, width = int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
        raster = self._open().read(Window(window.row + top, window.col + left, height, width))
        return raster.data[:, water[top : top + height, left : left + width] & raster.valid]

    def _open(self) -> Scene:
        if self._scene is None:
            scale = self._result.scale if self._scale is None else self._scale
            scene = self._scene = open_scene(self._result, self._moved, scale)
            ours = self.geobox
            there = scene.geobox
            if ours.shape != there.shape or not ours.transform.almost_equals(there.transform, precision=1e-3):
                raise GridError(
                    f"the scene of {self._result.id} is not on the grid of its masks; tell with --scenes FOLDER where "
                    "the one lies that was masked, or mask it again"
                )
        return self._scene

    def close(self) -> None:
        """Close what is open."""
        with ExitStack() as stack:
            stack.callback(self._masks.close)
            if self._scene is not None:
                stack.callback(self._scene.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _strips(window: Window) -> Iterator[Window]:
    """Yield a window in strips of as many rows as may be read at once."""
    height = max(1, _AT_ONCE // window.width)
    for top in range(window.row, window.bottom, height):
        yield Window(top, window.col, min(height, window.bottom - top), window.width)


def _quantiles(values: list[NDArray[np.float32]]) -> dict[str, float | None]:
    """Return quartiles and median of each band (numpy's `linear`), of values (band, pixel) in pieces."""
    every = np.concatenate(values, axis=1) if values else np.empty((len(BANDS), 0), np.float32)
    if not every.shape[1]:
        return {f"{band}_{name}": None for band in BANDS for name in QUANTILES}
    found = np.quantile(every.astype(np.float64), list(QUANTILES.values()), axis=1)
    return {
        f"{band}_{name}": round(float(found[row, column]), _DIGITS)
        for column, band in enumerate(BANDS)
        for row, name in enumerate(QUANTILES)
    }
