"""What a file of sites holds, whatever its format: shapes with properties, and their coordinate reference system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.crs import CRS
from rasterio.errors import CRSError

from hlsmask.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Feature:
    """One shape, and what is said of it."""

    shape: Any
    """Geometry (shapely); None where there is none."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    """By name, in lower case."""


@dataclass(frozen=True, slots=True)
class Features:
    """All shapes of a file."""

    features: tuple[Feature, ...]
    """In the order of the file."""

    crs: Any
    """Coordinate reference system (rasterio) of the shapes, x before y."""


def crs_of(words: str, path: Path) -> Any:  # noqa: ANN401 - rasterio has no types
    """Return the CRS that a file names: by code, WKT or PROJJSON.

    Raises
    ------
    DatasetError
        If there is no such CRS.
    """
    try:
        with rasterio.Env():  # in which GDAL does not print what it raises anyway
            return CRS.from_user_input(words)
    except CRSError as error:
        named = words if len(words) < 60 else f"{words[:57]}..."  # noqa: PLR2004 - letters; WKT goes on for pages
        raise DatasetError(
            f"{path} is in {named!r}, which is no coordinate reference system that is known; use a code such as "
            "EPSG:32613, or longitude and latitude"
        ) from error
