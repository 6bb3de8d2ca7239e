"""Samples in groups (tiles or blocks), and which of them share ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import coo_matrix

from hlsmask.samples.division.footprints import block_of, middles, on_earth, overlapping, square_of
from hlsmask.samples.sample import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from hlsmask.samples.division.footprints import Square
    from hlsmask.samples.division.shares import By
    from hlsmask.samples.sample import Record

NONE: Final = -1
"""Stands for no split where splits are numbered as in `SPLITS`."""

_TILE_KM: Final = 100.0
"""Width and height of MGRS tiles, for samples that name none."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Samples on one square of one group are one node. Groups and nodes do not depend on the samples' order."""

    of: NDArray[np.int64]
    """Node of each sample."""

    group: NDArray[np.int64]
    """Group of each node."""

    names: tuple[str, ...]
    """Name of each group."""

    known: NDArray[np.int64]
    """Nodes of which it is known where they are."""

    overlaps: NDArray[np.int64]
    """Pairs of nodes that share ground, shape (n, 2)."""

    @classmethod
    def under(cls, records: Sequence[Record], by: By, block_km: float) -> Ground:
        """Return what lies under samples.

        A sample without a location goes with its tile, else with the others of its granule, else alone.
        """
        squares = _squares(records)
        where = iter(middles([square for square in squares if square is not None]).tolist())
        names = [
            _name(record, None if square is None else next(where), by, block_km)
            for record, square in zip(records, squares, strict=True)
        ]
        placed = sorted({(name, square) for name, square in zip(names, squares, strict=True) if square is not None})
        lost = sorted({name for name, square in zip(names, squares, strict=True) if square is None})
        nodes = {node: at for at, node in enumerate([*placed, *((name, None) for name in lost)])}
        groups = {name: at for at, name in enumerate(sorted(set(names)))}
        return cls(
            np.array([nodes[node] for node in zip(names, squares, strict=True)], np.int64),
            np.array([groups[name] for name, _ in nodes], np.int64),
            tuple(groups),
            np.arange(len(placed)),
            overlapping([square for _, square in placed]),
        )

    @property
    def groups(self) -> NDArray[np.int64]:
        """Group of each sample."""
        return self.group[self.of]

    def links(self) -> csr_matrix:
        """Return about which share of all samples is lost if two groups are in different splits, (groups, groups)."""
        one, other = self.group[self.overlaps].T
        lost = np.bincount(self.of, minlength=len(self.group))[self.overlaps].min(axis=1) / len(self.of)
        cross = one != other
        ends = np.concatenate([one[cross], other[cross]]), np.concatenate([other[cross], one[cross]])
        size = len(self.names)
        return coo_matrix((np.concatenate([lost[cross]] * 2), ends), shape=(size, size)).tocsr()

    def fixed(self, before: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the split that most samples of each group had `before`, NONE where none had any."""
        votes = np.zeros((len(self.names), len(SPLITS)), np.int64)
        had = before != NONE
        np.add.at(votes, (self.groups[had], before[had]), 1)
        return np.where(votes.any(axis=1), votes.argmax(axis=1), NONE)

    def guarded(self, given: NDArray[np.int64], before: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the split of each sample: that of `before`, else the `given` one, NONE where that is not safe.

        It is not where a sample shares ground with one of another split. What was in a split before stays there;
        else `val` gives way to `test`, and `train` to both.
        """
        split = np.full(len(self.group), NONE)
        free = before == NONE
        split[self.of[free]] = given[free]
        around = self._around(before)
        around[np.arange(len(around)), split] = False  # its own split does a node no harm; NONE is not used below
        alive = (split != NONE) & ~around.any(axis=1)
        here, there = self._both_ways()
        for yields in reversed(range(len(SPLITS) - 1)):
            harm = alive[there] & (split[there] > yields) & (split[here] == yields)
            alive[here[harm]] = False
        return np.where(free, np.where(alive[self.of], given, NONE), before)

    def shared(self, before: NDArray[np.int64]) -> int:
        """Return how many samples share ground with one that had another split `before`."""
        had = np.flatnonzero(before != NONE)
        around = self._around(before)[self.of[had]]
        around[np.arange(len(had)), before[had]] = False
        return int(around.any(axis=1).sum())

    def _around(self, before: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which splits the samples on the ground of each node had, shape (nodes, splits)."""
        has = np.zeros((len(self.group), len(SPLITS)), np.bool_)
        had = before != NONE
        has[self.of[had], before[had]] = True
        around = np.zeros_like(has)
        here, there = self._both_ways()
        np.logical_or.at(around, here, has[there])
        return around

    def _both_ways(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return nodes, and beside each one that shares its ground: itself, and the others, from either side."""
        one, other = self.overlaps.T
        return np.concatenate([one, other, self.known]), np.concatenate([other, one, self.known])


def _squares(records: Sequence[Record]) -> list[Square | None]:
    """Return the ground of each sample; None where it is not known, or not on Earth."""
    squares = [square_of(record) for record in records]
    fine = iter(on_earth([square for square in squares if square is not None]).tolist())
    return [square if square is not None and next(fine) else None for square in squares]


def _name(record: Record, middle: Sequence[float] | None, by: By, block_km: float) -> str:
    if by == "block" and middle is not None:
        return block_of(middle[0], middle[1], block_km)
    if record.tile:
        return f"tile {record.tile}"
    if middle is not None:
        return block_of(middle[0], middle[1], _TILE_KM)
    return f"granule {record.granule}" if record.granule else f"sample {record.id}"
