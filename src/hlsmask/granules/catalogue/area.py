"""The place that is searched: a box, the shapes of a GeoJSON file, or tiles; also across the antimeridian."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import shapely
from shapely.affinity import translate
from shapely.geometry import Polygon, box, mapping, shape
from shapely.geometry.polygon import orient

from hlsmask.errors import UsageError
from hlsmask.granules.catalogue.tiles import tile_square

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_MOST_VERTICES: Final = 40
"""Of a shape that is sent to a service: it travels in a URL, and CMR refuses long ones."""
_NEAR: Final = 1.0
"""Degrees, about a tile: shapes closer than this are searched for at once."""
_LEAST_WIDE: Final = 180.0
"""Degrees: a granule that seems wider crosses the antimeridian, with longitudes that jump."""
_NARROW: Final = 3.0
"""Degrees: CMR draws edges as great circles, which leave the parallel by less than `_MARGIN` within this width."""
_MARGIN: Final = 0.02
"""Degrees around a shape that is sent."""
_WORLD: Final = box(-180, -90, 180, 90)
_DECIMALS: Final = 6
_REMEDY: Final = "make it so with: ogr2ogr -t_srs EPSG:4326 area.geojson FILE"


@dataclass(frozen=True, slots=True)
class Area:
    """A place on Earth in longitude and latitude (WGS 84), cut at the antimeridian as RFC 7946 wants it."""

    shape: Any
    """A shapely geometry within -180 to 180 and -90 to 90 degrees."""

    plain: bool = False
    """It is a box, or two on both sides of the antimeridian."""

    @classmethod
    def from_bbox(cls, bbox: tuple[float, float, float, float]) -> Area:
        """Return the box west, south, east, north; west > east where the antimeridian lies within.

        Raises
        ------
        UsageError
            If it is no box.
        """
        west, south, east, north = bbox
        wrong = ""
        if not all(map(isfinite, bbox)) or not (-180 <= west <= 180 and -180 <= east <= 180):  # noqa: PLR2004 - degrees
            wrong = "longitudes lie from -180 to 180"
        elif not (-90 <= south <= 90 and -90 <= north <= 90):  # noqa: PLR2004 - degrees
            wrong = "latitudes lie from -90 to 90"
        elif south > north:
            wrong = "its south lies above its north"
        if wrong:
            raise UsageError(f"--bbox is {' '.join(f'{value:g}' for value in bbox)}, but {wrong}; use W S E N")
        parts = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        return cls(shapely.union_all([box(left, south, right, north) for left, right in parts]), plain=True)

    @classmethod
    def from_geojson(cls, path: Path) -> Area:
        """Return the shapes of a GeoJSON file: a geometry, a Feature or a FeatureCollection.

        Raises
        ------
        UsageError
            If it cannot be read, holds no shape, or is not in degrees.
        """
        try:
            content = json.loads(path.read_bytes())
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise UsageError(f"{path} is not GeoJSON; {_REMEDY}") from error
        _check_crs(content, path)
        try:
            shapes = [shapely.force_2d(shape(geometry)) for geometry in _geometries(content)]
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
            raise UsageError(f"{path} holds a shape that is not GeoJSON: {error}") from error
        shapes = [each for each in shapes if not each.is_empty]
        if not shapes:
            raise UsageError(f"{path} holds no shape; it needs a geometry, a Feature or a FeatureCollection")
        bounds = [value for each in shapes for value in each.bounds]
        longitudes, latitudes = bounds[0::2], bounds[1::2]
        if not all(map(isfinite, bounds)) or max(map(abs, longitudes)) > 360 or max(map(abs, latitudes)) > 90:  # noqa: PLR2004 - degrees
            raise UsageError(
                f"{path} is not in longitude and latitude: it reaches {max(map(abs, bounds)):g}; {_REMEDY}"
            )
        return cls(_on_globe(shapely.union_all([shapely.make_valid(each) for each in shapes])))

    @classmethod
    def from_tiles(cls, tiles: Iterable[str]) -> Area:
        """Return the squares of MGRS tiles."""
        return cls(shapely.union_all([_on_globe(tile_square(tile)) for tile in tiles]))

    def searches(self) -> Iterator[dict[str, Any]]:
        """Yield what to ask a STAC service for, `bbox` or `intersects`, so that all that meets the area is found.

        More may be: narrow shapes are sent as the hull around them, wide ones as a box. `meets` sorts that out.
        """
        if self.plain:
            for part in getattr(self.shape, "geoms", [self.shape]):
                yield {"bbox": list(part.bounds)}
            return
        parts = list(getattr(self.shape, "geoms", [self.shape]))
        nearby = shapely.union_all([part.buffer(_NEAR / 2, quad_segs=2) for part in parts])
        for group in getattr(nearby, "geoms", [nearby]):
            within = [part for part in parts if group.intersects(part)]
            yield _around(shapely.union_all(within))

    def meets(self, item: Mapping[str, Any]) -> bool:
        """Say whether a STAC Item lies in the area, at least in part; one without a place does."""
        place = _place(item)
        return place is None or bool(self.shape.intersects(place))


def _around(within: Any) -> dict[str, Any]:  # noqa: ANN401 - shapely has no types
    """Return what to ask for all around a shape: its hull, counter-clockwise as CMR demands, or its box."""
    whole = within.buffer(_MARGIN, cap_style="square", join_style="mitre").intersection(_WORLD)
    west, _, east, _ = whole.bounds
    if east - west > _NARROW:
        return {"bbox": [round(value, _DECIMALS) for value in whole.bounds]}
    hull = whole.convex_hull
    if shapely.get_num_coordinates(hull) > _MOST_VERTICES:
        hull = whole.envelope
    text = json.dumps(mapping(orient(hull)))
    return {"intersects": json.loads(text, parse_float=lambda number: round(float(number), _DECIMALS))}


def _on_globe(geometry: Any) -> Any:  # noqa: ANN401 - as above
    """Return a geometry whose longitudes run past 180 degrees, cut at the antimeridian."""
    west, _, east, _ = geometry.bounds
    if west >= -180 and east <= 180:  # noqa: PLR2004 - degrees
        return geometry
    return shapely.union_all([translate(geometry, xoff=turn).intersection(_WORLD) for turn in (-360, 0, 360)])


def _place(item: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Return where an Item lies; None where it does not say so."""
    try:
        if item.get("geometry"):
            found = shapely.make_valid(shape(item["geometry"]))
        else:
            west, south, east, north = item["bbox"]
            found = box(west, south, east if west <= east else east + 360, north)
    except (ValueError, TypeError, LookupError, AttributeError, shapely.errors.ShapelyError):
        return None
    if found.is_empty or not all(map(isfinite, found.bounds)):
        return None
    west, _, east, _ = found.bounds
    if found.geom_type == "Polygon" and east - west > _LEAST_WIDE:
        corners = [(x + 360 if x < 0 else x, y) for x, y, *_ in found.exterior.coords]
        found = shapely.make_valid(Polygon(corners))
    return _on_globe(found)


def _geometries(content: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON
    """Yield the geometries in a GeoJSON value."""
    kind = content.get("type")
    if kind == "FeatureCollection":
        for feature in content["features"]:
            yield from _geometries(feature)
    elif kind == "Feature":
        if content.get("geometry"):
            yield content["geometry"]
    else:
        yield content


def _check_crs(content: Any, path: Path) -> None:  # noqa: ANN401 - JSON
    """Refuse a file that says it is in other coordinates, as GeoJSON before RFC 7946 could."""
    if not isinstance(content, dict):
        raise UsageError(f"{path} is not GeoJSON; it needs a geometry, a Feature or a FeatureCollection")
    crs = content.get("crs")
    name = str(crs.get("properties", {}).get("name", "")) if isinstance(crs, dict) else ""
    if name and not name.upper().endswith(("CRS84", ":4326", "WGS84", "WGS 84")):
        raise UsageError(f"{path} is in {name}, not in longitude and latitude; {_REMEDY}")
