"""Blending overlapping windows: probabilities go in tile by tile, finished cells come out.

Each tile is weighted along each axis by a trapezoid that rises over the `ramp` after its cell's edge and
falls over the `ramp` after the next one's, so that the weights over any pixel add up to 1. What a tile adds to
cells that come later is carried: a strip to the right, a strip below. Nothing else is kept, so that memory
grows with the width of a scene times the ramp, and not at all where there is no ramp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.windows import Tile, Tiling, Window


class Blend:
    """Takes the tiles of a tiling in order and gives each cell once, when it is finished."""

    def __init__(self, tiling: Tiling, masks: int) -> None:
        """Prepare for probabilities of `masks` masks."""
        self._tiling = tiling
        ramp = tiling.ramp
        self._above = np.zeros((masks, ramp, tiling.shape[1]), np.float32)
        self._below = np.zeros_like(self._above)
        self._right = np.zeros((masks, 0, 0), np.float32)
        self._rise = (np.arange(ramp, dtype=np.float32) + np.float32(0.5)) / np.float32(max(ramp, 1))

    def feed(self, tile: Tile, probabilities: NDArray[np.float32]) -> tuple[Window, NDArray[np.float32]]:
        """Return the tile's cell and its finished probabilities (masks, row, column).

        `probabilities` covers `tile.read` or, where nothing is blended, `tile.keep`, and is worked on where it
        lies. Tiles come in the order of the tiling.
        """
        if not self._tiling.ramp:
            return tile.keep, probabilities
        rows, cols = tile.keep.within(tile.read)
        ramp, (height, width) = self._tiling.ramp, self._tiling.shape
        far_rows = min(ramp, height - tile.keep.bottom)
        far_cols = min(ramp, width - tile.keep.right)
        block = probabilities[:, rows.start : rows.stop + far_rows, cols.start : cols.stop + far_cols]
        for part, weights in self._weights(tile.keep.height, far_rows, first=tile.keep.row == 0):
            block[:, part] *= weights[:, None]
        for part, weights in self._weights(tile.keep.width, far_cols, first=tile.keep.col == 0):
            block[:, :, part] *= weights

        if tile.index[1]:  # what the tile to the left adds
            carried = self._right[:, :, : block.shape[2]]
            block[:, :, : carried.shape[2]] += carried
        elif tile.index[0]:  # a new row of cells
            self._above, self._below = self._below, self._above
        place = slice(tile.keep.col, tile.keep.right)
        if tile.index[0]:  # what the tiles above add
            carried = self._above[:, : tile.keep.height, place]
            block[:, : carried.shape[1], : tile.keep.width] += carried
        self._right = block[:, :, tile.keep.width :].copy()
        self._below[:, :far_rows, place] = block[:, tile.keep.height :, : tile.keep.width]
        return tile.keep, block[:, : tile.keep.height, : tile.keep.width]

    def _weights(self, kept: int, far: int, *, first: bool) -> list[tuple[slice, NDArray[np.float32]]]:
        """Return the parts of one axis whose weight is not 1, of `kept` pixels and `far` of the next cells' ones."""
        rising = 0 if first else min(self._rise.size, kept)
        parts = [(slice(0, rising), self._rise[:rising]), (slice(kept, kept + far), 1 - self._rise[:far])]
        return [part for part in parts if part[1].size]
