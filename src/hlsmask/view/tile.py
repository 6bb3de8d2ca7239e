"""A square of the web's map, and what lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import asinh, atan, ceil, degrees, floor, pi, radians, sinh, tan
from typing import TYPE_CHECKING, Final

from hlsmask.windows import Window

if TYPE_CHECKING:
    from hlsmask.products.footprint import BBox

SIDE: Final = 512
"""Rows and columns of a tile: fewer, larger ones are drawn faster than the 256 of old."""

DEEPEST: Final = 20
"""Largest zoom; a pixel of 30 m is then hundreds of pixels wide."""

_HALF: Final = pi * 6378137.0
"""Metres from the middle to the edge of web Mercator (EPSG:3857)."""

_SPARE: Final = 200.0
"""Metres around what a bounding box covers: a scene's sides bend a little between the points of its outline."""

_NORTHERNMOST: Final = 85.05
"""Degrees; the map ends there."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Tile `x`, `y` of zoom `z`, counted from the north-west as web maps do."""

    z: int
    """Zoom: the world is 2^z tiles wide."""

    x: int
    """Column, from the antimeridian eastwards."""

    y: int
    """Row, from the north."""

    def __post_init__(self) -> None:
        if not 0 <= self.z <= DEEPEST:
            raise ValueError(f"zoom is {self.z}; it goes from 0 to {DEEPEST}")
        if not (0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z):
            raise ValueError(f"zoom {self.z} has {1 << self.z} tiles a side, and no tile {self.x}, {self.y}")

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in metres of web Mercator (EPSG:3857)."""
        side = 2 * _HALF / (1 << self.z)
        west, north = self.x * side - _HALF, _HALF - self.y * side
        return west, north - side, west + side, north

    @property
    def degrees(self) -> BBox:
        """West, south, east, north in degrees."""
        west, south, east, north = (edge / _HALF * pi for edge in self.bounds)
        return degrees(west), degrees(atan(sinh(south))), degrees(east), degrees(atan(sinh(north)))

    def meets(self, box: BBox) -> bool:
        """Say whether a bounding box in degrees reaches into the tile."""
        west, south, east, north = self.degrees
        if box[1] > north or box[3] < south:
            return False
        if box[0] > box[2]:  # across the antimeridian
            return west <= box[2] or east >= box[0]
        return box[0] <= east and box[2] >= west

    def part(self, box: BBox) -> Window:
        """Return the pixels of the tile that a bounding box in degrees covers, and some around them."""
        west, _, east, _ = self.bounds
        scale = SIDE / (east - west)
        south, north = (max(-_NORTHERNMOST, min(_NORTHERNMOST, edge)) for edge in (box[1], box[3]))
        top, bottom = ((self.bounds[3] - _HALF / pi * asinh(tan(radians(edge)))) * scale for edge in (north, south))
        left, right = ((edge / 180 * _HALF - west) * scale for edge in (box[0], box[2]))
        if box[0] > box[2]:  # across the antimeridian: from the one edge of the world, or to the other
            left, right = (left if right <= 0 else 0, right if left >= SIDE else SIDE)
        spare = 1 + ceil(_SPARE * scale)
        row, col = floor(top) - spare, floor(left) - spare
        around = Window(row, col, max(0, ceil(bottom) + spare - row), max(0, ceil(right) + spare - col))
        return around & Window.of((SIDE, SIDE))

    def bounds_of(self, part: Window) -> tuple[float, float, float, float]:
        """Return west, south, east, north of some of its pixels, in metres of web Mercator (EPSG:3857)."""
        west, _, east, north = self.bounds
        pixel = (east - west) / SIDE
        return (
            west + part.col * pixel,
            north - part.bottom * pixel,
            west + part.right * pixel,
            north - part.row * pixel,
        )
