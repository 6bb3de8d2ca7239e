"""Where samples lie on Earth, and which of them share ground."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, cos, floor, isfinite, pi, radians
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import numpy as np
import rasterio
import shapely
from rasterio.errors import CRSError
from rasterio.warp import transform
from scipy.spatial import cKDTree

from hlsmask.errors import DatasetError
from hlsmask.granules.layers import GDAL_ERRORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PIXEL: Final = 30.0
"""Metres between the pixels of HLS v2.0."""

EARTH: Final = 6371.0
"""Mean radius, km."""

_DEGREES: Final = "OGC:CRS84"
_DECIMALS: Final = 9
"""Of longitudes: a turn around the Earth costs more digits than that."""
_SEGMENTS: Final = 8
"""Pieces of each side of an outline; seen from the neighbouring zone a side bends by less than a pixel between them."""

_ACROSS: Final = (0.0, 1.0, 1.0, 0.0, 0.5)
_DOWN: Final = (0.0, 0.0, 1.0, 1.0, 0.5)
"""The corners and the middle of a square, in sides."""

_TOUCH: Final = 1.0
"""Metres by which squares of one CRS must overlap to share ground; neighbours that share an edge do not."""


@dataclass(frozen=True, slots=True, order=True)
class Square:
    """The ground of a sample."""

    crs: str
    """Such as `EPSG:32613`; its units are metres."""

    left: float
    """Left edge."""

    top: float
    """Top edge."""

    side: float
    """Metres."""

    def outline(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x and y around it, clockwise from the upper left corner, without coming back to it."""
        steps = np.arange(_SEGMENTS) / _SEGMENTS
        zero, one = np.zeros(_SEGMENTS), np.ones(_SEGMENTS)
        across = np.concatenate([steps, one, 1 - steps, zero])
        down = np.concatenate([zero, steps, one, 1 - steps])
        return self.left + across * self.side, self.top - down * self.side


class Located(Protocol):
    """What knows where a sample lies: a `Record`, or a part of one."""

    @property
    def size(self) -> int:
        """Rows and columns."""

    @property
    def tile(self) -> str:
        """MGRS tile, or ""."""

    @property
    def crs(self) -> str:
        """Such as `EPSG:32613`, or ""."""

    @property
    def left(self) -> float | None:
        """Left edge in the CRS."""

    @property
    def top(self) -> float | None:
        """Top edge in the CRS."""

    @property
    def lon(self) -> float | None:
        """Longitude of the middle, degrees."""

    @property
    def lat(self) -> float | None:
        """Latitude of the middle, degrees."""


def square_of(record: Located) -> Square | None:
    """Return the ground of a sample; None where the record does not tell, or tells what cannot be.

    A record that knows only the middle is taken to lie along the axes of the UTM zone of its tile, or else of its
    longitude, as samples that were cut from HLS granules do.

    Raises
    ------
    DatasetError
        If the record names a CRS that there is not.
    """
    side = record.size * PIXEL
    if record.crs and _is_known(record.left, record.top) and not _crs(record.crs).is_geographic:
        return Square(record.crs, cast("float", record.left), cast("float", record.top), side)
    if record.lon is None or record.lat is None or not (abs(record.lon) <= 360 and abs(record.lat) <= 90):  # noqa: PLR2004 - degrees
        return None
    zone = int(record.tile[:2]) if record.tile[:2].isdecimal() else 0
    if not 1 <= zone <= 60:  # noqa: PLR2004 - UTM
        zone = floor((record.lon + 180) / 6) % 60 + 1
    crs = f"EPSG:{(32600 if record.lat >= 0 else 32700) + zone}"
    try:
        (x,), (y,) = transform(_DEGREES, crs, [record.lon], [record.lat])
    except GDAL_ERRORS:  # the other side of the Earth
        return None
    return Square(crs, x - side / 2, y + side / 2, side) if _is_known(x, y) else None


def _is_known(*values: float | None) -> bool:
    return all(value is not None and isfinite(value) for value in values)


def on_earth(squares: Sequence[Square]) -> NDArray[np.bool_]:
    """Say of each square whether its corners and its middle are places on Earth."""
    found = np.zeros(len(squares), np.bool_)
    for crs, members in _by_crs(squares).items():
        x = np.array([[squares[at].left + squares[at].side * part for part in _ACROSS] for at in members])
        y = np.array([[squares[at].top - squares[at].side * part for part in _DOWN] for at in members])
        try:
            places = np.array(transform(_crs(crs), _DEGREES, x.ravel(), y.ravel()))
        except GDAL_ERRORS:  # one of them, or the CRS
            found[members] = len(members) > 1 and [bool(on_earth([squares[at]])[0]) for at in members]
        else:
            found[members] = np.isfinite(places).reshape(2, len(members), -1).all(axis=(0, 2))
    return found


