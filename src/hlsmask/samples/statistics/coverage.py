"""Where and when samples are from: sensors, months, tiles, places, and places that two splits share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np
from scipy.spatial import cKDTree

from hlsmask.samples.sample import SPLITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.samples.sample import Record

PIXEL: Final = 30.0
"""Metres of a pixel of HLS (HLS v2.0 User Guide)."""

EARTH: Final = 6_371_000.0
"""Mean radius of the earth in metres (IUGG)."""

_RIM: Final = 0.95
"""Squares of two UTM zones are turned against each other by a few degrees: those that only touch must not count."""


class Kind(NamedTuple):
    """What many samples have in common."""

    split: str
    sensor: str
    platform: str
    month: str
    """Such as `2024-07`; "" where the time is not known."""
    size: int
    source: str
    terrain_shadow: str


class Place(NamedTuple):
    """A square on the ground, in one split."""

    split: str
    tile: str
    crs: str
    left: float | None
    top: float | None
    lon: float | None
    lat: float | None
    size: int


class Shared(NamedTuple):
    """What of one split lies in another."""

    first: str
    """A split."""
    second: str
    """Another."""
    samples: int
    """Samples of the second that lie, wholly or in part, on ground that the first has too."""
    tiles: tuple[str, ...]
    """Tiles of these samples, in order."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of samples by what is known of them; two of them add."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    """Samples of each kind."""

    places: Counter[Place] = field(default_factory=Counter)
    """Samples at each place."""

    granules: frozenset[str] = frozenset()
    """Granules that samples were cut from, where known."""

    first: datetime | None = None
    """Earliest acquisition."""

    last: datetime | None = None
    """Latest acquisition."""

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return what one sample covers."""
        time = _utc(record.time)
        month = "" if time is None else f"{time:%Y-%m}"
        kind = Kind(
            record.split,
            record.sensor,
            record.platform,
            month,
            record.size,
            record.source,
            record.terrain_shadow,
        )
        place = Place(
            record.split,
            record.tile,
            record.crs,
            record.left,
            record.top,
            record.lon,
            record.lat,
            record.size,
        )
        granules = frozenset([record.granule] if record.granule else [])
        return cls(Counter([kind]), Counter([place]), granules, time, time)

    def __add__(self, other: Coverage) -> Coverage:
        first = [time for time in (self.first, other.first) if time is not None]
        last = [time for time in (self.last, other.last) if time is not None]
        return Coverage(
            self.kinds + other.kinds,
            self.places + other.places,
            self.granules | other.granules,
            min(first, default=None),
            max(last, default=None),
        )

    def count(self, *names: str) -> dict[tuple[str, ...], int]:
        """Return how many samples there are of each combination of fields of `Kind`, in order."""
        counts: Counter[tuple[str, ...]] = Counter()
        for kind, number in self.kinds.items():
            counts[tuple(str(getattr(kind, name)) for name in names)] += number
        return dict(sorted(counts.items()))

    def tiles(self) -> dict[str, Counter[str]]:
        """Return, for each tile in order, how many samples each split has there; the tile "" is not known."""
        counts: dict[str, Counter[str]] = {}
        for place, number in sorted(self.places.items(), key=lambda entry: entry[0].tile):
            counts.setdefault(place.tile, Counter())[place.split] += number
        return counts

    def shared(self) -> list[Shared]:
        """Return what splits share of the ground; samples of no split are left out.

        Squares of one CRS are compared exactly, others by their middles on the globe. Of places whose middle is not
        known nothing can be said.
        """
        splits: dict[str, list[Place]] = {}
        for place in self.places:
            if place.split and place.lon is not None and place.lat is not None:
                splits.setdefault(place.split, []).append(place)
        order = sorted(splits, key=lambda split: (SPLITS.index(split) if split in SPLITS else len(SPLITS), split))
        found = []
        for first, second in combinations(order, 2):
            both = _lying_in(splits[second], splits[first])
            if both:
                tiles = sorted({place.tile for place in both if place.tile})
                found.append(Shared(first, second, sum(self.places[place] for place in both), tuple(tiles)))
        return found


def _utc(time: datetime | None) -> datetime | None:
    """Return a time that can be compared with others: one without a zone is UTC."""
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _lying_in(places: list[Place], others: list[Place]) -> list[Place]:
    """Return those of `places` that overlap one of `others`."""
    tree = cKDTree(_on_globe(others))
    boxes = _Boxes.of(others)
    widest = max(place.size for place in others)
    found = []
    for place, point in zip(places, _on_globe(places), strict=True):
        reach = (place.size + widest) * PIXEL * 0.75  # of two corners that touch: half the sum of the diagonals
        near = np.asarray(tree.query_ball_point(point, reach), np.intp)
        if near.size and boxes.overlap(place, near).any():
            found.append(place)
    return found


def _on_globe(places: list[Place]) -> NDArray[np.float64]:
    """Return the middles of places as x, y, z in metres, shape (n, 3): the antimeridian is no edge there."""
    lon, lat = np.radians(np.array([(place.lon, place.lat) for place in places], np.float64)).T
    return EARTH * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


class _Boxes(NamedTuple):
    """Places as arrays, shape (n,) each; NaN where not known."""

    crs: NDArray[np.str_]
    left: NDArray[np.float64]
    top: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    side: NDArray[np.float64]

    @classmethod
    def of(cls, places: list[Place]) -> Self:
        def numbers(name: str) -> NDArray[np.float64]:
            return np.array([getattr(place, name) for place in places], np.float64)  # None becomes NaN

        return cls(
            np.array([place.crs for place in places]),
            numbers("left"),
            numbers("top"),
            numbers("lon"),
            numbers("lat"),
            numbers("size") * PIXEL,
        )

    def overlap(self, place: Place, near: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of those at `near` overlap `place`, bool of the shape of `near`."""
        mine = place.size * PIXEL
        side = self.side[near]
        rim = _RIM * (mine + side) / 2
        degree = EARTH * np.pi / 180  # metres along a meridian
        east = (self.lon[near] - float(place.lon or 0) + 180) % 360 - 180
        about = (np.abs(east) * degree * np.cos(np.radians(float(place.lat or 0))) < rim) & (
            np.abs(self.lat[near] - float(place.lat or 0)) * degree < rim
        )
        if not place.crs or place.left is None or place.top is None:
            return np.asarray(about)
        left, top = self.left[near], self.top[near]
        exact = (left < place.left + mine) & (place.left < left + side) & (top > place.top - mine)
        exact &= place.top > top - side
        return np.where((self.crs[near] == place.crs) & np.isfinite(left) & np.isfinite(top), exact, about)
