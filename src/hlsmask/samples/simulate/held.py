"""Small sets of backgrounds, held whole on a GPU: windows are cut there, and nothing travels but their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import torch

from hlsmask.errors import SampleError
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.samples.simulate.backgrounds import TRIES, Place, lost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.sequence import Samples

MOST: Final = 1 << 26
"""Pixels of all samples together that are held: 2 GiB of bands and labels."""

_TERRAIN: Final = list(Mask).index(Mask.TERRAIN_SHADOW)


def can_be_held(samples: Samples) -> bool:
    """Return whether all samples can be read, are of one size, and few enough."""
    try:
        sizes = {samples.record(index).size for index in range(len(samples))}
    except SampleError:
        return False
    return len(sizes) == 1 and len(samples) * max(sizes) ** 2 <= MOST


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Backgrounds on a device."""

    samples: Samples
    """Which."""

    bands: Tensor
    """Reflectance, float32 (sample, 6, side * side), NaN where not observed."""

    labels: Tensor
    """uint8 (sample, 5, side * side)."""

    other: Tensor
    """Whether a sample means another terrain shadow, bool (sample,)."""

    shown: NDArray[np.bool_]
    """Where samples are no fill, (sample, side, side): on the CPU, where places are drawn."""

    meaning: str
    """What terrain shadow becomes, `shad` or `shad+cast`."""

    @classmethod
    def hold(cls, samples: Samples, meaning: str, device: torch.device) -> Self:
        """Read all `samples`; terrain shadow becomes that of `meaning`.

        Raises
        ------
        SampleError
            If one cannot be read.
        """
        bands, labels, other = [], [], []
        for index in range(len(samples)):
            reflectance, known = samples.read(index)
            bands.append(torch.from_numpy(np.ascontiguousarray(reflectance)).flatten(1))
            labels.append(torch.from_numpy(np.array(known)).flatten(1))
            other.append(samples.record(index).terrain_shadow != meaning)
        shown = torch.stack([one[0] for one in bands]).isfinite().numpy()
        side = samples.record(0).size
        return cls(
            samples,
            torch.stack(bands).to(device),
            torch.stack(labels).to(device),
            torch.tensor(other).to(device),
            shown.reshape(-1, side, side),
            meaning,
        )

    def cut(self, size: int, dice: Sequence[np.random.Generator]) -> tuple[Tensor, Tensor, list[int]]:
        """Return for each of the `dice` what `backgrounds.cut` does, but for rounding: bands, labels, which samples."""
        places = [self._place(size, one) for one in dice]
        index = torch.tensor([place.index for place in places], device=self.bands.device)
        side = self.samples.record(0).size
        low, high, near, weight = (
            torch.from_numpy(np.stack(arrays)).to(self.bands.device)
            for arrays in zip(*(_axes(place, size) for place in places), strict=True)
        )
        flat = [rows * side + cols for rows, cols in _grids(low, high, places)]
        down, right = _turned(weight, places)
        bands, labels = self.bands[index], self.labels[index]
        corner = [bands.gather(2, at.flatten(1)[:, None].expand(-1, bands.shape[1], -1)) for at in flat]
        down, right = down.flatten(1)[:, None], right.flatten(1)[:, None]
        upper = corner[0].lerp_(corner[1], right)
        lower = corner[2].lerp_(corner[3], right)
        rows, cols = _turned(near, places)
        at = (rows * side + cols).flatten(1)[:, None].expand(-1, labels.shape[1], -1)
        large = upper.lerp_(lower, down)
        known = labels.gather(2, at)
        differ = self.other[index][:, None] & (known[:, _TERRAIN] == 1).any(1, keepdim=True)
        known[:, _TERRAIN].masked_fill_(differ & (known[:, _TERRAIN] == lost(self.meaning)), NOT_OBSERVED)
        known.masked_fill_(large.isnan().any(1, keepdim=True), NOT_OBSERVED)
        shapes = [(*array.shape[:2], size, size) for array in (large, known)]
        return large.view(shapes[0]), known.view(shapes[1]), index.tolist()

    def _place(self, size: int, rng: np.random.Generator) -> Place:
        for _ in range(TRIES):
            place = Place.draw(self.samples, size, rng)
            row, col = place.corner
            if self.shown[place.index, row : row + place.part, col : col + place.part].any():
                return place
        raise SampleError(f"{self.samples.path}: {TRIES} samples drawn show nothing but fill")


def _axes(
    place: Place, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return nodes of the sample below and above each pixel, the nearest one, and the weight of the one above.

    Each is (2, size): along rows and along columns of the enlarged window, not turned.
    """
    middle = (np.arange(size) + 0.5) * (place.span / size) - 0.5
    spot = middle.clip(0)  # as torch's interpolate has it
    below = np.floor(spot).astype(np.int64)
    above = np.minimum(below + 1, place.span - 1)
    closest = np.minimum(np.floor((np.arange(size) + 0.5) * (place.span / size)), place.span - 1).astype(np.int64)
    weight = (spot - below).astype(np.float32)
    nodes = [np.stack([_mirrored(one, place, axis) for axis in (0, 1)]) for one in (below, above, closest)]
    return nodes[0], nodes[1], nodes[2], np.stack([weight, weight])


def _mirrored(node: NDArray[np.int64], place: Place, axis: int) -> NDArray[np.int64]:
    """Return where in the sample a node of the span lies along an axis, mirrored at the edges of the part."""
    folded = (node - place.before[axis]) % (2 * place.part)
    return place.corner[axis] + np.minimum(folded, 2 * place.part - 1 - folded)


def _grids(low: Tensor, high: Tensor, places: Sequence[Place]) -> list[tuple[Tensor, Tensor]]:
    """Return rows and columns of the four nodes around each pixel, (n, size, size) each, turned."""
    pairs = [(low, low), (low, high), (high, low), (high, high)]
    return [_turned(torch.stack([first[:, 0], second[:, 1]], 1), places) for first, second in pairs]


def _turned(axes: Tensor, places: Sequence[Place]) -> tuple[Tensor, Tensor]:
    """Return values along rows and along columns, (n, 2, size), for each pixel of turned windows, (n, size, size)."""
    device = axes.device
    turns = torch.tensor([place.turns for place in places], device=device)[:, None]
    flipped = torch.tensor([place.mirrored for place in places], device=device)[:, None]
    rows, cols = axes[:, 0], axes[:, 1]
    # Pixel (i, j) of a window turned k times is that at (i, j), (j, -i), (-i, -j), (-j, i) of the one before.
    by_col = (turns % 2 == 1)[:, :, None]
    row_back = (turns == 2) | (turns == 3)  # noqa: PLR2004 - quarters
    col_back = (turns == 1) | (turns == 2)  # noqa: PLR2004
    row_back = row_back ^ (flipped & by_col[:, :, 0])  # what runs along the columns is exchanged with left and right
    col_back = col_back ^ (flipped & ~by_col[:, :, 0])
    rows = torch.where(row_back, rows.flip(1), rows)
    cols = torch.where(col_back, cols.flip(1), cols)
    down = torch.where(by_col, rows[:, None, :], rows[:, :, None])
    right = torch.where(by_col, cols[:, :, None], cols[:, None, :])
    return down, right
