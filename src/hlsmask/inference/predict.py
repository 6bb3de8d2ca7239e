"""The Python door: masks of anything that holds the six bands, as an xarray.Dataset."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from odc.geo.xr import xr_coords

from hlsmask.errors import UsageError
from hlsmask.granules.arrays import ArrayScene, from_xarray
from hlsmask.granules.hls import Granule
from hlsmask.granules.source import locate
from hlsmask.inference.options import Options
from hlsmask.inference.run import Masking, open_engine
from hlsmask.masks import CLEAR_WATER, NOT_OBSERVED, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hlsmask.granules.scene import Scene


def predict(
    source: str | Path | Granule | Scene | NDArray[Any] | xr.DataArray | xr.Dataset,
    *,
    probabilities: bool = False,
    threshold: Mapping[str, float] | None = None,
    **options: Any,  # noqa: ANN401 - the fields of Options, each with its own type
) -> xr.Dataset:
    """Return the masks of a scene as a Dataset with one variable a mask, on the scene's grid.

    Parameters
    ----------
    source
        A path or URL (granule folder, band file, 6-band raster, STAC Item), a `Granule`, any `Scene`, a numpy
        array (6, rows, columns), or an xarray DataArray (band, y, x) or Dataset (a variable a band). Integers are
        reflectance x 10 000 unless the file's tag or `scale` says otherwise; floats are reflectance.
    probabilities
        Give float32 probabilities, 0 to 1 with NaN where not observed, in place of masks.
    threshold
        Probability above which a mask is there, a mask each. Else the card's. What a card says of hysteresis stays: a
        mask with it is there only where it is surer nearby (`hlsmask.card.Hysteresis`).
    **options
        The fields of `hlsmask.Options`: model, masks, engine, buffer, partial_water, dem, scale, window,
        overlap, workers, device, precision, compile.

    Returns
    -------
    xarray.Dataset
        Variables of dimensions (y, x), in the order of `Mask`: uint8 0, 1 or 255 (not observed or not known),
        and `clear_water`, which is water and none of the others. Coordinates and CRS as odc-geo and rioxarray
        read them. Attributes tell model, engine and thresholds, and which masks are not known and why.

    Raises
    ------
    SourceError
        If the source cannot be masked.
    ModelError
        If the weights cannot be used.
    UsageError
        If an option is wrong.
    """
    if unknown := sorted(set(options) - {field.name for field in fields(Options)}):
        raise UsageError(f"predict knows no option {', '.join(unknown)}; see hlsmask.Options")
    if threshold is not None:
        options["threshold"] = tuple(f"{name}={value}" for name, value in threshold.items())
    chosen = Options(**{name: _plain(value) for name, value in options.items()})
    engine = open_engine(chosen)
    with Masking(scene_of(source, chosen.scale), engine, chosen) as masking:
        layers = _probabilities(masking) if probabilities else _masks(masking)
        origin, geobox = masking.scene.origin, masking.scene.geobox
        attributes = {
            "source": origin.id,
            "model": masking.engine.card.name,
            "engine": masking.engine.name,
            **{f"threshold_{mask}": value for mask, value in masking.thresholds.items()},
            **{f"hysteresis_{mask}": str(rule) for mask, rule in masking.engine.card.hysteresis.items()},
            **{f"unknown_{mask}": why for mask, why in masking.unknown.items()},
        }
    coordinates = xr_coords(geobox)
    dims = geobox.dimensions
    dataset = xr.Dataset({name: (dims, layer) for name, layer in layers.items()}, coordinates, attributes)
    for name in dataset.data_vars:
        dataset[name].encoding["grid_mapping"] = "spatial_ref"
        if not probabilities:
            dataset[name].attrs["_FillValue"] = NOT_OBSERVED
    if origin.time is not None:
        dataset.attrs["time"] = origin.time.isoformat()
    return dataset


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever an option takes
    """Return what the dataclass takes: tuples for lists, text for paths."""
    if isinstance(value, list | set):
        return tuple(value)
    return str(value) if isinstance(value, Path) else value


def scene_of(source: Any, scale: float | None = None) -> Scene:  # noqa: ANN401 - see predict
    """Return the scene that `source` is or names, see `predict`.

    Raises
    ------
    SourceError
        If it cannot be read as one.
    UsageError
        If it is nothing that can be masked.
    """
    if isinstance(source, str | Path | Granule):
        return locate(source).open(scale=scale)
    if isinstance(source, np.ndarray):
        return ArrayScene(source, scale=scale)
    if isinstance(source, xr.DataArray | xr.Dataset):
        return from_xarray(source, scale=scale)
    if hasattr(source, "read") and hasattr(source, "geobox"):
        scene: Scene = source
        return scene
    raise UsageError(f"cannot mask a {type(source).__name__}; give a path, Granule, numpy array or xarray object")


def _masks(masking: Masking) -> dict[str, NDArray[np.uint8]]:
    shape = masking.scene.geobox.shape
    asked = masking.options.asked()
    layers = {str(mask): np.full(shape, NOT_OBSERVED, np.uint8) for mask in (*asked, CLEAR_WATER)}
    for rows in masking.rows():
        place = rows.window.slices
        for mask, plane in zip(Mask, rows.masks, strict=True):
            if mask in asked:
                layers[mask][place] = plane
        layers[CLEAR_WATER][place] = rows.clear_water
    return layers


def _probabilities(masking: Masking) -> dict[str, NDArray[np.float32]]:
    shape = masking.scene.geobox.shape
    layers = {str(mask): np.full(shape, np.nan, np.float32) for mask in masking.options.asked()}

    def keep(window: Any, cell: NDArray[np.float32]) -> None:  # noqa: ANN401 - Window, known at type time only
        for mask, plane in zip(masking.engine.card.masks, cell, strict=True):
            if mask in layers:
                layers[mask][window.slices] = plane

    for _ in masking.rows(on_cell=keep):
        pass
    return layers
