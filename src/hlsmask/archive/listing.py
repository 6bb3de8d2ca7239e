"""From what a person names to sources by the thousand: folders to walk, lists, ItemCollections, searches."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit
from urllib.request import Request

from hlsmask.errors import HlsmaskError, OutputError, ServiceError, SourceError, UnreadableError
from hlsmask.extras import load
from hlsmask.granules.hls import Granule, find_granules
from hlsmask.granules.source import Source, from_item, locate, read_json
from hlsmask.hrefs import is_local, public_href

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COLUMNS: Final = ("source", "href", "path", "url")
"""Names of the column of a table that holds sources, the first that is there."""

_TABLES: Final = (".parquet", ".geoparquet")
_FEATURES: Final = (".json", ".geojson")
_LISTS: Final = (".txt", ".list")


@dataclass(slots=True)
class Listing:
    """What was named: sources, each once, and what names none."""

    sources: list[Source] = field(default_factory=list)
    """In the order in which they were named, each once."""

    problems: list[tuple[str, HlsmaskError]] = field(default_factory=list)
    """What cannot be masked, as it may be shown, and why."""

    _known: dict[str, Source] = field(default_factory=dict, repr=False)

    def add(self, source: Source) -> None:
        """Add a source, unless it was named before.

        Raises
        ------
        OutputError
            If another one would write the same results.
        """
        other = self._known.setdefault(source.id, source)
        if other is source:
            self.sources.append(source)
        elif _places(other) != _places(source):
            raise OutputError(
                f"{other.place} and {source.place} share the ID {source.id}, and would "
                "overwrite each other's results; nothing was started: mask them into different folders"
            )


def _places(source: Source) -> set[str]:
    return {href if "://" in href else os.path.abspath(href) for href in source.hrefs()}  # noqa: PTH100 - without ..


def list_sources(words: Iterable[str]) -> Listing:
    """Return all sources that `words` name.

    A word is what `locate` takes, or holds many: a folder, in which granules are looked for at any depth; a text file
    (`.txt`) with a source a line; a table (`.parquet`) with a column `source`, `href`, `path` or `url`, or of STAC
    Items (stac-geoparquet); a STAC ItemCollection; or the URL of a STAC search, whose pages are all turned.

    Raises
    ------
    OutputError
        If two sources would write the same results.
    MissingPackageError
        If a table is named and pyarrow is not installed.
    """
    listing = Listing()
    for word in words:
        try:
            for source in _named_by(word):
                if isinstance(source, Source):
                    listing.add(source)
                else:
                    listing.problems.append(source)
        except (SourceError, ServiceError) as error:
            listing.problems.append((public_href(word), error))
    return listing


def holds_many(word: str) -> bool:
    """Return whether `word` may name more than one source, by its name and what kind of file it is."""
    path = Path(word)
    if not is_local(word):
        return _is_search(word)
    try:
        if path.is_dir():
            return not Granule.from_folder(path).hrefs
        if path.suffix.lower() in _FEATURES:
            return path.is_file() and read_json(word).get("type") == "FeatureCollection"
    except SourceError:  # no granule, or several; a file that cannot be read names one, and is complained of
        return path.is_dir()
    return path.suffix.lower() in {*_LISTS, *_TABLES}


def _is_search(word: str) -> bool:
    return word.startswith(("https://", "http://")) and urlsplit(word).path.rstrip("/").endswith("/search")


def _named_by(word: str) -> Iterator[Source | tuple[str, HlsmaskError]]:
    local = is_local(word)
    path = Path(word)
    if local and path.is_dir():
        yield from _below(path)
    elif local and path.suffix.lower() in _LISTS:
        yield from _each(_lines(path), path.parent)
    elif local and path.suffix.lower() in _TABLES:
        yield from _table(path)
    elif local and path.suffix.lower() in _FEATURES and path.exists():
        yield from _features(read_json(word), word)
    elif _is_search(word):
        yield from _search(word)
    else:
        yield locate(word)


def _below(folder: Path) -> Iterator[Source]:
    """Yield the granule that lies in `folder`, or all at any depth."""
    granules = [granule for granule in find_granules(folder) if _has_bands(granule)]
    if not granules:
        raise SourceError(
            f"{folder} holds no layer of an HLS granule (HLS.*.v2.0.<layer>.tif), nor do folders below it"
        )
    for granule in granules:
        yield Source(granule.id, str(Path(next(iter(granule.hrefs.values()))).parent), granule=granule)


def _has_bands(granule: Granule) -> bool:
    """Return whether any band is there: the masks of a granule are named as its layers are."""
    return not granule.hrefs.keys().isdisjoint(granule.sensor.layers.values())


def _each(hrefs: Iterable[str], home: Path) -> Iterator[Source | tuple[str, HlsmaskError]]:
    """Yield what each of `hrefs` names; where there is no such path it is looked for beside the list."""
    for href in hrefs:
        near = home / href
        there = "://" in href or Path(href).exists() or not near.exists()
        try:
            yield locate(href if there else near)
        except HlsmaskError as error:
            yield public_href(href), error


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path} is no list of sources, one a line: it is not text") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _table(path: Path) -> Iterator[Source | tuple[str, HlsmaskError]]:
    parquet = load("cluster", "pyarrow.parquet", "a table of sources")
    try:
        names = parquet.read_schema(path).names
        column = next((name for name in _COLUMNS if name in names), None)
        table = parquet.read_table(path, columns=[column] if column else None)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror or error}") from error
    except load("cluster", "pyarrow", "a table of sources").ArrowException as error:
        raise UnreadableError(f"{path} is no Parquet table: {error}") from error
    if column:
        yield from _each((str(value) for value in table[column].to_pylist() if value), path.parent)
    elif {"id", "assets"} <= set(names):
        for row in table.select(["id", "assets"]).to_pylist():
            assets = {key: asset for key, asset in (row["assets"] or {}).items() if asset}
            yield _item({"type": "Feature", "id": row["id"], "assets": assets}, str(path))
    else:
        raise SourceError(
            f"{path} has no column {', '.join(_COLUMNS[:-1])} or {_COLUMNS[-1]}, nor the id and assets of STAC Items; "
            f"it has {', '.join(names)}"
        )


def _features(values: dict[str, Any], base: str) -> Iterator[Source | tuple[str, HlsmaskError]]:
    """Yield the Item, or each of an ItemCollection."""
    if values.get("type") != "FeatureCollection":
        yield from_item(values, base)
        return
    features = values.get("features")
    if not isinstance(features, list) or not features:
        raise SourceError(f"{public_href(base)} holds no Item: its features are empty")
    for feature in features:
        yield _item(feature, base)


def _item(value: Any, base: str) -> Source | tuple[str, HlsmaskError]:  # noqa: ANN401 - JSON
    name = str(value.get("id")) if isinstance(value, dict) else "?"
    try:
        source = from_item(value, base)
    except SourceError as error:
        return f"{public_href(base)}#{name}", error
    return replace(source, within=name)


def _search(url: str) -> Iterator[Source | tuple[str, HlsmaskError]]:
    """Yield each Item of all pages of a STAC search."""
    seen: set[str] = set()
    question: str | Request | None = url
    while question is not None:
        address = question if isinstance(question, str) else question.full_url
        body = b"" if isinstance(question, str) else bytes(question.data or b"")  # type: ignore[arg-type]  # bytes, as given
        if (turned := address + body.decode()) in seen:
            raise ServiceError(f"{public_href(url)} gives one page again and again; ask for less at once")
        seen.add(turned)
        page = read_json(question)
        if page.get("type") != "FeatureCollection":
            raise ServiceError(f"{public_href(url)} is no STAC search: it answers with no ItemCollection")
        for feature in page.get("features") or ():
            yield _item(feature, address)
        question = _following(page, address)


def _following(page: dict[str, Any], address: str) -> str | Request | None:
    for link in page.get("links") or ():
        if link.get("rel") == "next":
            href = urljoin(address, str(link["href"]))
            if str(link.get("method", "GET")).upper() == "GET":
                return href
            words = json.dumps(link.get("body") or {}).encode()
            return Request(href, words, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - checked by `read_json`
    return None
