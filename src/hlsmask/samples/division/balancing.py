"""Groups are given to splits so that the splits have the shares that were asked for, of everything that is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

SWEEPS: Final = 30
"""Times that all groups are looked at again, at most; a few are enough."""

SWAPS: Final = 400
"""Up to so many groups are also tried in each other's place; beyond, single ones are small enough."""

_GAIN: Final = 1e-9
"""What a change must gain: no less than rounding loses."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """What is to be divided; groups in the order in which they are dealt out."""

    counts: NDArray[np.float64]
    """What each group holds of each thing that is counted, shape (groups, things)."""

    weights: NDArray[np.float64]
    """How much each thing matters."""

    fixed: NDArray[np.int64]
    """The split that a group is in already, or -1."""

    links: csr_matrix
    """Cost of having two groups in different splits, symmetric, shape (groups, groups)."""


class _State:
    """Who is where, and what it costs."""

    def __init__(self, groups: Groups, shares: NDArray[np.float64]) -> None:
        total = groups.counts.sum(axis=0)
        there = total > 0
        self.parts = groups.counts[:, there] / total[there]
        self.weights = groups.weights[there]
        self.shares = shares[:, None]
        self.links = groups.links
        self.at = np.full(len(groups.counts), -1)
        self.held = np.zeros((len(shares), self.parts.shape[1]))
        self.linked = np.zeros((len(groups.counts), len(shares)))
        self.members = np.zeros(len(shares), np.int64)
        for group in np.flatnonzero(groups.fixed >= 0):
            self.put(int(group), int(groups.fixed[group]))

    def put(self, group: int, split: int) -> None:
        """Move a group into a split."""
        row = self.links[group]
        before = self.at[group]
        for where, sign in ((before, -1.0), (split, 1.0)):
            if where >= 0:
                self.held[where] += sign * self.parts[group]
                self.linked[row.indices, where] += sign * row.data
                self.members[where] += int(sign)
        self.at[group] = split

    def misfit(self, held: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each split, shape (..., splits, things), is from its share, weighted, shape (..., splits)."""
        return np.asarray(((held - self.shares) ** 2 / self.shares) @ self.weights)

    def gains_of_moves(self, group: int) -> NDArray[np.float64]:
        """Return what is gained by moving a group to each split."""
        here = self.at[group]
        now = self.misfit(self.held)
        more = self.misfit(self.held + self.parts[group])
        gains: NDArray[np.float64] = now - more + self.linked[group]
        if here >= 0:
            less = ((self.held[here] - self.parts[group] - self.shares[here]) ** 2 / self.shares[here]) @ self.weights
            gains += now[here] - less - self.linked[group, here]
            gains[here] = 0
        return gains

    def gains_of_swaps(self, group: int, others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what is gained by swapping a group with each of `others`, which are in other splits."""
        here, there = self.at[group], self.at[others]
        change = self.parts[others] - self.parts[group]
        one = self.held[here] + change
        other = self.held[there] - change
        cost = ((one - self.shares[here]) ** 2 / self.shares[here]) @ self.weights
        cost += ((other - self.shares[there]) ** 2 / self.shares[there]) @ self.weights
        now = self.misfit(self.held)
        rows = self.links[group].toarray()[0][others]
        loosened = self.linked[group, there] - self.linked[group, here]
        loosened = loosened + self.linked[others, here] - self.linked[others, there] - 2 * rows
        gains: NDArray[np.float64] = now[here] + now[there] - cost + loosened
        return gains


def balance(groups: Groups, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the split of each group, none of them empty if there are groups enough.

    Groups are dealt out one by one to where they are missed most, then moved and swapped while that brings the
    splits nearer to their `shares` (above 0, in all 1) of everything that is counted. The same groups in the same
    order give the same answer.
    """
    state = _State(groups, shares)
    free = np.flatnonzero(groups.fixed < 0)
    for group in free:
        state.put(int(group), int(np.argmax(state.gains_of_moves(int(group)))))
    _fill_empty(state, free)
    for _ in range(SWEEPS):
        changed = False
        for group in free:
            changed |= _move(state, int(group))
        if len(free) <= SWAPS:
            for group in free:
                changed |= _swap(state, int(group), free)
        if not changed:
            break
    return state.at


def _move(state: _State, group: int) -> bool:
    if state.members[state.at[group]] == 1:
        return False
    gains = state.gains_of_moves(group)
    best = int(np.argmax(gains))
    if gains[best] <= _GAIN:
        return False
    state.put(group, best)
    return True


def _swap(state: _State, group: int, free: NDArray[np.int64]) -> bool:
    others = free[state.at[free] != state.at[group]]
    if not len(others):
        return False
    gains = state.gains_of_swaps(group, others)
    best = int(np.argmax(gains))
    if gains[best] <= _GAIN:
        return False
    other = int(others[best])
    here, there = int(state.at[group]), int(state.at[other])
    state.put(group, there)
    state.put(other, here)
    return True


def _fill_empty(state: _State, free: NDArray[np.int64]) -> None:
    """Give each empty split the group that costs least to give."""
    for split in np.flatnonzero(state.members == 0):
        spare = [int(group) for group in free if state.members[state.at[group]] > 1]
        if spare:
            gains = [state.gains_of_moves(group)[split] for group in spare]
            state.put(spare[int(np.argmax(gains))], int(split))
