"""The ground's elevation, on the grid of a scene."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.vrt import WarpedVRT

from hlsmask.errors import GridError, UnreadableError
from hlsmask.granules.layers import GDAL_ERRORS, Layer, gdal, reason
from hlsmask.hrefs import public_href

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from hlsmask.windows import Window


_TOLERANCE = 0.001
"""Source pixels by which the place of a warped pixel may be off (rasterio 1.4 refuses 0)."""


class Elevation:
    """A DEM, read by window on a scene's grid.

    A DEM on another grid is warped with cubic convolution, as DSWx-HLS warps its own, a thousandth of a pixel
    exact, so that a window gives the same elevation however the scene is cut.
    """

    def __init__(self, href: str, geobox: GeoBox) -> None:
        """Open the DEM at `href` (metres, first band) for a scene on `geobox`.

        Raises
        ------
        UnreadableError
            If it cannot be opened.
        GridError
            If it must be warped, but it or the scene has no CRS.
        """
        self._layer = Layer(href)
        self._warped: Any = None
        if self._layer.geobox == geobox:
            return
        if not geobox.crs or not self._layer.geobox.crs:
            self.close()
            raise GridError(
                f"{public_href(href)} is not on the scene's grid, and cannot be brought there: "
                f"{'the scene' if not geobox.crs else 'it'} has no CRS"
            )
        try:
            rows, columns = geobox.shape
            with gdal(href), warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                self._warped = WarpedVRT(
                    self._layer.dataset,
                    crs=geobox.crs.to_wkt(),
                    transform=geobox.affine,
                    height=rows,
                    width=columns,
                    resampling=Resampling.cubic,
                    tolerance=_TOLERANCE,
                    dtype="float32",
                    nodata=float("nan"),
                )
        except GDAL_ERRORS as error:
            self.close()
            raise UnreadableError(f"{public_href(href)} cannot be warped to the scene: {reason(error)}") from error

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return the elevation of a window, float32 (row, column) in metres, NaN where it is not known."""
        if self._warped is None:
            stored = self._layer.read([1], window)[0]
            nodata = self._layer.dataset.nodata
        else:
            stored = self._read_warped(window)
            nodata = None
        metres: NDArray[np.float32] = stored.astype(np.float32)
        if nodata is not None:
            metres[stored == nodata] = np.nan
        return metres

    def _read_warped(self, window: Window) -> NDArray[np.float32]:
        try:
            with self._layer.lock, gdal(self._layer.href):
                pixels: NDArray[np.float32] = self._warped.read(
                    1, window=((window.row, window.bottom), (window.col, window.right))
                )
        except GDAL_ERRORS as error:
            raise UnreadableError(f"{public_href(self._layer.href)} cannot be read: {reason(error)}") from error
        return pixels

    def close(self) -> None:
        """Close the file."""
        if self._warped is not None:
            self._warped.close()
        self._layer.close()