@lru_cache(maxsize=256)
def _crs(name: str) -> Any:  # noqa: ANN401 - rasterio has no types
    try:
        with rasterio.Env():  # else GDAL itself prints what is wrong
            return rasterio.CRS.from_user_input(name)
    except CRSError as error:
        raise DatasetError(
            f"a sample names the CRS {name!r}, which does not exist; use one such as EPSG:32613"
        ) from error


def middles(squares: Sequence[Square]) -> NDArray[np.float64]:
    """Return longitude and latitude of the middle of each square, degrees, shape (n, 2)."""
    places = np.empty((len(squares), 2))
    for crs, members in _by_crs(squares).items():
        x = [squares[at].left + squares[at].side / 2 for at in members]
        y = [squares[at].top - squares[at].side / 2 for at in members]
        places[members] = np.transpose(transform(_crs(crs), _DEGREES, x, y))
    return places


def block_of(lon: float, lat: float, km: float) -> str:
    """Return the name of the block, about `km` wide and high and of much the same area everywhere, of a place.

    Blocks lie in rows of one height between the poles; each row is cut into equal parts from the antimeridian on.
    """
    rows = ceil(pi * EARTH / km)
    row = min(floor((lat + 90) / 180 * rows), rows - 1)
    middle = radians((row + 0.5) / rows * 180 - 90)
    columns = max(1, round(2 * pi * EARTH * cos(middle) / km))
    column = floor(round((lon + 180) % 360, _DECIMALS) / 360 * columns) % columns
    return f"{km:g} km, row {row}, column {column}"


def overlapping(squares: Sequence[Square]) -> NDArray[np.int64]:
    """Return which squares share ground: pairs of their places in the sequence, the lower first, shape (n, 2).

    In one CRS they do if they overlap by more than a metre; those of different CRSs, if they are less than a pixel
    apart.
    """
    if len(squares) < 2:  # noqa: PLR2004 - a pair
        return np.empty((0, 2), np.int64)
    near = _near(squares)
    crs = np.array([square.crs for square in squares])
    left = np.array([square.left for square in squares])
    top = np.array([square.top for square in squares])
    side = np.array([square.side for square in squares])
    one, other = near[:, 0], near[:, 1]
    across = np.minimum(left[one] + side[one], left[other] + side[other]) - np.maximum(left[one], left[other])
    down = np.minimum(top[one], top[other]) - np.maximum(top[one] - side[one], top[other] - side[other])
    same = crs[one] == crs[other]
    shared = same & (across > _TOUCH) & (down > _TOUCH)
    shared[~same] = _meet(squares, near[~same])
    return np.asarray(near[shared], np.int64)


def _near(squares: Sequence[Square]) -> NDArray[np.int64]:
    """Return pairs that may share ground: whose circumscribed circles on the globe meet, or nearly."""
    corners = np.empty((len(squares), 4, 3))
    for crs, members in _by_crs(squares).items():
        rings = np.array([np.transpose(squares[at].outline())[::_SEGMENTS] for at in members]).reshape(-1, 2)
        lon, lat = np.radians(transform(_crs(crs), _DEGREES, rings[:, 0], rings[:, 1]))
        sphere = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
        corners[members] = EARTH * sphere.reshape(-1, 4, 3)
    centre = corners.mean(axis=1)
    reach = np.linalg.norm(corners - centre[:, None], axis=2).max(axis=1) * 1.02 + 2 * PIXEL / 1000
    pairs = cKDTree(centre).query_pairs(2 * reach.max(), output_type="ndarray").astype(np.int64).reshape(-1, 2)
    pairs.sort(axis=1)
    apart = np.linalg.norm(centre[pairs[:, 0]] - centre[pairs[:, 1]], axis=1)
    close = pairs[apart <= reach[pairs].sum(axis=1)]
    return np.asarray(close[np.lexsort(close.T[::-1])], np.int64)


def _meet(squares: Sequence[Square], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of pairs of different CRSs whether they come within a pixel of one another, seen in the CRS of the first."""
    met = np.zeros(len(pairs), np.bool_)
    kinds = defaultdict(list)
    for at, (one, other) in enumerate(pairs):
        kinds[squares[one].crs, squares[other].crs].append(at)
    for (here, there), members in kinds.items():
        rings = np.array([np.transpose(squares[pairs[at, 1]].outline()) for at in members])
        x, y = transform(_crs(there), _crs(here), rings[..., 0].ravel(), rings[..., 1].ravel())
        seen = np.stack([x, y], axis=-1).reshape(rings.shape)
        firsts = [squares[pairs[at, 0]] for at in members]
        left, top, side = np.array([(first.left, first.top, first.side) for first in firsts]).T
        boxes = shapely.box(left - PIXEL, top - side - PIXEL, left + side + PIXEL, top + PIXEL)
        met[members] = shapely.intersects(boxes, shapely.polygons(seen))
    return met


def _by_crs(squares: Sequence[Square]) -> dict[str, list[int]]:
    members = defaultdict(list)
    for at, square in enumerate(squares):
        members[square.crs].append(at)
    return members
