"""Sites in GeoJSON: longitude and latitude (RFC 7946), or what an older file's `crs` says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import shapely
from shapely.geometry import shape

from hlsmask.archive.sites.feature import Feature, Features, crs_of
from hlsmask.archive.sites.site import DEGREES
from hlsmask.aside import reason
from hlsmask.errors import DatasetError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_KINDS: Final = "a Feature or a FeatureCollection of points and polygons"


def read_geojson(path: Path) -> Features:
    """Return the shapes of a GeoJSON file.

    Raises
    ------
    UnreadableError
        If it cannot be read.
    DatasetError
        If it is not GeoJSON, or says that its CRS is not known.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not GeoJSON: {error}; it needs {_KINDS}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} is not GeoJSON; it needs {_KINDS}")
    crs = _crs(content, path)
    return Features(tuple(_features(content, path)), crs)


def _crs(content: dict[str, Any], path: Path) -> Any:  # noqa: ANN401 - rasterio has no types
    if "crs" not in content:
        return crs_of(DEGREES, path)
    named = content["crs"]
    try:
        words = named["properties"]["name"]
    except (TypeError, KeyError):
        words = None
    if not isinstance(words, str) or not words:
        raise DatasetError(
            f'{path} has no CRS: its "crs" is {json.dumps(named)[:60]}; leave "crs" out if its coordinates are '
            "longitude and latitude, else name it, such as urn:ogc:def:crs:EPSG::32613"
        )
    return crs_of(words, path)


def _features(content: dict[str, Any], path: Path) -> Iterator[Feature]:
    kind = content.get("type")
    if kind == "FeatureCollection":
        inner = content.get("features")
        if not isinstance(inner, list):
            raise DatasetError(f"{path} is not GeoJSON: its features are no list; it needs {_KINDS}")
    elif kind == "Feature":
        inner = [content]
    else:  # a bare geometry, if it is any
        inner = [{"type": "Feature", "geometry": content}]
    for at, each in enumerate(inner, start=1):
        if not isinstance(each, dict) or each.get("type") != "Feature":
            raise DatasetError(f"{path} is not GeoJSON: its feature {at} is none; it needs {_KINDS}")
        told = each.get("properties")
        properties = {str(key).lower(): value for key, value in told.items()} if isinstance(told, dict) else {}
        if "id" in each:
            properties.setdefault("id", each["id"])
        yield Feature(_shape(each.get("geometry"), at, path), properties)


def _shape(geometry: Any, at: int, path: Path) -> Any:  # noqa: ANN401 - JSON in, shapely out
    if geometry is None:
        return None
    try:
        return shapely.force_2d(shape(geometry))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
        raise DatasetError(f"{path} holds a shape that is not GeoJSON, in its feature {at}: {error}") from error
