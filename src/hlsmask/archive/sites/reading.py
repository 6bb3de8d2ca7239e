"""From a file to sites."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon

from hlsmask.archive.sites.geojson import read_geojson
from hlsmask.archive.sites.options import LARGEST
from hlsmask.archive.sites.site import WIDEST, Site, point_in_degrees
from hlsmask.archive.sites.tables import read_csv, read_geoparquet
from hlsmask.archive.sites.vector import read_vector
from hlsmask.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hlsmask.archive.sites.feature import Feature, Features

READERS: Final[dict[str, Callable[[Path], Features]]] = {
    ".geojson": read_geojson,
    ".json": read_geojson,
    ".csv": read_csv,
    ".parquet": read_geoparquet,
    ".geoparquet": read_geoparquet,
    ".gpkg": read_vector,
    ".shp": read_vector,
    ".fgb": read_vector,
}
"""Formats, by the ending of the file's name."""

_MOST: Final = 180
"""Degrees of longitude; those that run on past it are welcome up to twice this."""


def read_sites(path: Path, *, radius: float | None = None) -> list[Site]:
    """Return the sites in a file, in its order.

    Parameters
    ----------
    path
        GeoJSON, CSV, GeoParquet, GeoPackage, Shapefile or FlatGeobuf.
    radius
        Metres around points that have no property `radius` of their own.

    Raises
    ------
    UnreadableError
        If the file cannot be read.
    DatasetError
        If it holds no sites, one without a shape, one that is neither point nor polygon, two of one name, coordinates
        that do not fit its CRS, or does not say in which CRS they are.
    MissingPackageError
        If a package is not installed that reads such files.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(f"{path} is of no format that holds sites; use one of {', '.join(READERS)}")
    found = reader(path)
    if not found.features:
        raise DatasetError(f"{path} holds no site; it needs at least one point or polygon")
    sites: dict[str, Site] = {}
    places: dict[str, int] = {}
    for at, feature in enumerate(found.features, start=1):
        name = _name(feature, at)
        if name in places:
            raise DatasetError(
                f"{path} calls two sites {name!r}, features {places[name]} and {at}; give each an id of its own"
            )
        places[name] = at
        sites[name] = _site(feature, name, found.crs, radius, f"{path}: site {name!r} (feature {at})")
    return list(sites.values())


def _name(feature: Feature, at: int) -> str:
    """Return what a site is called; its place, from 1, where it has no name."""
    for key in ("id", "name"):
        value = feature.properties.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str | int | float) and (name := " ".join(str(value).split())) and name != "nan":
            return name
    return str(at)


def _site(feature: Feature, name: str, crs: Any, radius: float | None, who: str) -> Site:  # noqa: ANN401 - rasterio
    shape = feature.shape
    if shape is None or shape.is_empty:
        raise DatasetError(f"{who} has an empty geometry; give it a point or a polygon, or leave it out")
    if len(parts := getattr(shape, "geoms", (shape,))) == 1:  # a collection of one
        shape = parts[0]
    if not isinstance(shape, Point | Polygon | MultiPolygon):
        raise DatasetError(f"{who} is a {shape.geom_type}; use a point with a radius, a polygon or a multipolygon")
    _check_numbers(shape, crs, who)
    if isinstance(shape, Point):
        site = Site.around(name, *_degrees(shape, crs, who), _radius(feature, radius, who))
    elif (within := Site.within(name, shape, crs)) is not None:
        site = within
    else:
        raise DatasetError(f"{who} has no area on Earth in {_called(crs)}; check its corners and the CRS of the file")
    if not site.size <= WIDEST:
        raise DatasetError(
            f"{who} is {site.size:.0f} degrees across, more than one map holds; cut it into parts of {WIDEST:.0f} "
            "at most"
        )
    return site


def _degrees(shape: Point, crs: Any, who: str) -> tuple[float, float]:  # noqa: ANN401 - as above
    longitude, latitude = point_in_degrees(shape, crs)
    if not (isfinite(longitude) and isfinite(latitude)):
        raise DatasetError(f"{who} lies nowhere on Earth in {_called(crs)}; check it and the CRS of the file")
    return longitude, latitude


def _radius(feature: Feature, radius: float | None, who: str) -> float:
    own = feature.properties.get("radius")
    if own is None or own != own:  # noqa: PLR0124 - NaN, as tables have it where there is nothing
        if radius is None:
            raise DatasetError(
                f"{who} is a point without a radius; give it a property radius, in metres, or use --radius"
            )
        return radius
    try:
        metres = float(own) if not isinstance(own, bool) else float("nan")
    except (TypeError, ValueError):
        metres = float("nan")
    if not 0 < metres <= LARGEST:
        raise DatasetError(f"{who} has the radius {own!r}; use a number of metres above 0, at most {LARGEST:.0f}")
    return metres


def _check_numbers(shape: Any, crs: Any, who: str) -> None:  # noqa: ANN401 - shapely, rasterio
    """Refuse coordinates that are no numbers, or no degrees where the CRS says they are."""
    corners = shapely.get_coordinates(shape)
    if not np.isfinite(corners).all():
        raise DatasetError(f"{who} has coordinates that are no numbers; check its corners")
    if not crs.is_geographic:
        return
    across, up = np.abs(corners).max(axis=0)
    if up > _MOST / 2 and up <= 2 * _MOST and across <= _MOST / 2:
        raise DatasetError(
            f"{who} has the latitude {_farthest(corners[:, 1]):g}, and latitudes lie from -90 to 90; longitude comes "
            "before latitude"
        )
    if across > 2 * _MOST or up > _MOST / 2:
        wrong = _farthest(corners[:, 0 if across > 2 * _MOST else 1])
        raise DatasetError(
            f"{who} is not in longitude and latitude, which {_called(crs)} has: it reaches {wrong:g}; say in which CRS "
            "the file is, or make it so with: ogr2ogr -t_srs EPSG:4326 sites.geojson FILE"
        )


def _farthest(values: Any) -> float:  # noqa: ANN401 - an array
    return float(values[np.argmax(np.abs(values))])


def _called(crs: Any) -> str:  # noqa: ANN401 - rasterio has no types
    words = str(crs.to_string())
    return words if len(words) < 60 else "its CRS"  # noqa: PLR2004 - letters; WKT goes on for pages
