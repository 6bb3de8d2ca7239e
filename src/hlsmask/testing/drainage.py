"""Where rain runs to: routing on a coarse grid of heights, and the valleys that it cuts.

Routing through every pit is the minimum spanning tree of the grid, each edge weighed by its higher end and the
tree rooted outside the outlets: the way down of each node is then the one that has to climb least. Valleys are
cut by the stream-power law, dh/dt = uplift - k A^m S, solved implicitly from the outlets up (Braun & Willett
2013, doi:10.1016/j.geomorph.2012.10.008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Nodes = NDArray[np.float64]

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True, eq=False)
class Drainage:
    """A tree over the nodes of a grid; nodes are kept in an order in which each comes after the one below it."""

    shape: tuple[int, int]
    """Rows and columns of the grid."""

    order: NDArray[np.intp]
    """Flat grid index of each node in that order, the root (outside the grid) left out."""

    below: NDArray[np.intp]
    """Place in the order of the node that each drains to; -1 for outlets."""

    levels: tuple[tuple[int, int], ...]
    """Slices of the order whose nodes are equally many steps from an outlet, from the outlets up."""

    @classmethod
    def of(cls, height: Nodes, outlets: NDArray[np.bool_]) -> Drainage:
        """Route `height` (rows, columns) to the nodes that are `outlets`."""
        rows, cols = height.shape
        index = np.arange(rows * cols, dtype=np.int32).reshape(rows, cols)  # what csgraph works on
        lifted = height - height.min() + 1.0
        first, second, weight = [], [], []
        for dr, dc in NEIGHBOURS:
            a = (slice(0, rows - dr), slice(max(0, -dc), cols - max(0, dc)))
            b = (slice(dr, rows), slice(max(0, dc), cols + min(0, dc)))
            fall = np.abs(lifted[a] - lifted[b]) / np.hypot(dr, dc)
            first.append(index[a].ravel())
            second.append(index[b].ravel())
            weight.append((np.maximum(lifted[a], lifted[b]) - 1e-4 * fall).ravel())
        out = index[outlets]
        first.append(np.full(out.size, rows * cols, np.int32))
        second.append(out)
        weight.append(np.full(out.size, 1e-3))
        n = rows * cols + 1
        graph = coo_array((np.concatenate(weight), (np.concatenate(first), np.concatenate(second))), shape=(n, n))
        tree = minimum_spanning_tree(graph.tocsr())
        order, parent = breadth_first_order(tree, rows * cols, directed=False)
        rank = np.empty(n, np.intp)
        rank[order] = np.arange(n)
        below = rank[parent[order[1:]]]
        levels, start = [], 0
        while start < n - 1:  # those whose node below comes before `start` are one step further up
            stop = int(np.searchsorted(below, start + 1))
            levels.append((start, stop))
            start = stop
        return cls((rows, cols), order[1:].astype(np.intp), below - 1, tuple(levels))

    def gather(self, grid: Nodes) -> Nodes:
        """Return, for each node of the grid, the sum of `grid` over itself and all that drains through it."""
        total = grid.ravel()[self.order].astype(np.float64)
        for start, stop in reversed(self.levels[1:]):
            np.add.at(total, self.below[start:stop], total[start:stop])
        return self.spread(total)

    def spread(self, values: Nodes) -> Nodes:
        """Return values that are in this tree's order as a grid."""
        grid = np.empty(values.size, values.dtype)
        grid[self.order] = values
        return grid.reshape(self.shape)

    def descend(self, grid: Nodes, pull: Nodes) -> Nodes:
        """Draw each node towards the one below it, `pull` times as hard as it stays, from the outlets up."""
        height, strength = grid.ravel()[self.order], pull.ravel()[self.order]
        for start, stop in self.levels[1:]:
            here = slice(start, stop)
            height[here] = (height[here] + strength[here] * height[self.below[here]]) / (1 + strength[here])
        return self.spread(height)

    @property
    def receivers(self) -> NDArray[np.intp]:
        """Flat grid index that each node of the grid (flat) drains to; -1 for outlets."""
        to = np.full(self.order.size, -1, np.intp)
        inner = self.below >= 0
        to[self.order[inner]] = self.order[self.below[inner]]
        return to


def erode(height: Nodes, uplift: Nodes, outlets: NDArray[np.bool_], rain: Nodes, rounds: int = 14) -> Nodes:
    """Return heights, in the unit of `height`, after `rounds` of uplift and running water.

    `rain` (nodes of area, 1 away from inlets) lets a river enter from outside.
    """
    for _ in range(rounds):
        height = height + np.where(outlets, 0.0, uplift)
        tree = Drainage.of(height, outlets)
        height = tree.descend(height, 0.22 * tree.gather(rain) ** 0.6)
        height = np.where(outlets, height, gaussian_filter(height, 0.9))
    return height
