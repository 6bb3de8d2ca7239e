"""Samples are divided into train, val and test so that no ground is in two of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hlsmask.errors import DatasetError, UsageError
from hlsmask.masks import Mask
from hlsmask.samples.division.balancing import Groups, balance
from hlsmask.samples.division.ground import NONE, Ground
from hlsmask.samples.division.shares import Shares
from hlsmask.samples.sample import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from hlsmask.samples.division.shares import By
    from hlsmask.samples.sample import Record

SLACK: Final = 0.05
"""How far shares may be from what was asked before tiles or blocks that share ground are taken apart."""

_SAMPLES_WEIGH: Final = 4.0
"""The number of samples counts as much as so many of the ten counts of pixels (a mask is there, is not there)."""

_UNASKED: Final = 1e-3
"""Share of a split that is not asked for but has samples already: no others are to join it."""


@dataclass(frozen=True, slots=True)
class Division:
    """Which split each sample is in, and how that came about."""

    splits: tuple[str, ...]
    """`train`, `val`, `test`, or "" for a sample that is left out."""

    groups: int
    """Tiles or blocks; those that were kept together count once."""

    apart: bool
    """Whether tiles or blocks that share ground were taken apart, as the shares could not be met otherwise."""

    left_out: int
    """Samples that are in no split, because they share ground with one of another split."""

    kept: int
    """Samples that had a split already."""

    shared: int
    """Of those, how many share ground with one that has another split."""

    @property
    def reached(self) -> dict[str, float]:
        """Share of each split in the samples that are in one."""
        counts = Counter(split for split in self.splits if split)
        return {split: counts[split] / max(1, counts.total()) for split in SPLITS}


def assign(
    records: Sequence[Record],
    present: NDArray[np.integer] | None = None,
    known: NDArray[np.integer] | None = None,
    *,
    by: By = "tile",
    shares: Shares | None = None,
) -> Division:
    """Divide samples into splits; whole tiles or blocks of ground go to one split.

    MGRS tiles overlap their neighbours, and samples may reach over the edge of a block. Tiles or blocks whose
    samples share ground are kept together, if the shares can be met so; else samples that share ground with one of
    another split are left out: those of `train` first, then those of `val`. So no ground is in two splits.

    A sample without a location goes with its tile, else with the others of its granule, else alone. Samples that
    have a split already keep it, and others go with those around them.

    Parameters
    ----------
    records
        What is known of the samples.
    present, known
        Pixels at which each mask is there, and at which it is known, shape (samples, 5): they are divided evenly
        too, as far as tiles or blocks allow.
    by
        `tile` (MGRS) or `block`.
    shares
        What is asked.

    Returns
    -------
    Division
        It depends on the seed and the samples, not on their order.

    Raises
    ------
    DatasetError
        If there are no samples, or fewer tiles or blocks than splits.
    """
    shares = shares or Shares()
    if by not in ("tile", "block"):
        raise UsageError(f"samples are divided by tile or by block, not by {by!r}")
    if not records:
        raise DatasetError("there are no samples to divide")
    before = np.array([SPLITS.index(record.split) if record.split else NONE for record in records])
    ground = Ground.under(records, by, shares.block_km)
    if (before == NONE).all():
        _check_enough(len(ground.names), by, shares)
    task = _Task(ground, before, _counts(ground, present, known), ground.links(), shares)
    alone = np.arange(len(ground.names))
    together = connected_components(task.links, directed=False)[1].astype(np.int64)

    groups, given = together, None if task.torn(together) else task.divide(together)
    if given is None or (task.off(given) > SLACK and together.max() < alone.max()):
        cut = task.divide(alone)
        if given is None or task.off(cut) < task.off(given):
            groups, given = alone, cut
    splits = ground.guarded(given[ground.groups], before)
    return Division(
        tuple(SPLITS[at] if at != NONE else "" for at in splits),
        groups=int(groups.max()) + 1,
        apart=groups is alone,
        left_out=int((splits == NONE).sum()),
        kept=int((before != NONE).sum()),
        shared=ground.shared(before),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What is to be divided."""

    ground: Ground
    """Groups, and what lies under the samples."""

    before: NDArray[np.int64]
    """Split that each sample has already, or NONE."""

    counts: NDArray[np.int64]
    """What each group holds."""

    links: csr_matrix
    """What it costs to take two groups apart."""

    shares: Shares
    """What is asked."""

    def torn(self, parts: NDArray[np.int64]) -> bool:
        """Say whether groups of one part have different splits already."""
        fixed = self.ground.fixed(self.before)
        had = fixed != NONE
        kinds = set(zip(parts[had].tolist(), fixed[had].tolist(), strict=True))
        return len(kinds) > len({part for part, _ in kinds})

    def divide(self, parts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the split of each group; groups of one part stay together."""
        names, seed = self.ground.names, self.shares.seed
        order = sorted(range(len(names)), key=lambda group: _rank(seed, names[group]))
        turn = {part: at for at, part in enumerate(dict.fromkeys(parts[order].tolist()))}
        to = np.array([turn[part] for part in parts.tolist()])

        fixed = self.ground.fixed(self.before)
        asked = [self.shares.asked.get(split, 0.0) for split in SPLITS]
        used = [at for at, share in enumerate(asked) if share > 0 or (fixed == at).any()]
        pinned = np.full(len(turn), NONE)
        pinned[to[fixed != NONE]] = np.searchsorted(used, fixed[fixed != NONE])

        held = np.zeros((len(turn), self.counts.shape[1]))
        np.add.at(held, to, self.counts)
        ends = self.links.tocoo()
        cross = to[ends.row] != to[ends.col]
        joined = coo_matrix((ends.data[cross], (to[ends.row[cross]], to[ends.col[cross]])), (len(turn), len(turn)))
        weights = np.ones(held.shape[1])
        weights[0] = _SAMPLES_WEIGH
        wanted = np.array([asked[at] or _UNASKED for at in used])
        return np.asarray(np.array(used)[balance(Groups(held, weights, pinned, joined.tocsr()), wanted)][to], np.int64)

    def off(self, given: NDArray[np.int64]) -> float:
        """Return by how much the worst share differs from what was asked; 1 where a split is empty."""
        splits = np.where(self.before == NONE, given[self.ground.groups], self.before)
        reached = {split: float((splits == SPLITS.index(split)).mean()) for split in self.shares.asked}
        if not all(reached.values()):
            return 1.0
        return max(abs(reached[split] - share) for split, share in self.shares.asked.items())


def _check_enough(groups: int, by: By, shares: Shares) -> None:
    """Raise DatasetError if there are fewer groups than splits."""
    if groups >= len(shares.asked):
        return
    splits, few = ", ".join(shares.asked), f"{groups} {by}{'s' if groups > 1 else ''}"
    if by == "tile":
        raise DatasetError(f"{few} cannot be divided into {splits} tile by tile; divide by block, or add other tiles")
    raise DatasetError(
        f"all samples lie in {few} of {shares.block_km:g} km, too few for {splits}; use a smaller --block-km"
    )


def _counts(
    ground: Ground, present: NDArray[np.integer] | None, known: NDArray[np.integer] | None
) -> NDArray[np.int64]:
    """Return for each group the number of samples, and of pixels at which each mask is there, and is not."""
    samples = len(ground.of)
    there = np.zeros((samples, len(Mask)), np.int64) if present is None else np.asarray(present, np.int64)
    told = there if known is None else np.asarray(known, np.int64)
    each = np.concatenate([np.ones((samples, 1), np.int64), there, told - there], axis=1)
    counts = np.zeros((len(ground.names), each.shape[1]), np.int64)
    np.add.at(counts, ground.groups, each)
    return counts


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed} {name}".encode(), digest_size=16).digest()
