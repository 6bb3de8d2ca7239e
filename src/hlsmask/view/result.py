"""One scene's results, as far as a map needs to know them before they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hlsmask.products.result import Products, corners, item_path, moment, read_item

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from hlsmask.products.footprint import BBox


_NEAR: Final = 0.001
"""Degrees; what boxes are rounded by is less."""


@dataclass(frozen=True, slots=True)
class Result(Products):
    """What `hlsmask predict` made of one scene."""

    time: datetime
    """When the scene was sensed, UTC."""

    bbox: BBox | None
    """West, south, east, north in degrees, west > east across the antimeridian; None: no place on Earth is known."""

    @property
    def day(self) -> str:
        """Day of `time`, such as `2024-07-08`."""
        return f"{self.time:%Y-%m-%d}"

    def may_hold(self, longitude: float, latitude: float) -> bool:
        """Return whether a place in degrees lies in its bounding box, or hardly outside."""
        if self.bbox is None:
            return False
        west, south, east, north = self.bbox
        beyond = longitude < west - _NEAR, longitude > east + _NEAR
        across = all(beyond) if west > east else any(beyond)
        return not across and south - _NEAR <= latitude <= north + _NEAR

    def item(self) -> dict[str, Any]:
        """Read its STAC Item.

        Raises
        ------
        SourceError
            If it cannot be read.
        """
        return read_item(self.folder)


def read_result(folder: Path) -> Result:
    """Return the results in `folder`, from their Item.

    Raises
    ------
    SourceError
        If the Item cannot be read, or is none of hlsmask's.
    """
    item = read_item(folder)
    return result_of(folder, item.get("properties", {}).get("datetime"), item.get("bbox"))


def result_of(folder: Path, time: object, bbox: object) -> Result:
    """Return the results in `folder`, of which an Item tells `time` and `bbox`.

    Raises
    ------
    SourceError
        If these are not a time and four numbers.
    """
    path = item_path(folder)
    return Result(folder, moment(time, path), None if bbox is None else corners(bbox, path))
