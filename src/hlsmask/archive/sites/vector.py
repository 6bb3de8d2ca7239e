"""Sites in GeoPackage, Shapefile and FlatGeobuf, where pyogrio is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import shapely

from hlsmask.archive.sites.feature import Feature, Features, crs_of
from hlsmask.errors import DatasetError, MissingPackageError, UnreadableError, first_line

if TYPE_CHECKING:
    from pathlib import Path


def read_vector(path: Path) -> Features:
    """Return the shapes of a file that GDAL's vector drivers read.

    Raises
    ------
    MissingPackageError
        If pyogrio is not installed.
    UnreadableError
        If it cannot be read.
    DatasetError
        If its CRS is not known, or it has several layers.
    """
    if find_spec("pyogrio") is None:
        raise MissingPackageError(
            f"{path} needs pyogrio to be read, which is not installed: pip install pyogrio, or save it as GeoJSON"
        )
    pyogrio, raw, errors = (import_module(f"pyogrio{part}") for part in ("", ".raw", ".errors"))
    if not path.exists():
        raise UnreadableError(f"{path} cannot be read: there is no such file")
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if len(layers) != 1:
            raise DatasetError(
                f"{path} holds {len(layers)} layers with shapes ({', '.join(layers) or 'none'}); "
                "save the one with the sites in a file of its own"
            )
        about, _, shapes, columns = raw.read(path, layer=layers[0])
    except (errors.DataSourceError, errors.DataLayerError) as error:
        raise UnreadableError(f"{path} cannot be read: {first_line(error)}") from error
    if not about["crs"]:
        remedy = "add its .prj file" if path.suffix.lower() == ".shp" else "set it"
        raise DatasetError(f"{path} has no CRS; {remedy}, or save it as GeoJSON in longitude and latitude")
    names = [str(name).lower() for name in about["fields"]]
    features = []
    for at, shape in enumerate(shapely.force_2d(shapely.from_wkb(shapes))):
        values = (column[at] for column in columns)
        plain = (value.item() if hasattr(value, "item") else value for value in values)
        features.append(Feature(shape, dict(zip(names, plain, strict=True))))
    return Features(tuple(features), crs_of(str(about["crs"]), path))
