"""Scenes that are already in memory, or lazy in xarray."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords  # noqa: F401 - importing it registers the .odc accessor

from hlsmask.bands import BANDS, find_bands
from hlsmask.errors import GridError, MissingBandError, NotReflectanceError
from hlsmask.granules.reflectance import Storage, to_raster
from hlsmask.granules.scene import Origin, check_reflectance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hlsmask.raster import Raster
    from hlsmask.windows import Window

_STACK = 3  # dimensions of (band, row, column)


class ArrayScene:
    """Six bands in memory; integers are reflectance x 10 000, floats are reflectance."""

    def __init__(
        self,
        bands: NDArray[Any] | Sequence[xr.DataArray],
        geobox: GeoBox | None = None,
        *,
        name: str = "array",
        scale: float | None = None,
        nodata: float | None = None,
        time: datetime | None = None,
    ) -> None:
        """Take six planes of one shape; without a geobox the scene has no place, and its pixels are of side 1.

        Raises
        ------
        MissingBandError
            If there are not six of them.
        NotReflectanceError
            If the numbers are not reflectance.
        """
        shape = tuple(getattr(bands, "shape", ()))
        if len(bands) != len(BANDS) or (shape and len(shape) != _STACK):
            raise MissingBandError(
                f"{name} has shape {shape or len(bands)}; use (6, rows, columns) with the bands {', '.join(BANDS)}"
            )
        self._bands = bands
        rows, columns = bands[0].shape
        self.geobox = geobox if geobox is not None else GeoBox((rows, columns), Affine.identity(), None)
        if min(rows, columns) < 1 or tuple(self.geobox.shape) != (rows, columns):
            raise GridError(f"{name} has {rows} rows and {columns} columns, which does not fit {self.geobox.shape}")
        self.origin = Origin(id=name, time=time)
        try:
            self._storage = [
                Storage.of(np.dtype(band.dtype), nodata=nodata if nodata is not None else _fill(band), asked=scale)
                for band in bands
            ]
        except NotReflectanceError as error:
            raise NotReflectanceError(f"{name} {error}") from error
        check_reflectance(self, name)

    def read(self, window: Window) -> Raster:
        """Return float32 reflectance of a window that lies within the scene."""
        planes = (np.asarray(band[window.slices]) for band in self._bands)
        return to_raster(planes, self._storage, self.geobox[window.slices])

    def close(self) -> None:
        """Nothing is held open."""


def _fill(band: NDArray[Any] | xr.DataArray) -> float | None:
    """Return the fill that xarray's attributes or encoding name."""
    for place in ("attrs", "encoding"):
        value = getattr(band, place, {}).get("_FillValue", getattr(band, place, {}).get("nodata"))
        if value is not None:
            return float(value)
    return None


def from_xarray(data: xr.DataArray | xr.Dataset, *, scale: float | None = None) -> ArrayScene:
    """Return the scene in an xarray object.

    A Dataset holds a variable a band, called blue ... swir2, or as STAC or HLS call them (`nir08`, `B8A`); a
    DataArray has the dimensions (band, y, x), its bands called so by the `band` or `variable` coordinate, by the
    attribute `long_name` (as rioxarray sets it), else in our order. Other dimensions must be of length 1.

    Raises
    ------
    MissingBandError
        If a band is missing.
    """
    name = str(getattr(data, "name", None) or data.attrs.get("id") or "array")
    data = data.squeeze(drop=False)
    when = _time(data)
    if isinstance(data, xr.Dataset):
        named = [str(variable) for variable in data]
        found = find_bands(named)
        if missing := [band for band in BANDS if band not in found]:
            raise MissingBandError(f"the Dataset lacks {', '.join(missing)}; it has {', '.join(named)}")
        planes = [data[named[found[band]]] for band in BANDS]
    else:
        if data.ndim != _STACK:
            raise MissingBandError(f"{name} has dimensions {data.dims}; use (band, y, x)")
        axis = data.dims[0]
        planes = [data.isel({axis: at}) for at in _order(data, name)]
    try:
        geobox = planes[0].odc.geobox
    except (ValueError, AttributeError):
        geobox = None
    return ArrayScene(planes, geobox, name=name, scale=scale, time=when)


def _order(data: xr.DataArray, name: str) -> list[int]:
    """Return where each of our bands lies along the first axis."""
    labels: Any = data.attrs.get("long_name", ())
    if data.dims[0] in data.coords and data[data.dims[0]].dtype.kind in "UOT":
        labels = data[data.dims[0]].values
    named = [str(label) for label in labels] if not isinstance(labels, str) else []
    if found := find_bands(named):
        if missing := [band for band in BANDS if band not in found]:
            raise MissingBandError(f"{name} lacks {', '.join(missing)}; it has {', '.join(named)}")
        return list(found.values())
    if data.sizes[data.dims[0]] != len(BANDS):
        raise MissingBandError(
            f"{name} has {data.sizes[data.dims[0]]} unnamed bands; use six, in the order {', '.join(BANDS)}"
        )
    return list(range(len(BANDS)))


def _time(data: xr.DataArray | xr.Dataset) -> datetime | None:
    if "time" not in data.coords or data["time"].ndim or data["time"].dtype.kind != "M":
        return None
    seconds = data["time"].values.astype("datetime64[us]").astype("int64") / 1e6
    return datetime.fromtimestamp(float(seconds), UTC)
