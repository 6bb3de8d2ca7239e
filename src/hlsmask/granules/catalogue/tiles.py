"""Where an MGRS tile lies: from its name to a place on Earth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rasterio.warp import transform
from shapely.geometry import Polygon

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BANDS: Final = "CDEFGHJKLMNPQRSTUVWX"
"""Latitude bands from 80 degrees south, 8 degrees each (the last has 12); I and O are left out."""
_COLUMNS: Final = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
"""Columns of 100 km, in a cycle of three zones (NGA.STND.0037, the MGRS lettering for WGS 84)."""
_ROWS: Final = "ABCDEFGHJKLMNPQRSTUV"
"""Rows of 100 km, a cycle of 2000 km; even zones begin at F."""
_SQUARE: Final = 100_000
"""Metres."""
_STEPS: Final = 5
"""Points on each side of the outline."""
_SLACK: Final = 1.5
"""Degrees that the middle of a square may lie beyond its band: a square on the border has the name of one."""


def tile_square(name: str) -> Polygon:
    """Return the outline of the 100 km square of a tile in degrees; longitudes may run past 180.

    The tile itself reaches 9.8 km further to the east and to the south.

    Raises
    ------
    UsageError
        If there is no such tile.
    """
    zone, band, column, row = int(name[:2]), name[2], name[3], name[4]
    columns = _COLUMNS[(zone - 1) % 3]
    if column not in columns:
        raise UsageError(f"there is no MGRS tile {name}: zone {zone} has the columns {columns}")
    easting = (columns.index(column) + 1) * _SQUARE
    first = (_ROWS.index(row) - (0 if zone % 2 else 5)) % len(_ROWS) * _SQUARE
    north = band >= "N"
    crs = f"EPSG:{326 if north else 327}{zone:02}"
    south = -80 + 8 * _BANDS.index(band)
    top = south + (12 if band == "X" else 8)
    for northing in range(first, 10_000_000, 2_000_000):
        middle = transform(crs, "OGC:CRS84", [easting + _SQUARE / 2], [northing + _SQUARE / 2])[1][0]
        if south - _SLACK <= middle <= top + _SLACK:
            return Polygon(_outline(crs, easting, northing))
    raise UsageError(f"there is no MGRS tile {name}: band {band} of zone {zone} has no row {row}")


def _outline(crs: str, easting: int, northing: int) -> Iterator[tuple[float, float]]:
    at = [step * _SQUARE / _STEPS for step in range(_STEPS)]
    back = [_SQUARE - step for step in at]
    zero, full = [0.0] * _STEPS, [float(_SQUARE)] * _STEPS
    x = [easting + step for step in (*at, *full, *back, *zero)]
    y = [northing + step for step in (*zero, *at, *full, *back)]
    longitudes, latitudes = transform(crs, "OGC:CRS84", x, y)
    for longitude, latitude in zip(longitudes, latitudes, strict=True):
        yield longitudes[0] + (longitude - longitudes[0] + 180) % 360 - 180, latitude
