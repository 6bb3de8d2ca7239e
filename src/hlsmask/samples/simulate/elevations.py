"""Real elevations, to lay instead of fields of heights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from hlsmask.errors import UnreadableError, UsageError
from hlsmask.raster import pixel_metres
from hlsmask.windows import Window

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.simulate.dice import Dice
    from hlsmask.samples.simulate.fields import Rows

    Places: TypeAlias = NDArray[np.int64]

_LEAST: Final = 16
"""Rows and columns of a piece of ground at least: less holds no slope worth the name."""

_ALIKE: Final = 1.5
"""By how much a raster's pixels may be larger or smaller than those of windows: an arc second narrows northwards."""


class Elevations:
    """Pieces of real ground, each as good as another."""

    def __init__(self, metres: Tensor) -> None:
        """Take metres, float32 (n, h, w), finite."""
        self.metres = metres

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return len(self.metres)

    def cut(self, dice: Dice, rows: Rows, shape: tuple[int, int]) -> Tensor:
        """Return heights over the lowest point, metres (m, *shape), of a window for each of the `rows`.

        A window is cut where a piece is larger and goes to and fro where it is smaller; it is turned by quarters and
        mirrored at random. Draws are made for all windows of the dice, from its chapter of now.
        """
        which, across = dice.even(0, len(self)), dice.chance(0.5)
        starts, flips = (dice.draw(), dice.draw()), (dice.chance(0.5), dice.chance(0.5))
        made = []
        for row in rows:
            ground = self.metres[min(int(which[row]), len(self) - 1)]
            ground = ground.T if across[row] else ground
            down, right = (
                torch.from_numpy(_along(side, length, float(start[row]), back=bool(flip[row]))).to(ground.device)
                for side, length, start, flip in zip(ground.shape, shape, starts, flips, strict=True)
            )
            made.append(ground[down[:, None], right])
        heights = torch.stack(made)
        return heights - heights.amin((1, 2), keepdim=True)


def _along(side: int, length: int, start: float, *, back: bool) -> Places:
    """Return which of `side` places make a row of `length`: a part of them, or to and fro where they are too few."""
    room = side - length + 1 if side >= length else 2 * side
    places = int(start * room) + np.arange(length)
    places = np.where(places % (2 * side) < side, places % side, side - 1 - places % side)
    return np.ascontiguousarray(places[::-1]) if back else places


def open_elevations(path: str, pixel: float, device: torch.device) -> Elevations:
    """Read elevations in metres, with pixels of `pixel` metres: `.npy` (h, w) or (n, h, w), else a raster.

    Each band of a raster is a piece of ground. What it does not hold (no data, NaN) counts as its lowest point.

    Raises
    ------
    UsageError
        If it cannot be read, holds no elevations, or a raster's pixels are far larger or smaller.
    """
    metres = _array(Path(path)) if path.endswith(".npy") else _raster(path, pixel)
    if metres.ndim == 2:  # noqa: PLR2004 - (row, column)
        metres = metres[None]
    if metres.ndim != 3 or metres.dtype.kind not in "iuf" or min(metres.shape[1:]) < _LEAST or not len(metres):  # noqa: PLR2004 - (piece, row, column)
        raise UsageError(
            f"{path} holds {metres.dtype} of shape {metres.shape}, no elevations: use metres of shape (rows, columns) "
            f"or (pieces, rows, columns), {_LEAST} rows and columns or more"
        )
    known = np.where(np.isfinite(metres), metres, np.inf).astype(np.float32)
    lowest = known.min((1, 2), keepdims=True)
    if not np.isfinite(lowest).all():
        raise UsageError(f"{path}: piece {int(np.argmin(np.isfinite(lowest[:, 0, 0]))) + 1} of {len(metres)} is empty")
    return Elevations(torch.from_numpy(np.where(np.isfinite(known), known, lowest)).to(device))


def _array(path: Path) -> NDArray[np.generic]:
    try:
        return np.asarray(np.load(path))
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} cannot be read as elevations: {error}") from error


def _raster(path: str, pixel: float) -> NDArray[np.generic]:
    from hlsmask.granules.layers import Layer, reason  # noqa: PLC0415 - simulating from arrays loads no GDAL

    try:
        layer = Layer(path)
    except UnreadableError as error:
        raise UsageError(f"{path} cannot be read as elevations: {reason(error)}") from error
    try:
        side = pixel_metres(layer.geobox)
        if side is not None and not 1 / _ALIKE <= side / pixel <= _ALIKE:
            raise UsageError(
                f"{path} has pixels of {side:g} m, those of the windows have {pixel:g} m: slopes would be others; "
                f"resample it first (gdalwarp -tr {pixel:g} {pixel:g} -r bilinear, in a projected CRS)"
            )
        whole = Window.of(layer.dataset.shape)
        pixels = layer.read(layer.dataset.indexes, whole, masked=True, out_dtype="float32")
        return np.asarray(np.ma.filled(pixels, np.nan))
    except UnreadableError as error:
        raise UsageError(f"{path} cannot be read as elevations: {reason(error)}") from error
    finally:
        layer.close()
