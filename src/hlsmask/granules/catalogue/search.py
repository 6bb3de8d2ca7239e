"""HLS granules and DSWx-HLS products by place and time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from hlsmask.errors import SourceError
from hlsmask.granules.catalogue.area import Area
from hlsmask.granules.catalogue.catalogues import Kind, collections_of, parse_roots
from hlsmask.granules.catalogue.service import ask
from hlsmask.granules.dswx import Product
from hlsmask.granules.hls import Granule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from hlsmask.granules.catalogue.query import Query


@dataclass(frozen=True, slots=True)
class Found:
    """One granule or product of a catalogue."""

    value: Granule | Product
    """What it is; its hrefs are URLs."""

    item: Mapping[str, Any]
    """The STAC Item, as the catalogue gives it."""

    @property
    def id(self) -> str:
        """Name."""
        return self.value.id

    @property
    def time(self) -> datetime:
        """Acquisition, as the name has it, UTC."""
        return self.value.time

    @property
    def cloud_cover(self) -> float | None:
        """Percent of cloud, where the catalogue knows it."""
        value = (self.item.get("properties") or {}).get("eo:cloud_cover")
        if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
            return None
        return float(value)


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found, sorted by time."""

    granules: tuple[Found, ...] = ()
    """HLS granules."""

    products: tuple[Found, ...] = ()
    """DSWx-HLS products."""

    notes: tuple[str, ...] = ()
    """Sentences on what a person should know of the result."""


def search(query: Query, *, paired: bool = False) -> Results:
    """Return the granules and products that `query` asks for, each once.

    For who wants pairs, `paired` finds both, does not limit their number, and keeps products whatever their cloud
    cover: that of the granule decides.

    Raises
    ------
    UsageError
        If the area cannot be read, or a package is missing.
    ServiceError
        If a catalogue does not answer, refuses, or is incomplete.
    """
    notes: list[str] = []
    kinds = tuple(Kind) if paired else tuple(dict.fromkeys(query.products))
    if paired:
        query = replace(query, limit=None)
    found = {}
    for kind in kinds:
        asked = replace(query, cloud_cover=None) if paired and kind is Kind.DSWX else query
        found[kind] = tuple(sorted(_all(asked, kind, notes), key=_order))
    return Results(found.get(Kind.HLS, ()), found.get(Kind.DSWX, ()), tuple(notes))


def _order(found: Found) -> tuple[datetime, str]:
    return found.time, found.id


def _all(query: Query, kind: Kind, notes: list[str]) -> list[Found]:
    place = _place(query)
    kept: dict[str, Found] = {}
    left_out: Counter[str] = Counter()
    unknown = 0
    for item in _items(query, kind, place):
        found = _read(item, kind)
        if isinstance(found, str):
            left_out[found] += 1
            continue
        if found.id in kept or not _wanted(found, query, place):
            continue
        if query.cloud_cover is not None:
            if found.cloud_cover is None:
                unknown += 1
            elif found.cloud_cover > query.cloud_cover:
                continue
        kept[found.id] = found
        if len(kept) == query.limit:
            break
    notes += [f"{count} items of the catalogue are left out: they {why}" for why, count in sorted(left_out.items())]
    if unknown:
        notes.append(f"{unknown} of {kind} are kept although the catalogue does not know their cloud cover")
    return list(kept.values())


def _read(item: Any, kind: Kind) -> Found | str:  # noqa: ANN401 - JSON
    """Return what an Item is, or why it is left out, in words that follow "they"."""
    if not _is_item(item):
        return "are no STAC Items"
    try:
        return Found(Granule.from_item(item) if kind is Kind.HLS else Product.from_item(item), item)
    except SourceError:
        return f"have no name of {kind}"
    except ValueError:  # an address that is none
        return "are no STAC Items"


def _is_item(item: Any) -> bool:  # noqa: ANN401 - JSON
    """Say whether what a catalogue gave has the parts that are read, of the kinds that STAC wants."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        return False
    assets = item.get("assets", {})
    return (
        isinstance(assets, dict)
        and all(isinstance(one, dict) and isinstance(one.get("href", ""), str) for one in assets.values())
        and isinstance(item.get("properties", {}), dict)
        and isinstance(item.get("geometry"), dict | None)
    )


def _place(query: Query) -> Area:
    if query.bbox is not None:
        return Area.from_bbox(query.bbox)
    return Area.from_tiles(query.tiles) if query.area is None else Area.from_geojson(query.area)


def _items(query: Query, kind: Kind, place: Area) -> Iterator[dict[str, Any]]:
    roots, span = parse_roots(query.endpoint, query.source), query.span()
    for collection in collections_of(kind, query.sensors, query.source):
        for where in place.searches():
            yield from ask(collection.api(roots), collection, where, span)


def _wanted(found: Found, query: Query, place: Area) -> bool:
    if query.tiles and found.value.tile not in query.tiles:
        return False
    return found.value.sensor in query.sensors and place.meets(found.item)
