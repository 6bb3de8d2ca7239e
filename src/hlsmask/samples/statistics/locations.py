"""A map of where samples lie, as SVG: their squares with a graticule, and where on earth that is."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from hlsmask.samples.division.footprints import EARTH, PIXEL
from hlsmask.samples.statistics.charts import WIDE, counted, svg, text
from hlsmask.samples.statistics.markup import Markup, element
from hlsmask.samples.statistics.world import LAND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hlsmask.samples.statistics.coverage import Coverage, Place

_TALL: Final = (220.0, 400.0)
"""Bounds of the map's height."""

_LEAST: Final = 0.6
"""Degrees that the map shows at least: about a tile."""

_SMALLEST: Final = 5.0
"""A square that would be drawn smaller is drawn as this, so that it is seen."""

_MARKS: Final = 3000
"""Marks at most: of places that would fall on one point, one is drawn."""

_TILES: Final = 24
"""Tiles that are named on the map at most."""

_CONTINENT: Final = 60.0
"""Degrees of longitude from which the map shows land."""

_WORLD: Final = 300.0
"""Degrees of longitude from which samples lie all around the earth."""

_STEPS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60)
"""Degrees between two lines of the graticule."""


@dataclass(frozen=True, slots=True)
class _View:
    """Degrees to the units of the drawing: plate carree, true to scale at the middle latitude."""

    west: float
    """Longitude of the left edge; `east` may be beyond 180."""
    east: float
    south: float
    north: float
    height: float
    """Of the map in the drawing's units, without the margin."""

    @classmethod
    def of(cls, lon: Sequence[float], lat: Sequence[float]) -> Self:
        """Return a view of all places, across the antimeridian where that is shorter."""
        west, east = _arc(lon)
        south, north = min(lat), max(lat)
        squeeze = max(0.1, cos(radians((south + north) / 2)))
        pad = 0.12 * max(north - south, (east - west) * squeeze, _LEAST)
        south, north = max(-90.0, south - pad), min(90.0, north + pad)
        west, east = west - pad / squeeze, east + pad / squeeze
        wide = WIDE / squeeze  # of one degree of latitude
        across, up = max(east - west, _LEAST / squeeze), max(north - south, _LEAST)
        across = max(across, up * wide / _TALL[1])
        up = min(180.0, max(up, across * _TALL[0] / wide))
        if across >= 360:  # noqa: PLR2004 - degrees around the earth
            middle, across = 0.0, 360.0
        else:
            middle = (west + east) / 2
        centre = min(max((south + north) / 2, -90 + up / 2), 90 - up / 2)
        height = min(max(up / across * wide, 120.0), _TALL[1])
        return cls(middle - across / 2, middle + across / 2, centre - up / 2, centre + up / 2, height)

    def point(self, lon: float, lat: float) -> tuple[float, float]:
        """Return x and y of a place."""
        east = (lon - self.west) % 360
        x = east / (self.east - self.west) * WIDE
        return x, (self.north - lat) / (self.north - self.south) * self.height

    def side(self, place: Place) -> tuple[float, float]:
        """Return width and height of a square, at least what can be seen."""
        degrees = place.size * PIXEL / 1000 / (EARTH * np.pi / 180)
        across = degrees / max(0.05, cos(radians(place.lat or 0.0)))
        wide = across / (self.east - self.west) * WIDE
        return max(_SMALLEST, wide), max(_SMALLEST, degrees / (self.north - self.south) * self.height)


def locations(coverage: Coverage, splits: Iterable[str]) -> Markup | None:
    """Return the map; None where no place is known. Splits are drawn in order, each in its class `split-NUMBER`."""
    places = [place for place in coverage.places if place.lon is not None and place.lat is not None]
    if not places:
        return None
    lon, lat = [place.lon or 0.0 for place in places], [place.lat or 0.0 for place in places]
    view = _View.of(lon, lat)
    parts: list[str] = [element("rect", x=0, y=0, width=WIDE, height=view.height, class_="sea")]
    parts += [*_coasts(view), *_graticule(view)]
    order = list(splits)
    marks: dict[tuple[int, int, int], Place] = {}
    grain = 1.0
    while len(marks) == 0 or len(marks) > _MARKS:
        marks = {}
        for place in sorted(places, key=lambda each: (order.index(each.split), each.lon, each.lat)):
            x, y = view.point(place.lon or 0.0, place.lat or 0.0)
            marks.setdefault((order.index(place.split), round(x / grain), round(y / grain)), place)
        grain *= 1.5
    for (number, _, _), place in sorted(marks.items(), key=lambda entry: entry[0]):
        x, y = view.point(place.lon or 0.0, place.lat or 0.0)
        wide, high = view.side(place)
        hint = element("title", f"{place.split or 'no split'}{f', tile {place.tile}' if place.tile else ''}")
        box = {"x": x - wide / 2, "y": y - high / 2, "width": wide, "height": high}
        parts.append(element("rect", hint, **box, class_=f"place split-{number}"))
    parts += _tile_names(view, places)
    top = view.height + 30
    parts += _inset(lon, lat, top)
    said = (
        f"{counted(len(places), 'place')} between {_degrees(min(lat), 'NS')} and {_degrees(max(lat), 'NS')}, "
        f"{_degrees(_arc(lon)[0], 'EW')} and {_degrees(_arc(lon)[1], 'EW')}."
    )
    return svg("locations", top + 124, "Where the samples lie", said, *parts)


