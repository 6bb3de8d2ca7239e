"""Where a scene lies on Earth, as RFC 7946 wants it: also across the antimeridian and around a pole."""

from __future__ import annotations

from math import floor, isfinite
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import rasterio
from rasterio.warp import transform
from shapely import union_all
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon, box, mapping
from shapely.geometry.polygon import orient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odc.geo.geobox import GeoBox

BBox: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east where the antimeridian lies within."""

_SEGMENTS: Final = 8
"""Pieces of each side of the outline; a UTM tile's side bends by less than a pixel between them."""

_DECIMALS: Final = 6
"""Of a degree: about 10 cm."""


def footprint(geobox: GeoBox) -> tuple[dict[str, Any], BBox] | None:
    """Return the GeoJSON geometry (longitude, latitude, WGS 84) and bounding box of a scene.

    None where the scene has no CRS, or reaches beyond where its CRS holds.
    """
    outline = _outline(geobox)
    if outline is None:
        return None
    polygon = Polygon(outline)
    if not polygon.is_valid:
        polygon = polygon.buffer(0)
    if polygon.is_empty:
        return None
    west, south, east, north = polygon.bounds
    parts = []
    for turn in range(floor((west + 180) / 360), floor((east + 180) / 360) + 1):
        part = translate(polygon, xoff=-360.0 * turn).intersection(box(-180, -90, 180, 90))
        parts += [piece for piece in getattr(part, "geoms", [part]) if piece.area > 0]
    whole = union_all(parts)  # what surrounds a pole was opened along a meridian
    shape = orient(whole) if isinstance(whole, Polygon) else MultiPolygon([orient(piece) for piece in whole.geoms])
    geometry = mapping(shape)
    found = {"type": geometry["type"], "coordinates": _rounded(geometry["coordinates"])}
    if east - west >= 360:  # noqa: PLR2004 - degrees all around
        return found, (-180.0, round(south, _DECIMALS), 180.0, round(north, _DECIMALS))
    west, east = (west + 180) % 360 - 180, 180 - (180 - east) % 360
    return found, (
        round(west, _DECIMALS),
        round(south, _DECIMALS),
        round(east, _DECIMALS),
        round(north, _DECIMALS),
    )


def union(boxes: Sequence[BBox]) -> BBox:
    """Return the smallest bounding box that holds all of `boxes`, across the antimeridian if that is smaller.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not boxes:
        raise ValueError("no bounding boxes to unite")
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    cut = [
        part
        for west, _, east, _ in boxes
        for part in ([(west, east)] if west <= east else [(west, 180.0), (-180.0, east)])
    ]
    spans: list[tuple[float, float]] = []
    for west, east in sorted(cut):
        if spans and west <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], east))
        else:
            spans.append((west, east))
    # The box leaves out the widest gap between neighbours on the circle.
    after = [*spans[1:], (spans[0][0] + 360, 0.0)]
    gaps = [following[0] - span[1] for span, following in zip(spans, after, strict=True)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    if gaps[widest] <= 0:
        return -180.0, south, 180.0, north
    return spans[(widest + 1) % len(spans)][0], south, spans[widest][1], north


def _outline(geobox: GeoBox) -> list[tuple[float, float]] | None:
    """Return the outline in degrees, longitudes running on past 180 rather than jumping."""
    if geobox.crs is None:
        return None
    rows, columns = geobox.shape
    steps = np.arange(_SEGMENTS) / _SEGMENTS
    zero, one = np.zeros(_SEGMENTS), np.ones(_SEGMENTS)
    across = np.concatenate([steps, one, 1 - steps, zero]) * columns
    down = np.concatenate([zero, steps, one, 1 - steps]) * rows
    a, b, c, d, e, f = geobox.transform[:6]
    x, y = a * across + b * down + c, d * across + e * down + f
    crs = rasterio.CRS.from_user_input(geobox.crs.to_wkt())
    try:
        longitude, latitude = transform(crs, "OGC:CRS84", x.tolist(), y.tolist())
    except rasterio.errors.RasterioError:
        return None
    if not all(map(isfinite, [*longitude, *latitude])):
        return None
    ring = [(longitude[0], latitude[0])]
    for here, up in zip([*longitude[1:], longitude[0]], [*latitude[1:], latitude[0]], strict=True):
        before = ring[-1][0]
        ring.append((before + (here - before + 180) % 360 - 180, up))
    if abs(ring[-1][0] - ring[0][0]) < 180:  # noqa: PLR2004 - back where it began, rounding aside
        ring[-1] = ring[0]
    else:  # it went around: a pole lies within
        pole = 90.0 if np.mean(latitude) > 0 else -90.0
        ring += [(ring[-1][0], pole), (ring[0][0], pole)]
    return ring


def _rounded(coordinates: Any) -> Any:  # noqa: ANN401 - GeoJSON nests as deep as it likes
    """Return GeoJSON coordinates as lists of rounded degrees."""
    if isinstance(coordinates, float):
        return round(coordinates, _DECIMALS)
    return [_rounded(part) for part in coordinates]
