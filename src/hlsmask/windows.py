r"""Integer geometry: windows of a scene, and how a scene is cut into overlapping ones.

Along each axis a scene is read in *tiles* of `size` pixels, each a step of `size - overlap` after the one before, so
that neighbours share `overlap` pixels. What is finished with a tile is its *cell*, as long as a step. Of the shared
pixels the first `ramp` after a cell's edge are blended, the rest is context that is read and thrown away::

    cells      |---- k-1 ----|------ k ------|---- k+1 ----|
    tile k              .....################\\\\.....
                        ^ctx ^ramp up        ^ramp down ^context

At the scene's edges no context is needed: the first and the last cell reach to them. With `ramp = 0` every pixel is
kept from exactly one tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload


def round_up(value: int, unit: int) -> int:
    """Return the least multiple of `unit` that is not below `value`."""
    return -(-value // unit) * unit


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A rectangle of pixels in a scene."""

    row: int
    """First row."""

    col: int
    """First column."""

    height: int
    """Rows."""

    width: int
    """Columns."""

    def __post_init__(self) -> None:
        if self.height < 0 or self.width < 0:
            raise ValueError(f"a window cannot have {self.height} rows and {self.width} columns")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def bottom(self) -> int:
        """One past the last row."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """One past the last column."""
        return self.col + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of these pixels in an array of the whole scene, within which they must lie."""
        return slice(self.row, self.bottom), slice(self.col, self.right)

    def within(self, other: Window) -> tuple[slice, slice]:
        """Return the index of these pixels in an array that holds `other`.

        Raises
        ------
        ValueError
            If `other` does not hold all of them.
        """
        if self & other != self:
            raise ValueError(f"{self} does not lie within {other}")
        top, left = self.row - other.row, self.col - other.col
        return slice(top, top + self.height), slice(left, left + self.width)

    def __and__(self, other: Window) -> Window:
        """Return the pixels that both hold; of no rows or columns where they do not meet."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Window(row, col, max(0, bottom - row), max(0, right - col))

    def pad(self, pixels: int) -> Window:
        """Return this window with `pixels` more on every side (which may lie outside the scene)."""
        return Window(self.row - pixels, self.col - pixels, self.height + 2 * pixels, self.width + 2 * pixels)

    @classmethod
    def of(cls, shape: tuple[int, int]) -> Window:
        """Return the window that holds a whole scene of `shape` (rows, columns)."""
        return cls(0, 0, *shape)


@dataclass(frozen=True, slots=True)
class Tile:
    """What is read, and the cell for which it is read."""

    index: tuple[int, int]
    """Row and column of the cell in the grid of cells."""

    read: Window
    """What is read."""

    keep: Window
    """The cell: what is finished once this tile and those before it are blended."""


@dataclass(frozen=True, slots=True)
class Tiling(Sequence[Tile]):
    """A scene cut into tiles, row by row of cells; tiles are made when asked for."""

    shape: tuple[int, int]
    """Rows and columns of the scene."""

    size: int
    """Rows and columns that a tile reads, away from the scene's edges."""

    overlap: int = 0
    """Pixels that neighbouring tiles share."""

    ramp: int = 0
    """Of these, pixels that are blended; the others are context. `overlap - ramp` is even."""

    unit: int | None = None
    """Where given, tiles are cut to measure along each axis: no larger than so many of `size` must be, to a multiple of
    this, and the last begins earlier to be as large, so that all of a scene can be taken in arrays of one shape. For
    sizes and overlaps that are multiples of it too, and no ramp."""

    lower: int = 0
    """By how many pixels tiles are lower than wide: so many fewer than `size` are their rows."""

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise ValueError(f"a scene of {self.shape} pixels has nothing to cut")
        rows = self.size - self.lower
        if not (0 <= self.ramp <= self.overlap < rows and self.lower >= 0):
            raise ValueError(f"need 0 <= ramp <= overlap < size, got {self.ramp}, {self.overlap}, {rows} x {self.size}")
        if (self.overlap - self.ramp) % 2:
            raise ValueError(f"overlap - ramp must be even, got {self.overlap} - {self.ramp}")
        if self.ramp > rows - self.overlap:
            raise ValueError(f"a ramp of {self.ramp} does not fit into steps of {rows - self.overlap} pixels")
        lengths = (self.size, self.lower, self.overlap)
        if self.unit is not None and (self.unit < 1 or any(length % self.unit for length in lengths) or self.ramp):
            raise ValueError(
                f"tiles of {rows} x {self.size} that share {self.overlap}, of which {self.ramp} are blended, "
                f"are not cut to multiples of {self.unit}"
            )

    @property
    def context(self) -> int:
        """Pixels around a cell and its ramps that are read and thrown away."""
        return (self.overlap - self.ramp) // 2

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        rows, cols = (
            max(1, -(-(length - self.overlap) // step)) for length, step in zip(self.shape, self._longest, strict=True)
        )
        return rows, cols

    @property
    def _longest(self) -> tuple[int, int]:
        """Rows and columns of a step that is not cut to measure."""
        return self.size - self.lower - self.overlap, self.size - self.overlap

    @property
    def steps(self) -> tuple[int, int]:
        """Rows and columns from one tile to the next, and of a cell, away from the scene's edges."""
        if self.unit is None:
            return self._longest
        rows, cols = (
            round_up(max(self.unit, -(-(length - self.overlap) // count)), self.unit)
            for length, count in zip(self.shape, self.grid, strict=True)
        )
        return rows, cols

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows and columns that a tile reads, away from the scene's edges."""
        rows, cols = self.steps
        return rows + self.overlap, cols + self.overlap

    def __len__(self) -> int:
        return self.grid[0] * self.grid[1]

    @overload
    def __getitem__(self, index: int) -> Tile: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tile]: ...
    def __getitem__(self, index: int | slice) -> Tile | Sequence[Tile]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"tile {index} of {len(self)}")
        i, j = divmod(index % len(self), self.grid[1])
        rows, cols = self._read(0, i), self._read(1, j)
        kept_rows, kept_cols = self._kept(0, i), self._kept(1, j)
        return Tile(
            index=(i, j),
            read=Window(rows.start, cols.start, len(rows), len(cols)),
            keep=Window(kept_rows.start, kept_cols.start, len(kept_rows), len(kept_cols)),
        )

    def _read(self, axis: int, at: int) -> range:
        """Return what a tile reads along an axis."""
        length, size, begin = self.shape[axis], self.sizes[axis], at * self.steps[axis]
        if self.unit is not None and at and at == self.grid[axis] - 1:
            begin = min(begin, round_up(length - size, self.unit))
        return range(begin, min(begin + size, length))

    def _kept(self, axis: int, at: int) -> range:
        """Return its cell along an axis."""
        step, last = self.steps[axis], at == self.grid[axis] - 1
        begin = at * step + self.context
        return range(begin if at else 0, self.shape[axis] if last else begin + step)