def _coasts(view: _View) -> list[str]:
    """Return land where the view is so wide that coarse outlines help."""
    if view.east - view.west < _CONTINENT:
        return []
    across, up = WIDE / (view.east - view.west), view.height / (view.north - view.south)
    land = [element("polygon", points=ring, class_="land") for ring in LAND]
    scale = f"scale({across:.4f} {-up:.4f})"
    turns = [
        element("g", *land, transform=f"translate({(turn - view.west) * across:.2f} {view.north * up:.2f}) {scale}")
        for turn in (-360, 0, 360)
        if turn - 180 < view.east and view.west < turn + 180
    ]
    frame = element("clipPath", element("rect", x=0, y=0, width=WIDE, height=view.height), id="frame")
    return [element("defs", frame), element("g", *turns, clip_path="url(#frame)")]


def _arc(lon: Sequence[float]) -> tuple[float, float]:
    """Return the shortest arc of longitudes that holds all, west and east; east may be beyond 180."""
    around = np.unique(np.array(lon, np.float64) % 360)
    gaps = np.diff(around, append=around[0] + 360)
    widest = int(np.argmax(gaps))
    west = float(around[(widest + 1) % len(around)])
    west = west - 360 if west >= 180 else west  # noqa: PLR2004 - degrees
    return west, west + 360 - float(gaps[widest])


def _graticule(view: _View) -> list[str]:
    parts: list[str] = []
    for span, low, most, east in (
        (view.east - view.west, view.west, 6, True),
        (view.north - view.south, view.south, max(2, round(view.height / 60)), False),
    ):
        step = next((step for step in _STEPS if span / step <= most), _STEPS[-1])
        for at in range(int(np.ceil(low / step)), int(np.floor((low + span) / step)) + 1):
            value = at * step
            if east:
                x = (value - low) / span * WIDE
                parts.append(element("line", x1=x, x2=x, y1=0, y2=view.height, class_="grid"))
                if 14 < x < WIDE - 14:  # noqa: PLR2004 - else the label is cut off
                    parts.append(text(x, view.height + 14, _degrees(value, "EW"), anchor="middle", class_="quiet"))
            else:
                y = (view.north - value) / span * view.height
                parts.append(element("line", x1=0, x2=WIDE, y1=y, y2=y, class_="grid"))
                label = text(4, y - 3, _degrees(value, "NS"), class_="quiet")
                if y > 12:  # noqa: PLR2004 - the same
                    parts.append(label)
    return parts


def _tile_names(view: _View, places: Sequence[Place]) -> list[str]:
    """Return the names of tiles above their places, where they are few; one that would hide another is left out."""
    tiles: dict[str, list[tuple[float, float]]] = {}
    for place in places:
        if place.tile:
            tiles.setdefault(place.tile, []).append(view.point(place.lon or 0.0, place.lat or 0.0))
    if len(tiles) > _TILES:
        return []
    taken: list[tuple[float, float]] = []
    parts: list[str] = []
    for tile, points in sorted(tiles.items()):
        x = min(max(float(np.mean([x for x, _ in points])), 22.0), WIDE - 22)
        y = max(min(y for _, y in points) - 7, 11.0)
        if all(abs(x - a) > 44 or abs(y - b) > 14 for a, b in taken):  # noqa: PLR2004 - size of a name
            taken.append((x, y))
            parts.append(text(x, y, tile, anchor="middle", class_="tile"))
    return parts


def _inset(lon: Sequence[float], lat: Sequence[float], top: float) -> list[str]:
    """Return the world with a box around the samples."""
    west, east = _arc(lon)
    scale, left = 2 / 3, (WIDE - 240) / 2
    place = f"translate({left + 120:g} {top + 60:g}) scale({scale:.4f} {-scale:.4f})"
    parts: list[str] = [element("rect", x=-180, y=-90, width=360, height=180, class_="sea")]
    parts += [element("polygon", points=ring, class_="land") for ring in LAND]
    parts.append(element("path", d="M-180 0 H180 M0 -90 V90", class_="grid"))
    if east - west > _WORLD:
        west, east = -180.0, 180.0
    boxes = [(west, east)] if east <= 180 else [(west, 180.0), (-180.0, east - 360)]  # noqa: PLR2004 - degrees
    for first, last in boxes:
        wide, high = max(last - first, 9.0), max(max(lat) - min(lat), 9.0)
        box = {"x": (first + last - wide) / 2, "y": (min(lat) + max(lat) - high) / 2, "width": wide, "height": high}
        parts.append(element("rect", **box, class_="here"))
    return [element("g", *parts, transform=place)]


def _degrees(value: float, sides: str) -> str:
    """Return degrees as a map has them, such as `105.5° W`."""
    if sides == "EW":
        value = (value + 180) % 360 - 180
    value = round(value, 2)
    side = "" if value == 0 or abs(value) == 180 else f" {sides[int(value < 0)]}"  # noqa: PLR2004 - neither side
    return f"{abs(value):g}°{side}"
