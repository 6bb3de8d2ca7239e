"""From what a person names (a folder, a file, a URL, a STAC Item) to a scene."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

from hlsmask.bands import BANDS, bands_of, find_bands
from hlsmask.errors import HlsmaskError, MissingBandError, SourceError, UnreadableError
from hlsmask.granules.angles import sun_from_tags, sun_of
from hlsmask.granules.features import open_features
from hlsmask.granules.hls import Granule, is_layer
from hlsmask.granules.layers import Layer
from hlsmask.granules.scene import BandFile, FileScene, Origin
from hlsmask.hrefs import is_local, public_href

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.granules.scene import Scene

_TIMEOUT: Final = 30
"""Seconds for the answer to a request for a STAC Item."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something to be masked, named but not opened."""

    id: str
    """Granule's name, else the file's stem: the name of the results."""

    href: str
    """As it was given."""

    granule: Granule | None = None
    """The granule, where it is one."""

    item: Mapping[str, Any] | None = None
    """The STAC Item, where it is one that is not of HLS."""

    within: str = ""
    """Name of the Item in what `href` holds, where that holds many."""

    @property
    def place(self) -> str:
        """Where it is, as it may be shown and kept: nothing secret, and no other source's."""
        return public_href(self.href) + (f"#{self.within}" if self.within else "")

    def hrefs(self) -> tuple[str, ...]:
        """Return all files that masking it may read."""
        if self.granule is not None:
            return tuple(self.granule.hrefs.values())
        if self.item is not None:
            return tuple(asset["href"] for asset in self.item["assets"].values())
        return (self.href,)

    def open(self, *, scale: float | None = None) -> Scene:
        """Open the scene; `scale` is the reflectance of one stored unit, where the files do not say it.

        Raises
        ------
        SourceError
            If a band is missing, cannot be read, or is not reflectance.
        """
        if self.granule is not None:
            return _open_granule(self.granule, scale)
        if self.item is not None:
            return _open_item(self.item, self.place, scale)
        if self.href.endswith(".npy"):
            return open_features(Path(self.href), scale=scale)
        return _open_raster(self.id, self.href, scale)


def locate(source: str | Path | Granule) -> Source:
    """Return what `source` names. Only a STAC Item is read; of a folder the names of its files are.

    Raises
    ------
    SourceError
        If it names nothing that can be masked.
    """
    if isinstance(source, Granule):
        return Source(source.id, source.id, granule=source)
    href = str(source)
    path = urlsplit(href).path if "://" in href else href
    if is_local(href):
        if Path(href).is_dir():
            granule = Granule.from_folder(href)
            return Source(granule.id, href, granule=granule)
        if not Path(href).exists():
            raise UnreadableError(f"{href} does not exist")
    if path.lower().endswith((".json", ".geojson")):
        return from_item(read_json(href), href)
    if is_layer(href):
        granule = Granule.from_file(href)
        return Source(granule.id, href, granule=granule)
    return Source(Path(path).stem, href)


def from_item(item: Mapping[str, Any], base: str) -> Source:
    """Return what a STAC Item describes; links that are not absolute begin at `base`, its path or URL.

    Raises
    ------
    SourceError
        If it is no Item.
    """
    if item.get("type") != "Feature" or "assets" not in item or not item.get("id"):
        raise SourceError(f"{public_href(base)} is no STAC Item: it needs type Feature, an id and assets")
    assets = {
        key: {**asset, "href": _absolute(asset["href"], base)}
        for key, asset in item["assets"].items()
        if isinstance(asset, dict) and "href" in asset
    }
    item = {**item, "assets": assets}
    try:
        granule = Granule.from_item(item)
    except SourceError:
        return Source(str(item["id"]).replace("/", "_"), base, item=item)
    return Source(granule.id, base, granule=granule)


def read_json(place: str | Request) -> dict[str, Any]:
    """Return the JSON object at a path or URL, or with which a request is answered.

    Raises
    ------
    SourceError
        If it cannot be read, or is no JSON object.
    """
    href = place if isinstance(place, str) else place.full_url
    try:
        if href.startswith(("https://", "http://")):
            with urlopen(place, timeout=_TIMEOUT) as answer:  # noqa: S310 - the scheme is checked
                text = answer.read()
        else:
            text = Path(href).read_bytes()
        value = json.loads(text)
    except HTTPError as error:
        error.close()
        raise UnreadableError(f"{public_href(href)} cannot be read: the server answered {error.code}") from error
    except OSError as error:
        raise UnreadableError(f"{public_href(href)} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UnreadableError(f"{public_href(href)} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise SourceError(f"{public_href(href)} is no STAC Item: it needs type Feature, an id and assets")
    return value


def _absolute(href: str, base: str) -> str:
    if "://" in href or href.startswith("/"):
        return href
    return urljoin(base, href) if "://" in base else str(Path(base).parent / href)


def _open_granule(granule: Granule, scale: float | None) -> FileScene:
    hrefs = granule.band_hrefs()
    shown = tuple(public_href(href) for href in hrefs.values())
    origin = Origin(granule.id, shown, granule.sensor, granule.time)
    scene = FileScene(origin, {band: BandFile(href) for band, href in hrefs.items()}, scale=scale)
    try:
        scene.origin = replace(origin, sun=sun_of(granule))
    except HlsmaskError:
        scene.close()
        raise
    return scene


def _open_item(item: Mapping[str, Any], place: str, scale: float | None) -> FileScene:
    names, files = [], []
    for key, asset in item["assets"].items():
        for index, band in enumerate(asset.get("bands") or asset.get("eo:bands") or [{}], start=1):
            for name in (band.get("eo:common_name"), band.get("common_name"), band.get("name"), key):
                names.append(str(name or ""))
                files.append(BandFile(asset["href"], index))
    found = {band: files[at] for band, at in find_bands(names).items()}
    if missing := [band for band in BANDS if band not in found]:
        raise MissingBandError(
            f"the STAC Item {place} has no assets for {', '.join(missing)}; "
            f"it has {', '.join(item['assets']) or 'none'}"
        )
    time = _parse_time(item.get("properties", {}).get("datetime"))
    shown = tuple(dict.fromkeys(public_href(found[band].href) for band in BANDS))
    return FileScene(Origin(str(item["id"]), shown, time=time), found, scale=scale)


def _parse_time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _open_raster(name: str, href: str, scale: float | None) -> FileScene:
    layer = Layer(href)
    try:
        names = [str(text or "") for text in layer.dataset.descriptions]
        tags = layer.dataset.tags()
    finally:
        layer.close()
    indexes = bands_of(names)
    if missing := [band for band in BANDS if band not in indexes]:
        described = ", ".join(name for name in names if name) or "no descriptions"
        raise MissingBandError(
            f"{public_href(href)} lacks {', '.join(missing)}: it has {len(names)} band(s) with {described}; "
            f"use six bands in the order {', '.join(BANDS)}, or describe them so"
        )
    origin = Origin(name, (public_href(href),), sun=sun_from_tags(tags))
    return FileScene(origin, {band: BandFile(href, index) for band, index in indexes.items()}, scale=scale)
