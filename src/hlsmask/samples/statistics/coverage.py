"""Where and when samples are from: sensors, months, tiles, places, and places that two splits share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Self

from hlsmask.errors import DatasetError
from hlsmask.samples.division.footprints import overlapping, square_of
from hlsmask.samples.sample import SPLITS

if TYPE_CHECKING:
    from hlsmask.samples.sample import Record


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

        Of places that are not known, or in a CRS that there is not, nothing can be said.
        """
        places, squares = [], []
        for place in self.places:
            try:
                square = square_of(place) if place.split else None
            except DatasetError:
                continue
            if square is not None:
                places.append(place)
                squares.append(square)
        lying: dict[tuple[str, str], set[Place]] = {}
        for one, other in overlapping(squares):
            first, second = sorted((places[one], places[other]), key=lambda place: _rank(place.split))
            if first.split != second.split:
                lying.setdefault((first.split, second.split), set()).add(second)
        found = []
        for (first_split, second_split), both in sorted(lying.items(), key=lambda entry: tuple(map(_rank, entry[0]))):
            tiles = tuple(sorted({place.tile for place in both if place.tile}))
            found.append(Shared(first_split, second_split, sum(self.places[place] for place in both), tiles))
        return found


def _rank(split: str) -> tuple[int, str]:
    """Return the place of a split among all: train, val, test, then others by name."""
    return (SPLITS.index(split) if split in SPLITS else len(SPLITS), split)


def _utc(time: datetime | None) -> datetime | None:
    """Return a time that can be compared with others: one without a zone is UTC."""
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
