"""A scene and its masks to look at, from Python: the picture that `hlsmask predict` writes, without its files."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.errors import UsageError
from hlsmask.inference.predict import scene_of
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask
from hlsmask.products.palette import LAYERS
from hlsmask.products.quicklook import Preview
from hlsmask.raster import pixel_metres
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray
    from PIL import Image

    from hlsmask.granules.hls import Granule
    from hlsmask.granules.scene import Scene

_BLOCK: Final = 1024
"""Rows and columns that are read at once."""


def quicklook(
    source: str | Path | Granule | Scene | NDArray[Any] | xr.DataArray | xr.Dataset,
    masks: xr.Dataset,
    *,
    longest: int = 1024,
    scale: float | None = None,
) -> Image.Image:
    """Return true colour beside the masks in their colours, with a legend: as `ID.png` of `hlsmask predict`.

    Parameters
    ----------
    source
        The scene: whatever `hlsmask.predict` takes.
    masks
        What `hlsmask.predict` gave for it: variables named by mask, and `clear_water`, 0, 1 or 255. A mask that is
        not among them is drawn as not known.
    longest
        Pixels on the longer side of each of the two panels, at most.
    scale
        Reflectance of one stored unit, as for `predict`.

    Returns
    -------
    PIL.Image.Image
        A notebook shows it by itself; `.save(path)` writes it.

    Raises
    ------
    SourceError
        If the scene cannot be read.
    UsageError
        If the masks are probabilities, or do not fit the scene.
    """
    layers = _layers(masks)
    with ExitStack() as stack:
        scene = scene_of(source, scale)
        if scene is not source:
            stack.callback(scene.close)
        rows, columns = scene.geobox.shape
        if layers.shape[1:] != (rows, columns):
            height, width = layers.shape[1:]
            raise UsageError(
                f"the masks have {height} rows and {width} columns, {scene.origin.id} has {rows} and {columns}; "
                "give the masks that hlsmask.predict gave for it"
            )
        preview = Preview((rows, columns), longest)
        for window in _blocks(rows, columns):
            preview.add_bands(window, scene.read(window))
            preview.add_masks(window, layers[:, *window.slices])
        return preview.draw(
            title=str(masks.attrs.get("source", scene.origin.id)),
            subtitle=_subtitle(masks),
            shares=_shares(layers),
            metres_per_pixel=pixel_metres(scene.geobox),
        )


def _layers(masks: xr.Dataset) -> NDArray[np.uint8]:
    """Return the six layers (6, row, column); those that are missing are 255."""
    found = [name for name in LAYERS if name in masks]
    if not found:
        raise UsageError(f"the Dataset holds no mask; it needs some of {', '.join(LAYERS)}, as hlsmask.predict gives")
    if floating := [name for name in found if masks[name].dtype.kind == "f"]:
        raise UsageError(
            f"{floating[0]} holds {masks[floating[0]].dtype}, as probabilities do; give masks: "
            "hlsmask.predict without probabilities=True"
        )
    layers = np.full((len(LAYERS), *masks[found[0]].shape), NOT_OBSERVED, np.uint8)
    for at, name in enumerate(LAYERS):
        if name in masks:
            layers[at] = masks[name].values
    return layers


def _blocks(rows: int, columns: int) -> Iterator[Window]:
    """Yield windows that cover a scene once."""
    for row in range(0, rows, _BLOCK):
        for col in range(0, columns, _BLOCK):
            yield Window(row, col, min(_BLOCK, rows - row), min(_BLOCK, columns - col))


def _subtitle(masks: xr.Dataset) -> str:
    """Return when, and what masked it, as far as the attributes tell."""
    told = masks.attrs
    when = str(told.get("time", ""))[:16].replace("T", " ")
    model, engine = str(told.get("model", "")), str(told.get("engine", ""))
    parts = [when and f"{when} UTC", "" if model in engine else model, engine]
    return " · ".join(part for part in parts if part)


def _shares(layers: NDArray[np.uint8]) -> dict[str, float | None]:
    """Return the share of what is known that each layer covers; of water, that under neither cloud nor snow."""
    there = dict(zip(LAYERS, layers == PRESENT, strict=True))
    there[Mask.WATER] = there[Mask.WATER] & ~there[Mask.CLOUD] & ~there[Mask.SNOW_ICE]
    known = dict(zip(LAYERS, layers != NOT_OBSERVED, strict=True))
    return {name: float(there[name].sum() / known[name].sum()) if known[name].any() else None for name in LAYERS}
