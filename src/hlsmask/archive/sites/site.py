"""A site: where on Earth it is, whatever the coordinates it was given in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import rasterio
import shapely
from rasterio.warp import transform
from shapely.geometry import MultiPolygon, Point, Polygon

from hlsmask.granules.layers import GDAL_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hlsmask.products.footprint import BBox

DEGREES: Final = "OGC:CRS84"
"""Longitude and latitude on WGS 84, in this order: what GeoJSON is in."""

_CORNERS: Final = 256
"""Of a circle; between them it is cut off by less than 1/13,000 of its radius."""

_EDGE: Final = 0.01
"""Degrees between the corners of an outline at most, about a kilometre: straight lines are bent on other maps."""

_KILOMETRE: Final = 1000.0

WIDEST: Final = 20.0
"""Degrees from one side of a site to the other, at most: no map that granules come in holds much farther."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A place on Earth of which pixels are wanted."""

    id: str
    """Its name in tables and charts."""

    area: Any
    """Polygon or MultiPolygon (shapely), longitude and latitude in degrees on WGS 84; longitudes run on past 180 rather
    than jumping. Its corners are dense enough to be drawn on another map."""

    heart: tuple[float, float]
    """Longitude and latitude of a point within it: if it holds no pixel's centre, the pixel there is taken."""

    @classmethod
    def around(cls, name: str, longitude: float, latitude: float, radius: float) -> Site:
        """Return what lies within `radius` metres of a point, given in degrees."""
        angle = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
        local = f"+proj=aeqd +lat_0={latitude!r} +lon_0={longitude!r} +datum=WGS84 +units=m"
        x, y = moved(radius * np.cos(angle), radius * np.sin(angle), local, DEGREES)
        x = longitude + (x - longitude + 180) % 360 - 180
        return cls(name, Polygon(np.column_stack([x, y])), (longitude, latitude))

    @classmethod
    def within(cls, name: str, shape: Any, crs: Any) -> Site | None:  # noqa: ANN401 - shapely and rasterio have no types
        """Return what lies in a polygon or multipolygon that is given in `crs`; None if it has no area there."""
        shape = _areas(shapely.make_valid(shape))
        if shape.is_empty:
            return None
        if crs.is_projected:
            shape = shapely.segmentize(shape, _KILOMETRE / (crs.linear_units_factor[1] or 1.0))
        corners = shapely.get_coordinates(shape)
        x, y = moved(corners[:, 0], corners[:, 1], crs, DEGREES)
        if np.ptp(x) > 180:  # noqa: PLR2004 - degrees: it is cut at the antimeridian, or jumps across it
            x = np.where(x < 0, x + 360, x)
        shape = _areas(shapely.make_valid(shapely.set_coordinates(shape, np.column_stack([x, y]))))
        if shape.is_empty or not np.isfinite(shape.bounds).all():
            return None
        heart = shape.representative_point()
        return cls(name, shapely.segmentize(shape, _EDGE), (heart.x, heart.y))

    @property
    def size(self) -> float:
        """Degrees from one side to the other, the longer way."""
        west, south, east, north = self.area.bounds
        return float(max(east - west, north - south))

    def meets(self, box: BBox) -> bool:
        """Return whether it may reach into a bounding box of degrees, west > east across the antimeridian."""
        west, south, east, north = box
        east += 360 * (east < west)
        left, bottom, right, top = self.area.bounds
        across = any(left + turn <= east and right + turn >= west for turn in (-720, -360, 0, 360))
        return across and bottom <= north and top >= south


def point_in_degrees(shape: Point, crs: Any) -> tuple[float, float]:  # noqa: ANN401 - rasterio has no types
    """Return longitude and latitude of a point that is given in `crs`; NaN or infinite where that does not hold."""
    x, y = moved(np.array([shape.x]), np.array([shape.y]), crs, DEGREES)
    return float(x[0]), float(y[0])


def moved(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    source: Any,  # noqa: ANN401 - what rasterio takes for a CRS
    target: Any,  # noqa: ANN401 - the same
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates in another CRS, x before y in both; infinite where that does not hold."""
    try:
        with rasterio.Env():  # in which GDAL does not print what it raises anyway
            source, target = (rasterio.CRS.from_user_input(crs) for crs in (source, target))
            across, up = transform(source, target, x.tolist(), y.tolist())
    except GDAL_ERRORS:
        return np.full(len(x), np.inf), np.full(len(x), np.inf)
    return np.array(across), np.array(up)


def _areas(shape: Any) -> Any:  # noqa: ANN401 - shapely has no types
    """Return the polygons of a geometry, without what making it valid left of lines and points."""
    found = list(_polygons(shape))
    return found[0] if len(found) == 1 else MultiPolygon(found)


def _polygons(shape: Any) -> Iterator[Polygon]:  # noqa: ANN401 - as above
    if isinstance(shape, Polygon):
        if not shape.is_empty:
            yield shape
    else:
        for part in getattr(shape, "geoms", ()):
            yield from _polygons(part)
