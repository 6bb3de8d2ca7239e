"""Which files to fetch, and where they go: from STAC Items, URLs and files of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hlsmask.bands import BANDS
from hlsmask.errors import SourceError, UnreadableError, UsageError
from hlsmask.granules.dswx import LAYERS, Product
from hlsmask.granules.hls import Granule
from hlsmask.granules.transfer.checksum import Checksum
from hlsmask.hrefs import public_href

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

HLS_EXTRAS: Final = ("Fmask", "SZA", "SAA")
"""Layers of HLS beside the six bands that masking and labels read."""
DSWX_LAYERS: Final = ("WTR", "CONF", "DIAG", "WTR-2", "SHAD", "CLOUD", "DEM")
"""Layers of DSWx-HLS that labels read, the elevation, and those that people look at."""
ALL: Final = "all"
"""Asks for every layer."""
_HLS_OTHERS: Final = (*(f"B{number:02}" for number in range(1, 13)), "B8A", "VZA", "VAA")
KNOWN: Final = (*BANDS, *HLS_EXTRAS, *_HLS_OTHERS, *LAYERS)
"""Every name of a layer that can be asked for."""
_HLS_FILE: Final = re.compile(r"\.([A-Za-z0-9]+)\.tiff?$")
_DSWX_FILE: Final = re.compile(r"_B\d{2}_([A-Z0-9-]+)\.tiff?$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to fetch."""

    href: str
    """Where it is, `https://`."""

    id: str
    """Granule or product: the name of its folder."""

    name: str
    """Of the file."""

    size: int | None = None
    """Bytes, where the catalogue says it."""

    checksum: Checksum | None = None
    """Where the catalogue says it."""

    @property
    def place(self) -> str:
        """Path below the folder of all downloads."""
        return f"{self.id}/{self.name}"


@dataclass(slots=True)
class Wishes:
    """What `SOURCE...` of a download asks for."""

    files: list[Wanted] = field(default_factory=list)
    """Each once."""

    problems: list[str] = field(default_factory=list)
    """Sentences on what cannot be fetched."""

    def add(self, files: Iterable[Wanted]) -> None:
        """Add files that are not there yet."""
        known = {file.place for file in self.files}
        for file in files:
            if file.place not in known:
                known.add(file.place)
                self.files.append(file)


def read_wishes(sources: Sequence[str], layers: Sequence[str] = ()) -> Wishes:
    """Return the files that `sources` name: URLs, files of URLs (one a line), STAC ItemCollections or Items.

    Of Items the `layers` are taken, those that masking and labels need if none is named. URLs are taken as they are.

    Raises
    ------
    UsageError
        If a layer is not known, or a source is neither.
    """
    check_layers(layers)
    wishes = Wishes()
    for source in sources:
        if source.startswith(("https://", "http://")):
            _add_url(wishes, source)
        else:
            _add_file(wishes, Path(source), layers)
    return wishes


def check_layers(layers: Sequence[str]) -> None:
    """Raise UsageError if one of `layers` is no layer of HLS or DSWx-HLS."""
    if unknown := [layer for layer in layers if layer not in {*KNOWN, ALL}]:
        raise UsageError(f"--layers has {unknown[0]!r}; use {', '.join(KNOWN)} or {ALL}")


def files_of(item: Mapping[str, Any], layers: Sequence[str] = ()) -> tuple[list[Wanted], list[str]]:
    """Return the files of a STAC Item that `layers` name, and the layers that it has not.

    Raises
    ------
    SourceError
        If the Item is neither of HLS nor of DSWx-HLS, or no Item at all.
    """
    if not isinstance(item, dict) or not isinstance(item.get("assets", {}), dict):
        name = item.get("id") if isinstance(item, dict) else None
        raise SourceError(f"{name or 'a feature without a name'} is no STAC Item, as it has no list of assets")
    value = _parse(str(item.get("id", "")))
    assets = dict(_assets(item, value))
    asked = _asked(value, layers, assets)
    return [assets[layer] for layer in asked if layer in assets], [layer for layer in asked if layer not in assets]


