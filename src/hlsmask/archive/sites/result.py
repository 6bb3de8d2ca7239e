"""Results of `hlsmask predict`: which there are, where and when, and what they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsmask.aside import reason
from hlsmask.errors import SourceError, UnreadableError
from hlsmask.granules.hls import Granule
from hlsmask.products.result import (
    Products,
    check_folder,
    corners,
    derived_from,
    item_path,
    moment,
    read_item,
    scale_of,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from hlsmask.bands import Sensor
    from hlsmask.products.footprint import BBox


@dataclass(frozen=True, slots=True)
class Result(Products):
    """What `hlsmask predict` made of one scene."""

    bbox: BBox
    """West, south, east, north in degrees, west > east across the antimeridian."""

    time: datetime | None
    """When the scene was sensed, UTC; None where its source did not say."""

    sources: tuple[str, ...]
    """Paths or URLs of the files with its reflectance: one with six bands, or six in the order of `Band`."""

    scale: float | None = None
    """Reflectance of one stored unit that it was masked with; None: what the files say."""

    @property
    def sensor(self) -> Sensor | None:
        """Which satellites, where its name says so."""
        try:
            return Granule.parse(self.id).sensor
        except SourceError:
            return None


def folders_of_results(out: Path) -> list[Path]:
    """Return each folder that holds an Item called like it: those in `out`, sorted, or `out` itself.

    Raises
    ------
    UnreadableError
        If `out` is no folder, or there is none.
    """
    check_folder(out)
    home = out.resolve()
    if item_path(home).is_file():
        return [home]
    try:
        names = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UnreadableError(f"{out} cannot be listed: {reason(error)}") from error
    found = [out / name for name in names if item_path(out / name).is_file()]
    if not found:
        raise UnreadableError(f"{out} holds no results; name the folder that hlsmask predict wrote to")
    return found


def read_result(folder: Path) -> Result:
    """Return the results in `folder`, from their Item.

    Raises
    ------
    SourceError
        If the Item cannot be read, is none of hlsmask's, or does not say where and when.
    """
    path, item = item_path(folder), read_item(folder)
    properties = item.get("properties") or {}
    if item.get("bbox") is None:
        raise SourceError(
            f"{folder.name} has no place on Earth: its source has no coordinate reference system, and sites need one"
        )
    acquired = properties.get("hlsmask:datetime_source", "acquisition") == "acquisition"
    when = moment(properties.get("datetime"), path) if acquired else None
    return Result(folder, corners(item["bbox"], path), when, derived_from(item), scale_of(item, path))
