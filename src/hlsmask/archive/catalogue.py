"""All results in one catalogue: a STAC Collection, and its Items as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hlsmask.aside import aside
from hlsmask.extras import load
from hlsmask.products.collection import TABLE, items_in, write_collection
from hlsmask.products.item import COLLECTION_FILE

if TYPE_CHECKING:
    from pathlib import Path

_WHAT: Final = "a table of Items"


def write_catalogue(out: Path) -> Path:
    """Write `out/items.parquet` (stac-geoparquet) and `out/collection.json` over all results there; return the latter.

    Both can be moved with the folder: links to files are relative to them.

    Raises
    ------
    MissingPackageError
        If stac-geoparquet is not installed.
    OutputError
        If the folder or the disk refuses.
    """
    items = items_in(out)
    if not items:
        return write_collection(out, items=items)
    geoparquet = load("cluster", "stac_geoparquet.arrow", _WHAT)
    table = geoparquet.parse_stac_items_to_arrow([_from(out, path, item) for path, item in items.items()])
    with aside(out / TABLE) as draft:
        geoparquet.to_parquet(table, draft)
    return write_collection(out, items=items, table=out / TABLE)


def _from(out: Path, path: Path, item: dict[str, Any]) -> dict[str, Any]:
    """Return an Item as it is in the table: linked from `out` to its assets, its Collection, what it was made from."""
    home = path.parent.relative_to(out).as_posix()
    assets = {
        key: {**asset, "href": f"{home}/{asset['href'].removeprefix('./')}"} for key, asset in item["assets"].items()
    }
    links = [link for link in item["links"] if link["rel"] == "derived_from"]
    links += [
        {"rel": rel, "href": f"./{COLLECTION_FILE}", "type": "application/json"} for rel in ("root", "collection")
    ]
    # What holds nothing in any Item would be a column of nothing, which Parquet has not.
    properties = {name: value for name, value in item["properties"].items() if value != {}}
    return {**item, "properties": properties, "assets": assets, "links": links}
