"""The STAC Collection over all Items that lie in one folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pystac
from pystac.utils import str_to_datetime

from hlsmask.aside import write_text
from hlsmask.products.assets import TITLES_OF_ASSETS
from hlsmask.products.footprint import union
from hlsmask.products.item import COLLECTION_FILE, COLLECTION_ID, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

TABLE: Final = "items.parquet"
"""Name of the table of all Items (stac-geoparquet) that a run over many sources leaves beside their folders."""

_WORLD = (-180.0, -90.0, 180.0, 90.0)


def write_collection(
    folder: Path,
    *,
    title: str = "hlsmask",
    description: str = (
        "Water, cloud, cloud shadow, snow/ice, terrain shadow and clear water for every pixel of HLS scenes, "
        "made with hlsmask."
    ),
    license: str = "other",  # noqa: A002 - STAC's word
    items: Mapping[Path, dict[str, Any]] | None = None,
    table: Path | None = None,
) -> Path:
    """Write `folder/collection.json` over every `folder/ID/ID.json`; return its path.

    `items` are those of `items_in`, if they were read before; `table` is a table of them in the folder. Extents are
    the union over the Items; where none has a place on Earth the extent is the whole of it, as STAC wants one. Files
    that are no Item of ours are left out. Links are relative: the folder can be moved.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    items = items_in(folder) if items is None else items
    boxes = [tuple(item["bbox"]) for item in items.values() if item.get("bbox")]
    times: list[datetime] = [str_to_datetime(item["properties"]["datetime"]) for item in items.values()]
    extent = pystac.Extent(
        pystac.SpatialExtent([list(union(boxes) if boxes else _WORLD)]),
        pystac.TemporalExtent([[min(times, default=None), max(times, default=None)]]),
    )
    collection = pystac.Collection(
        COLLECTION_ID,
        description,
        extent,
        title=title,
        license=license,
        keywords=["HLS", "water", "cloud", "cloud shadow", "snow", "terrain shadow"],
    )
    collection.set_root(None)
    collection.add_link(pystac.Link("root", f"./{COLLECTION_FILE}", media_type=pystac.MediaType.JSON))
    for path, item in items.items():
        href = f"./{path.parent.name}/{path.name}"
        collection.add_link(pystac.Link("item", href, media_type=pystac.MediaType.GEOJSON, title=item["id"]))
    if table is not None:
        collection.add_asset(
            "items",
            pystac.Asset(
                f"./{table.name}",
                title="All Items as a table (stac-geoparquet)",
                media_type="application/vnd.apache.parquet",
                roles=["collection-mirror"],
            ),
        )
    if assets := _shared_assets(list(items.values())):
        collection.extra_fields["item_assets"] = assets
    target = folder / COLLECTION_FILE
    write_text(target, as_json(collection))
    return target


def items_in(folder: Path) -> dict[Path, dict[str, Any]]:
    """Return every Item of ours in `folder`, by its path, sorted."""
    return {path: item for path in sorted(folder.glob("*/*.json")) if (item := _item(path)) is not None}


def _item(path: Path) -> dict[str, Any] | None:
    """Return the Item that `path` holds, if it is one of this collection, named as its folder."""
    if path.stem != path.parent.name or path.parent.name.startswith("."):
        return None
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    ours = isinstance(values, dict) and values.get("type") == "Feature" and values.get("collection") == COLLECTION_ID
    return values if ours else None


def _shared_assets(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what all Items say alike of their assets: title, type, roles and bands' names."""
    found: dict[str, Any] = {}
    for key in TITLES_OF_ASSETS:
        holders = [item["assets"][key] for item in items if key in item["assets"]]
        if holders:
            shared = ("title", "type", "roles", "bands")
            found[key] = {name: holders[0][name] for name in shared if name in holders[0]}
    return found
