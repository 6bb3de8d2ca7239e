"""One scene's results, as far as a map needs to know them before they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from hlsmask.errors import SourceError, UnreadableError
from hlsmask.granules.source import read_json
from hlsmask.products.assets import FILES
from hlsmask.products.item import COLLECTION_ID

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.products.footprint import BBox


@dataclass(frozen=True, slots=True)
class Result:
    """What `hlsmask predict` made of one scene."""

    folder: Path
    """Where it lies; its name is the name of the scene."""

    time: datetime
    """When the scene was sensed, UTC."""

    bbox: BBox | None
    """West, south, east, north in degrees, west > east across the antimeridian; None: no place on Earth is known."""

    @property
    def id(self) -> str:
        """Name of the scene."""
        return self.folder.name

    @property
    def day(self) -> str:
        """Day of `time`, such as `2024-07-08`."""
        return f"{self.time:%Y-%m-%d}"

    @property
    def masks(self) -> Path:
        """The file of the six masks."""
        return self.folder / f"{self.id}{FILES['masks']}"

    @property
    def probabilities(self) -> Path:
        """The file of the five probabilities, which need not be there."""
        return self.folder / f"{self.id}{FILES['probabilities']}"

    def item(self) -> dict[str, Any]:
        """Read its STAC Item.

        Raises
        ------
        SourceError
            If it cannot be read.
        """
        return read_json(str(item_path(self.folder)))


def item_path(folder: Path) -> Path:
    """Return where the Item of the results in `folder` lies."""
    return folder / f"{folder.name}.json"


def read_result(folder: Path) -> Result:
    """Return the results in `folder`, from their Item.

    Raises
    ------
    SourceError
        If the Item cannot be read, or is none of hlsmask's.
    """
    path = item_path(folder)
    item = read_json(str(path))
    if item.get("type") != "Feature" or item.get("collection") != COLLECTION_ID:
        raise SourceError(f"{path} is no STAC Item that hlsmask wrote")
    return result_of(folder, item.get("properties", {}).get("datetime"), item.get("bbox"))


def result_of(folder: Path, time: object, bbox: object) -> Result:
    """Return the results in `folder`, of which an Item tells `time` and `bbox`.

    Raises
    ------
    SourceError
        If these are not a time and four numbers, or there is no file of masks.
    """
    path = item_path(folder)
    try:
        when = time if isinstance(time, datetime) else datetime.fromisoformat(str(time))
    except ValueError as error:
        raise SourceError(f"{path} holds no datetime such as 2024-07-08T17:49:11Z") from error
    place = None if bbox is None else _corners(bbox)
    if bbox is not None and place is None:
        raise SourceError(f"{path} holds a bbox that is not west, south, east and north")
    result = Result(folder, when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC), place)
    if not result.masks.is_file():
        raise UnreadableError(f"{result.masks} is missing; mask the scene again, or remove {folder}")
    return result


def _corners(box: Any) -> BBox | None:  # noqa: ANN401 - whatever a file holds
    """Return a bounding box; None where it is none."""
    try:
        west, south, east, north = map(float, box)
    except (TypeError, ValueError):
        return None
    return (west, south, east, north) if all(map(isfinite, (west, south, east, north))) else None
