"""What an Item of ours tells those who read results again: where and when, and what they were made from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsmask.errors import SourceError, UnreadableError
from hlsmask.granules.folders import files_below
from hlsmask.granules.source import read_json
from hlsmask.hrefs import is_local, url_of
from hlsmask.products.assets import FILES
from hlsmask.products.item import COLLECTION_ID, SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hlsmask.products.footprint import BBox


@dataclass(frozen=True, slots=True)
class Products:
    """The files that were made of one scene."""

    folder: Path
    """Where they lie; its name is the name of the scene."""

    @property
    def id(self) -> str:
        """Name of the scene."""
        return self.folder.name

    @property
    def masks(self) -> Path:
        """The file of the six masks."""
        return self.folder / f"{self.id}{FILES['masks']}"

    @property
    def probabilities(self) -> Path:
        """The file of the five probabilities, which need not be there."""
        return self.folder / f"{self.id}{FILES['probabilities']}"


def check_folder(out: Path) -> None:
    """See whether results may lie in `out`.

    Raises
    ------
    UnreadableError
        If it is no folder of this machine.
    """
    if not out.is_dir():
        what = "an address" if url_of(out) else "no folder" if out.exists() else "not there"
        raise UnreadableError(f"{out} is {what}; name the folder on this machine that hlsmask predict wrote to")


def item_path(folder: Path) -> Path:
    """Return where the Item of the results in `folder` lies."""
    return folder / f"{folder.name}.json"


def read_item(folder: Path) -> dict[str, Any]:
    """Return the Item of the results in `folder`.

    Raises
    ------
    SourceError
        If it cannot be read, or is none of hlsmask's.
    """
    path = item_path(folder)
    item = read_json(str(path))
    if item.get("type") != "Feature" or item.get("collection") != COLLECTION_ID:
        raise SourceError(f"{path} is no STAC Item that hlsmask wrote")
    return item


def corners(box: object, path: Path) -> BBox:
    """Return west, south, east and north in degrees, as the Item at `path` tells them.

    Raises
    ------
    SourceError
        If they are not four numbers.
    """
    try:
        west, south, east, north = map(float, box)  # type: ignore[call-overload]  # whatever a file holds
    except (TypeError, ValueError):
        west = south = east = north = float("nan")
    if not all(map(isfinite, (west, south, east, north))):
        raise SourceError(f"{path} holds a bbox that is not west, south, east and north; mask the scene again")
    return west, south, east, north


def moment(told: object, path: Path) -> datetime:
    """Return a time, UTC, as the Item at `path` tells it.

    Raises
    ------
    SourceError
        If it is none.
    """
    try:
        when = told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
    except ValueError as error:
        raise SourceError(f"{path} holds no datetime such as 2024-07-08T17:49:11Z; mask the scene again") from error
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def derived_from(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths or URLs of the scene: one with six bands, or six in the order of `Band`."""
    links = item.get("links") or ()
    return tuple(dict.fromkeys(str(link["href"]) for link in links if link.get("rel") == "derived_from"))


def scale_of(item: Mapping[str, Any], path: Path) -> float | None:
    """Return the reflectance of one stored unit that the scene was masked with; None: what its files say.

    Raises
    ------
    SourceError
        If the Item at `path` tells something else than a number above 0.
    """
    told = (item.get("properties") or {}).get(SCALE)
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not (isfinite(told) and told > 0):
        raise SourceError(f"{path} holds an {SCALE} that is no number above 0; mask the scene again")
    return float(told)


def files_by_name(folders: Iterable[Path]) -> dict[str, str]:
    """Return the path of every file in `folders`, at any depth, by its name; the first of a name counts.

    Raises
    ------
    UnreadableError
        If a folder cannot be listed.
    """
    found: dict[str, str] = {}
    for folder in folders:
        for path in files_below(folder):
            found.setdefault(path.name, str(path))
    return found


def moved_to(href: str, moved: Mapping[str, str]) -> str | None:
    """Return where a file lies now that was at `href`, by its name, if `files_by_name` found it."""
    return moved.get(re.split(r"[/\\]", href)[-1])


def is_there(href: str) -> bool:
    """Return whether `href` is a file of this machine."""
    return is_local(href) and Path(href).is_file()
