"""Sites in tables: CSV with longitude and latitude, GeoParquet."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final

import shapely
from shapely.geometry import Point

from hlsmask.archive.sites.feature import Feature, Features, crs_of
from hlsmask.archive.sites.site import DEGREES
from hlsmask.aside import reason
from hlsmask.errors import DatasetError, UnreadableError
from hlsmask.extras import load

if TYPE_CHECKING:
    from pathlib import Path

_LONGITUDE: Final = ("lon", "longitude", "lng", "long")
_LATITUDE: Final = ("lat", "latitude")


def read_csv(path: Path) -> Features:
    """Return the points of a CSV file with a header, from its columns `lon` and `lat` in degrees.

    Raises
    ------
    UnreadableError
        If it cannot be read.
    DatasetError
        If it has no such columns, or holds no numbers there.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    lines = text.splitlines()
    head = lines[0] if lines else ""
    rows = csv.DictReader(lines, delimiter=";" if head.count(";") > head.count(",") else ",")
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = names
    across, up = (next((name for name in known if name in names), "") for known in (_LONGITUDE, _LATITUDE))
    if not (across and up):
        raise DatasetError(
            f"{path} does not say in which CRS its coordinates are: a CSV file needs columns lon and lat in degrees "
            f"(WGS 84), it has {', '.join(names) or 'none'}; for other coordinates use GeoJSON, GeoParquet or "
            "GeoPackage"
        )
    found = []
    for number, row in enumerate(rows, start=2):
        words = (row[across] or "").strip(), (row[up] or "").strip()
        try:
            shape = Point(float(words[0]), float(words[1])) if any(words) else None
        except ValueError as error:
            raise DatasetError(f"{path} holds no numbers for lon and lat in line {number}: {words}") from error
        found.append(Feature(shape, {name: value for name, value in row.items() if name and value not in (None, "")}))
    return Features(tuple(found), crs_of(DEGREES, path))


def read_geoparquet(path: Path) -> Features:
    """Return the shapes of a GeoParquet file.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    UnreadableError
        If it cannot be read.
    DatasetError
        If it is no GeoParquet, or says that its CRS is not known.
    """
    what = "a table of sites"
    arrow, parquet = load("cluster", "pyarrow", what), load("cluster", "pyarrow.parquet", what)
    try:
        table = parquet.read_table(path)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {reason(error)}") from error
    except arrow.ArrowException as error:
        raise UnreadableError(f"{path} is no Parquet file, or is cut off") from error
    try:
        geo = json.loads(table.schema.metadata[b"geo"])
        column = geo["primary_column"]
        about = geo["columns"][column]
        shapes = shapely.from_wkb(table[column].to_pylist())
    except (KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise DatasetError(
            f"{path} is not GeoParquet with geometries as WKB, so that neither its shapes nor its CRS are known; "
            "write it with GeoPandas or ogr2ogr"
        ) from error
    if about.get("crs", DEGREES) is None:
        raise DatasetError(
            f"{path} has no CRS: its metadata say that it is not known; set it, and write the file again"
        )
    crs = about.get("crs", DEGREES)
    rows: list[dict[str, Any]] = table.drop_columns([column]).to_pylist() or [{} for _ in shapes]
    features = (
        Feature(
            None if shape is None else shapely.force_2d(shape), {name.lower(): value for name, value in row.items()}
        )
        for shape, row in zip(shapes, rows, strict=True)
    )
    return Features(tuple(features), crs_of(crs if isinstance(crs, str) else json.dumps(crs), path))
