"""Whether layers lie on one grid, and what the grid is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from rasterio.warp import transform

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

_SAME: Final = 0.01
"""Pixels by which two grids may differ and be one."""


def grids_differ(one: GeoBox, other: GeoBox) -> str:
    """Return how two grids differ, "" where a hundredth of a pixel is all.

    The same CRS may be called in different ways: some HLS granules describe their UTM zone without its EPSG code,
    and granules south of the equator are given in either half of it.
    """
    if one.shape != other.shape:
        return f"it has {other.shape[0]} x {other.shape[1]} pixels, not {one.shape[0]} x {one.shape[1]}"
    if (one.crs is None) != (other.crs is None):
        return "one of them has no CRS"
    rows, columns = one.shape
    corners = [(0, 0), (columns, 0), (0, rows), (columns, rows)]
    (x, y), (seen_x, seen_y) = (np.transpose([grid.affine * corner for corner in corners]) for grid in (one, other))
    if one.crs is not None and other.crs is not None and one.crs != other.crs:
        seen_x, seen_y = transform(other.crs.to_wkt(), one.crs.to_wkt(), seen_x, seen_y)
    pixel = (one.affine.a**2 + one.affine.d**2) ** 0.5
    apart = np.hypot(np.subtract(seen_x, x), np.subtract(seen_y, y)).max()
    if not apart <= _SAME * pixel:
        return f"its corners are up to {apart / pixel:.4g} pixels off"
    return ""


def crs_name(geobox: GeoBox) -> str:
    """Return the EPSG code of a grid, else its CRS as WKT; "" where it has none."""
    if geobox.crs is None:
        return ""
    code = geobox.crs.to_epsg()
    return f"EPSG:{code}" if code else str(geobox.crs.to_wkt())
