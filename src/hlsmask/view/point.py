"""What the files say of one pixel."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import rasterio
from rasterio.warp import transform
from rasterio.windows import Window

from hlsmask.errors import SourceError, UnreadableError
from hlsmask.granules.layers import GDAL_ERRORS, gdal, gdal_name, reason
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.products.assets import PROBABILITY_STEPS
from hlsmask.products.palette import LAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hlsmask.bands import Band
    from hlsmask.view.result import Result
    from hlsmask.view.scenes import Scenes, Stored

_DIGITS: Final = 4
"""Of reflectance: HLS stores no more."""


def values_at(result: Result, scenes: Scenes, longitude: float, latitude: float) -> dict[str, Any] | None:
    """Return what is known of the pixel at a place in degrees; None where the scene does not reach it.

    Returns
    -------
    dict
        `row` and `column` from 0; `masks`, 0 or 1 by name, None = not observed or not known; `probabilities`, 0 to 1
        by name, None where there are none; `reflectance` by band, None where not observed; and `problems`, a sentence
        each for what could not be read.
    """
    problems: list[str] = []
    try:
        found = _pixel(result.masks, longitude, latitude)
    except UnreadableError as error:
        return {"row": None, "column": None, "masks": {}, "problems": [str(error)]}
    if found is None:
        return None
    row, column, stored = found
    told: dict[str, Any] = {
        "row": row,
        "column": column,
        "masks": {
            name: None if value == NOT_OBSERVED else int(value) for name, value in zip(LAYERS, stored, strict=True)
        },
        "probabilities": None,
        "reflectance": None,
    }
    if result.probabilities.exists():
        try:
            chances = _read(str(result.probabilities), row, column)
            told["probabilities"] = {
                mask.value: None if value == NOT_OBSERVED else float(value) / PROBABILITY_STEPS
                for mask, value in zip(Mask, chances, strict=True)
            }
        except UnreadableError as error:
            problems.append(str(error))
    try:
        told["reflectance"] = _reflectance(scenes.bands(result), row, column)
    except SourceError as error:
        problems.append(str(error))
    return told | {"problems": problems}


def _pixel(path: Path, longitude: float, latitude: float) -> tuple[int, int, list[float]] | None:
    """Return row, column and all bands of the pixel at a place; None outside of the file."""
    try:
        with gdal(str(path)), rasterio.open(path) as file:
            (x,), (y,) = transform("OGC:CRS84", file.crs, [longitude], [latitude])
            column, row = (floor(part) for part in ~file.transform * (x, y))
            if not (0 <= row < file.height and 0 <= column < file.width):
                return None
            return row, column, _values(file, row, column)
    except GDAL_ERRORS as error:
        raise UnreadableError(f"{path} cannot be read: {reason(error)}") from error


def _read(path: str, row: int, column: int, index: int | None = None) -> list[float]:
    """Return the bands of a pixel, or one of them."""
    try:
        with gdal(path), rasterio.open(gdal_name(path)) as file:
            return _values(file, row, column, index)
    except GDAL_ERRORS as error:
        raise UnreadableError(f"{path} cannot be read: {reason(error)}") from error


def _values(file: Any, row: int, column: int, index: int | None = None) -> list[float]:  # noqa: ANN401 - rasterio has no types
    pixels = file.read(None if index is None else [index], window=Window(column, row, 1, 1))
    return [value.item() for value in pixels[:, 0, 0]]


def _reflectance(bands: Mapping[Band, Stored], row: int, column: int) -> dict[str, float | None]:
    """Return the reflectance of a pixel by band."""
    told: dict[str, float | None] = {}
    for band, stored in bands.items():
        (value,) = _read(stored.path, row, column, stored.index)
        seen = np.isfinite(value) and value != stored.storage.nodata
        told[band.value] = round(value * stored.storage.scale + stored.storage.offset, _DIGITS) if seen else None
    return told
