"""What the page is told of results: plain values that become JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hlsmask.errors import SourceError
from hlsmask.granules.hls import Granule
from hlsmask.products.footprint import union
from hlsmask.view.layers import STACK, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hlsmask.products.footprint import BBox
    from hlsmask.view.catalogue import Contents
    from hlsmask.view.layers import Layer
    from hlsmask.view.mosaic import Mosaics
    from hlsmask.view.result import Result
    from hlsmask.view.shelf import Shelf


def tell_contents(contents: Contents, name: str) -> dict[str, Any]:
    """Return what there is to see in the folder called `name`."""
    return {
        "name": name,
        "days": [{"day": day, "count": len(contents.days[day])} for day in contents.days],
        "count": contents.count,
        "layers": [_layer(layer) for layer in STACK.values()],
        "bbox": _around(result for results in contents.days.values() for result in results),
        "placeless": [result.id for result in contents.placeless],
        "broken": list(contents.broken.values()),
    }


def tell_day(day: str, results: tuple[Result, ...], mosaics: Mosaics, shelf: Shelf) -> dict[str, Any]:
    """Return what there is to see on a day."""
    return {"day": day, "bbox": _around(results), "scenes": [_scene(result, mosaics, shelf) for result in results]}


def name_scene(result: Result) -> dict[str, str]:
    """Return what a scene is called: its id, and tile and sensor where the id tells them."""
    told = {"id": result.id, "time": f"{result.time:%Y-%m-%dT%H:%M:%SZ}", "title": result.id, "sensor": ""}
    try:
        granule = Granule.parse(result.id)
    except SourceError:
        return told
    return told | {"title": f"T{granule.tile}", "sensor": granule.sensor.value}


def _scene(result: Result, mosaics: Mosaics, shelf: Shelf) -> dict[str, Any]:
    told: dict[str, Any] = {**name_scene(result), "bbox": result.bbox, "geometry": None, "shares": {}, "observed": None}
    problems = []
    try:
        item = result.item()
        told["geometry"] = item.get("geometry")
        properties = item["properties"]
        told["shares"] = properties.get("hlsmask:share") or {}
        told["observed"] = properties.get("hlsmask:observed")
        told["model"] = f"{properties.get('hlsmask:model', '')} {properties.get('hlsmask:model_version', '')}".strip()
    except (SourceError, KeyError) as error:
        problems.append(str(error))
    missing = ""
    try:
        mosaics.scenes.files(result)
    except SourceError as error:
        missing = str(error)
    problems += [trouble for kind in Kind if (trouble := mosaics.trouble(result, kind))]
    return told | {
        "true_colour": not missing,
        "true_colour_missing": missing,
        "probabilities": shelf.holds(result.probabilities),
        "problems": problems,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind.value,
        "title": layer.title,
        "meaning": layer.meaning,
        "colour": None if layer.colour is None else "#{:02x}{:02x}{:02x}".format(*layer.colour),
        "opacity": layer.opacity,
        "on": layer.on,
    }


def _around(results: Iterable[Result]) -> BBox | None:
    boxes = [result.bbox for result in results if result.bbox is not None]
    return union(boxes) if boxes else None
