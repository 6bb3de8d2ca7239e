"""Files read onto a tile of the map, by rio-tiler."""

from __future__ import annotations

from contextlib import ExitStack
from math import cos, radians
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import rasterio
from rasterio.transform import from_bounds
from rio_tiler import reader

from hlsmask.bands import Band
from hlsmask.errors import UnreadableError
from hlsmask.granules.layers import GDAL_ERRORS, gdal, gdal_name, reason
from hlsmask.view.tile import SIDE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.view.scenes import Stored
    from hlsmask.view.tile import Tile
    from hlsmask.windows import Window

RGB: Final = (Band.RED, Band.GREEN, Band.BLUE)
"""Bands of true colour, in order."""

_MERCATOR: Final = rasterio.CRS.from_epsg(3857)


def read_classes(path: Path, tile: Tile, part: Window) -> NDArray[np.uint8]:
    """Return all bands of a file of bytes on a part of a tile, (band, row, column), 255 where there is nothing.

    Each pixel is the one that lies nearest: classes are never mixed.

    Raises
    ------
    UnreadableError
        If the file cannot be read.
    """
    pixels: NDArray[np.uint8] = _read(str(path), tile, part, "nearest").filled(255)
    return pixels


def read_light(bands: Mapping[Band, Stored], tile: Tile, part: Window) -> NDArray[np.float32]:
    """Return red, green and blue reflectance on a part of a tile, (3, row, column), NaN where there is nothing.

    From afar pixels are averaged, from near each is shown as it is.

    Raises
    ------
    UnreadableError
        If a file cannot be read.
    """
    planes = np.empty((len(RGB), *part.shape), np.float32)
    for plane, band in zip(planes, RGB, strict=True):
        stored = bands[band]
        pixels = _read(stored.path, tile, part, "bilinear", index=stored.index, nodata=stored.storage.nodata)[0]
        plane[:] = pixels.filled(0) * np.float32(stored.storage.scale) + np.float32(stored.storage.offset)
        plane[np.ma.getmaskarray(pixels)] = np.nan
    planes[:, ~np.isfinite(planes).all(axis=0)] = np.nan
    return planes


def _read(
    path: str,
    tile: Tile,
    part: Window,
    afar: Literal["nearest", "bilinear"],
    *,
    index: int | None = None,
    nodata: float | None = None,
) -> np.ma.MaskedArray[Any, Any]:
    """Return bands (band, row, column), resampled as `afar` says where the tile's pixels are larger than the file's.

    Only the part of the tile that the file covers, from the overview that suits, straight onto the tile's pixels:
    rio-tiler alone would first warp all of the tile as finely as the file is, at 30 m that of a continent.
    """
    try:
        with gdal(path), ExitStack() as stack:
            name = gdal_name(path)
            file = stack.enter_context(rasterio.open(name))
            ratio = _coarseness(tile, file)
            levels = [at for at, factor in enumerate(file.overviews(index or 1)) if factor <= ratio]
            if levels:
                file = stack.enter_context(rasterio.open(name, overview_level=levels[-1]))
            how = afar if ratio > 1 else "nearest"
            bounds = tile.bounds_of(part)
            place = from_bounds(*bounds, part.width, part.height)
            image = reader.part(
                file,
                bounds,
                height=part.height,
                width=part.width,
                vrt_options={"transform": place, "width": part.width, "height": part.height},
                bounds_crs=_MERCATOR,
                dst_crs=_MERCATOR,
                indexes=index,
                nodata=nodata,
                resampling_method=how,
                reproject_method=how,
            )
    except GDAL_ERRORS as error:
        raise UnreadableError(f"{path} cannot be read: {reason(error)}") from error
    return image.array


def _coarseness(tile: Tile, file: Any) -> float:  # noqa: ANN401 - rasterio has no types
    """Return how many times as wide as a file's pixels those of a tile are, on the ground."""
    west, south, east, north = tile.degrees
    if file.crs is not None and file.crs.is_geographic:
        return float((east - west) / SIDE / abs(file.transform.a))
    shrink = cos(radians((south + north) / 2))  # web Mercator draws everything larger, the farther from the equator
    return float((tile.bounds[2] - tile.bounds[0]) / SIDE * shrink / abs(file.transform.a))
