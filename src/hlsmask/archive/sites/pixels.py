"""Which pixels of a grid belong to a site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from affine import Affine
from rasterio.features import rasterize
from shapely.geometry import box

from hlsmask.archive.sites.site import DEGREES, moved
from hlsmask.windows import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from hlsmask.archive.sites.site import Site

_SMALL: Final = 1 << 24
"""Pixels around a site that may hold no pixel's centre; one that reaches over more does hold some."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The pixels of a site in one grid."""

    window: Window
    """Where they are."""

    inside: NDArray[np.bool_]
    """Shape of `window`; True for those that belong to the site, at least one."""

    share: float
    """Share of the site's area that lies within the grid, 0 to 1."""

    @property
    def count(self) -> int:
        """How many belong to the site."""
        return int(np.count_nonzero(self.inside))


def pixels_of(site: Site, geobox: GeoBox) -> Pixels | None:
    """Return the pixels of `geobox` whose centres lie in a site; None where there are none.

    A site that holds no pixel's centre has one pixel, the one in which its `heart` lies.
    """
    placed = _placed(site, _wkt(geobox))
    if placed is None:
        return None
    inverse = ~geobox.transform
    area = shapely.transform(placed[0], lambda corners: _applied(inverse, corners))
    scene = Window.of((int(geobox.height), int(geobox.width)))
    around = _around(area)
    window = around & scene
    if not (window.height and window.width):
        return None
    inside = _rasterized(area, window)
    if not inside.any():
        column, row = (floor(value) for value in inverse * placed[1])
        one = Window(row, column, 1, 1)
        if one & scene != one or _has_centres(area, around, window):
            return None
        window, inside = one, np.ones((1, 1), np.bool_)
    return Pixels(window, inside, _share_within(area, scene))


def _wkt(geobox: GeoBox) -> str:
    if geobox.crs is None:
        raise ValueError("a grid without a coordinate reference system has no place for a site")
    return str(geobox.crs.to_wkt())


@lru_cache(maxsize=4096)
def _placed(site: Site, wkt: str) -> tuple[Any, tuple[float, float]] | None:
    """Return area and heart of a site on the map `wkt`; None where it does not hold them."""
    corners = shapely.get_coordinates(site.area)
    x, y = moved(np.append(corners[:, 0], site.heart[0]), np.append(corners[:, 1], site.heart[1]), DEGREES, wkt)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    area = shapely.set_coordinates(shapely.transform(site.area, np.copy), np.column_stack([x[:-1], y[:-1]]))
    return area, (float(x[-1]), float(y[-1]))


def _applied(transform: Affine, corners: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c, d, e, f = transform[:6]
    x, y = corners[:, 0], corners[:, 1]
    return np.column_stack([a * x + b * y + c, d * x + e * y + f])


def _around(area: Any) -> Window:  # noqa: ANN401 - shapely has no types
    """Return the pixels around a shape in pixels."""
    left, top, right, bottom = area.bounds
    return Window(floor(top), floor(left), ceil(bottom) - floor(top), ceil(right) - floor(left))


def _rasterized(area: Any, window: Window) -> NDArray[np.bool_]:  # noqa: ANN401 - as above
    """Return which pixels of a window have their centres in a shape in pixels."""
    place = Affine.translation(window.col, window.row)
    burnt: NDArray[np.uint8] = rasterize([area], out_shape=window.shape, transform=place, dtype=np.uint8)
    return burnt.astype(np.bool_)


def _has_centres(area: Any, around: Window, window: Window) -> bool:  # noqa: ANN401 - as above
    """Return whether any pixel's centre lies in a shape, beyond the `window` of it that lies in the scene too."""
    if around == window:
        return False
    return around.height * around.width > _SMALL or bool(_rasterized(area, around).any())


def _share_within(area: Any, scene: Window) -> float:  # noqa: ANN401 - as above
    frame = box(scene.col, scene.row, scene.right, scene.bottom)
    if not area.is_valid:
        area = shapely.make_valid(area)
    return float(min(1.0, area.intersection(frame).area / area.area)) if area.area else 1.0
