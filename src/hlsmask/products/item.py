"""STAC Items: what was made, where, when, how, from what."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import pystac
from pystac.extensions.eo import EOExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.view import ViewExtension

from hlsmask.aside import write_text
from hlsmask.bands import Sensor
from hlsmask.hrefs import public_href
from hlsmask.masks import Mask
from hlsmask.products.assets import add_assets
from hlsmask.products.footprint import footprint
from hlsmask.products.record import ItemRecord, Provenance
from hlsmask.raster import pixel_metres

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COLLECTION_FILE", "COLLECTION_ID", "ItemRecord", "Provenance", "build_item", "write_item"]

COLLECTION_ID: Final = "hlsmask"
"""Id of the collection of all that a run writes to one folder."""

COLLECTION_FILE: Final = "collection.json"
"""It lies beside the folders of its items."""

PROCESSING: Final = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
"""The processing extension, whose fields are written as they are."""

SCALE: Final = "hlsmask:scale"
"""The property that says what one stored unit of the source was taken for, where that was told."""

_SATELLITES: Final = {
    Sensor.S30: {"constellation": "sentinel-2", "instruments": ["msi"]},
    Sensor.L30: {"constellation": "landsat", "instruments": ["oli"]},
}


def write_item(folder: Path, record: ItemRecord) -> Path:
    """Write `folder/ID.json`, which describes the products of `record` that lie there; return its path.

    The same record and files give the same bytes.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    path = folder / f"{record.id}.json"
    write_text(path, as_json(build_item(folder, record)))
    return path


def build_item(folder: Path, record: ItemRecord) -> pystac.Item:
    """Return the Item of the products of `record` that lie in `folder`, with relative links.

    Raises
    ------
    OutputError
        If a product cannot be read back.
    """
    place = footprint(record.geobox)
    when = record.datetime if record.datetime.tzinfo else record.datetime.replace(tzinfo=UTC)
    item = pystac.Item(
        id=record.id,
        geometry=place[0] if place else None,
        bbox=list(place[1]) if place else None,
        datetime=when.astimezone(UTC),
        properties=_properties(record),
        stac_extensions=[PROCESSING],
        collection=COLLECTION_ID,
    )
    _add_projection(item, record)
    cloud = record.shares.get(Mask.CLOUD)
    if cloud is not None:
        EOExtension.ext(item, add_if_missing=True).cloud_cover = round(100 * cloud, 4)
    if record.sun is not None:
        ViewExtension.ext(item, add_if_missing=True).apply(
            sun_azimuth=record.sun.azimuth, sun_elevation=90 - record.sun.zenith
        )
    add_assets(item, folder, record)
    for rel in ("root", "parent", "collection"):
        item.add_link(pystac.Link(rel, f"../{COLLECTION_FILE}", media_type=pystac.MediaType.JSON))
    for source in dict.fromkeys(map(public_href, record.provenance.sources)):
        item.add_link(pystac.Link("derived_from", source, title="What was masked"))
    return item


def as_json(thing: pystac.Item | pystac.Collection) -> str:
    """Return STAC as JSON text with the links that were set, none resolved, none added."""
    values = thing.to_dict(include_self_link=False, transform_hrefs=False)
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _properties(record: ItemRecord) -> dict[str, Any]:
    """Return the Item's properties, aside from those that extension classes write."""
    how = record.provenance
    properties: dict[str, Any] = {
        "title": f"Masks of {record.id}",
        "hlsmask:datetime_source": record.datetime_source,
    }
    if record.datetime_source != "acquisition":
        properties["description"] = (
            "The source does not say when it was sensed: datetime is the time its file was last changed."
        )
    if record.sensor is not None:
        properties |= _SATELLITES[record.sensor]
    if record.platform is not None:
        properties["platform"] = record.platform
    metres = pixel_metres(record.geobox)
    if metres is not None:
        properties["gsd"] = metres
    properties |= {
        "processing:software": {"hlsmask": how.hlsmask_version, how.engine: how.engine_version},
        "processing:lineage": f"Masked by {how.model} {how.model_version} on {how.engine} {how.engine_version}",
        "hlsmask:model": how.model,
        "hlsmask:model_version": how.model_version,
        "hlsmask:weights_sha256": how.weights_sha256,
        "hlsmask:engine": f"{how.engine} {how.engine_version}",
        "hlsmask:thresholds": {mask.value: how.thresholds[mask] for mask in Mask if mask in how.thresholds},
        "hlsmask:hysteresis": {mask.value: asdict(how.hysteresis[mask]) for mask in Mask if mask in how.hysteresis},
        "hlsmask:buffer": how.buffer,
        **({} if how.scale is None else {SCALE: how.scale}),
        "hlsmask:request": how.request,
        "hlsmask:observed": _short(record.observed),
        "hlsmask:share": {name: _short(share) for name, share in record.shares.items()},
        "hlsmask:water_in_sight": _short(record.water_in_sight),
        "hlsmask:unknown_masks": {
            mask.value: record.unknown_masks[mask] for mask in Mask if mask in record.unknown_masks
        },
        "hlsmask:masks_not_asked": [mask.value for mask in record.not_asked],
        "hlsmask:clear_water_ignores": [mask.value for mask in record.clear_water_ignores],
        "hlsmask:definitions": {mask.value: record.definitions[mask] for mask in Mask if mask in record.definitions},
    }
    return properties


def _add_projection(item: pystac.Item, record: ItemRecord) -> None:
    """Add shape, transform and CRS: its code, or its WKT where it has none."""
    box = record.geobox
    rows, columns = (int(n) for n in box.shape)
    projection = ProjectionExtension.ext(item, add_if_missing=True)
    projection.apply(
        code=_code(record),
        shape=[rows, columns],
        transform=[float(value) for value in box.transform[:6]],
    )
    if box.crs is not None and projection.code is None:
        projection.wkt2 = box.crs.proj.to_wkt("WKT2_2019")
        projection.projjson = box.crs.proj.to_json_dict()
    item.properties["proj:code"] = projection.code  # null says that there is none


def _code(record: ItemRecord) -> str | None:
    """Return such as `EPSG:32616`; None where the CRS is missing or in no register."""
    crs = record.geobox.crs
    if crs is None:
        return None
    authority = crs.proj.to_authority(min_confidence=100)
    return ":".join(authority) if authority else None


def _short(share: float | None) -> float | None:
    """Return a share without digits that mean nothing."""
    return None if share is None else round(float(share), 6)
