"""From what is stored to reflectance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.bands import BANDS, HLS_FILL, HLS_SCALE
from hlsmask.errors import NotReflectanceError
from hlsmask.raster import Raster

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox


@dataclass(frozen=True, slots=True)
class Storage:
    """How a band is stored."""

    dtype: np.dtype[Any]
    """Integers or floats of 16 bits or more."""

    scale: float
    """Reflectance of one unit."""

    offset: float
    """Reflectance of zero."""

    nodata: float | None
    """What a pixel that was not observed holds; None: nothing but NaN and infinity."""

    @classmethod
    def of(
        cls,
        dtype: np.dtype[Any],
        *,
        scale: float | None = None,
        offset: float | None = None,
        nodata: float | None = None,
        asked: float | None = None,
    ) -> Storage:
        """Return how a band of `dtype` with these tags is stored.

        Integers are reflectance x 10 000 unless the file's own `scale` or the one `asked` for says otherwise;
        floats are reflectance. Some HLS granules lack the scale tag (HLS known issues, April 2026).

        Raises
        ------
        NotReflectanceError
            If numbers of that type cannot be reflectance.
        """
        if dtype.kind not in "iuf" or dtype.itemsize > 8:  # noqa: PLR2004 - bytes; complex and boolean fall out
            raise NotReflectanceError(f"holds {dtype} numbers, which cannot be reflectance; use integers or floats")
        tagged = scale is not None and scale not in (0.0, 1.0)
        if dtype.kind in "iu" and dtype.itemsize == 1 and not tagged and asked is None:
            raise NotReflectanceError(
                f"holds {dtype} numbers, too few for reflectance x 10 000; if one is worth 1/255, pass --scale 0.00392"
            )
        if asked is not None:
            return cls(dtype, asked, 0.0, _default_fill(dtype, nodata))
        if tagged:
            return cls(dtype, float(scale or 1.0), float(offset or 0.0), _default_fill(dtype, nodata))
        if dtype.kind == "f":
            return cls(dtype, 1.0, 0.0, HLS_FILL if nodata is None else nodata)
        return cls(dtype, HLS_SCALE, 0.0, _default_fill(dtype, nodata))


def _default_fill(dtype: np.dtype[Any], nodata: float | None) -> float | None:
    if nodata is None:
        return None if dtype.kind == "u" else HLS_FILL
    if dtype.kind != "f" and float(nodata).is_integer():  # else all pixels would be made float64 to compare with it
        return int(nodata)
    return nodata


_LEAST: Final = np.float32(-0.2)
"""Reflectance below this is fill in HLS (known issues, April 2026); also what scaled fill of -9999 falls below."""


def to_raster(
    stored: Iterable[NDArray[Any]], storage: Sequence[Storage], geobox: GeoBox, order: Sequence[int] = range(6)
) -> Raster:
    """Return the reflectance of six planes (row, column) as they are stored, which may come one by one.

    `order` tells which band each plane is; `storage` is in the order of the bands. A pixel counts as observed if
    no band holds its fill, NaN, infinity or reflectance below -0.2 (which HLS makes fill too), and not all six
    hold 0: exact zeros throughout are a hole in the data, and would pass for water.
    """
    rows, columns = geobox.shape
    data = np.empty((len(BANDS), rows, columns), np.float32)
    valid, lit = np.ones((rows, columns), np.bool_), np.zeros((rows, columns), np.bool_)
    for band, pixels in zip(order, stored, strict=True):
        store = storage[band]
        if store.nodata is not None and not np.isnan(store.nodata):
            valid &= pixels != store.nodata
        if pixels.dtype.kind == "f":
            valid &= pixels < np.inf
        lit |= pixels != 0
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows float32 was no reflectance: see above
            np.multiply(pixels, np.float32(store.scale), out=data[band], casting="unsafe")
        if store.offset:
            data[band] += np.float32(store.offset)
        with np.errstate(invalid="ignore"):  # NaN is not observed either
            valid &= data[band] >= _LEAST
    valid &= lit
    if not valid.all():
        np.copyto(data, np.float32(np.nan), where=~valid)
    return Raster(data, valid, tuple(BANDS), geobox)