def _parse(name: str) -> Granule | Product:
    try:
        return Granule.parse(name)
    except SourceError:
        pass
    try:
        return Product.parse(name)
    except SourceError:
        raise SourceError(f"{name!r} is neither of HLS nor of DSWx-HLS by its name") from None


def _asked(value: Granule | Product, layers: Sequence[str], assets: Mapping[str, Wanted]) -> list[str]:
    """Return the layers of one granule or product; names that only the other kind has say nothing here."""
    if ALL in layers:
        return list(assets)
    if isinstance(value, Product):
        named = list(layers or DSWX_LAYERS)
    else:
        bands = {str(band): layer for band, layer in value.sensor.layers.items()}
        named = [bands.get(layer, layer) for layer in layers] if layers else [*bands.values(), *HLS_EXTRAS]
    return [layer for layer in dict.fromkeys(named) if layer in _layers(value)]


def _assets(item: Mapping[str, Any], value: Granule | Product) -> Iterator[tuple[str, Wanted]]:
    """Yield layer and file of each GeoTIFF of an Item that can be had by HTTP."""
    for key, asset in item.get("assets", {}).items():
        href = asset.get("href") if isinstance(asset, dict) else None
        if not isinstance(href, str):
            continue
        try:
            layer = _layer(href, value) or _layer(f"{value.id}.{key}.tif", value)
        except ValueError:  # an address that is none
            continue
        if layer is None or not href.startswith(("https://", "http://")):
            continue
        size = asset.get("file:size")
        size = size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None
        yield layer, Wanted(href, value.id, _name(value, layer), size, Checksum.of_asset(asset))


def _layer(href: str, value: Granule | Product) -> str | None:
    """Return the layer of `value` that a file holds, by its name."""
    file = PurePosixPath(urlsplit(href).path).name
    try:
        same = type(value).parse(file).id == value.id
    except SourceError:
        return None
    match = (_DSWX_FILE if isinstance(value, Product) else _HLS_FILE).search(file)
    return match[1] if same and match and match[1] in _layers(value) else None


def _layers(value: Granule | Product) -> tuple[str, ...]:
    """Return all layers that there are of its kind."""
    return LAYERS if isinstance(value, Product) else (*HLS_EXTRAS, *_HLS_OTHERS)


def _name(value: Granule | Product, layer: str) -> str:
    """Return how the archive calls the file of a layer."""
    if isinstance(value, Product):
        return f"{value.id}_B{LAYERS.index(layer) + 1:02}_{layer}.tif"
    return f"{value.id}.{layer}.tif"


def _add_url(wishes: Wishes, href: str) -> None:
    try:
        value = _parse(PurePosixPath(urlsplit(href).path).name)
    except SourceError as error:
        wishes.problems.append(f"{public_href(href)} is not fetched: {error}")
        return
    if (layer := _layer(href, value)) is None:
        wishes.problems.append(f"{public_href(href)} is not fetched: it is no GeoTIFF of a layer")
        return
    wishes.add([Wanted(href, value.id, _name(value, layer))])


def _add_file(wishes: Wishes, path: Path, layers: Sequence[str]) -> None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise UnreadableError(f"{path} cannot be read: {why}; use a URL, or a file that hlsmask search made") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if content is None:
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if not lines or not all(line.startswith(("https://", "http://")) for line in lines):
            raise UsageError(f"{path} is neither STAC nor URLs, one a line; make it with hlsmask search --out {path}")
        for line in lines:
            _add_url(wishes, line)
        return
    items = content.get("features", [content]) if isinstance(content, dict) else None
    known = isinstance(items, list) and any(isinstance(item, dict) and "assets" in item for item in items)
    if not isinstance(items, list) or (items and not known):
        raise UsageError(f"{path} is no STAC ItemCollection or Item; make it with hlsmask search --format stac")
    for item in items:
        try:
            files, missing = files_of(item, layers)
        except SourceError as error:
            wishes.problems.append(str(error))
            continue
        wishes.add(files)
        if missing:
            wishes.problems.append(f"{item['id']} has no {', '.join(missing)} to fetch")
