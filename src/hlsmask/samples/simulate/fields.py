"""Random fields: the stuff of clouds, snow and relief, made for a whole batch at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from hlsmask.samples.simulate.dice import Dice

    Rows = NDArray[np.intp]
    Number = float | NDArray[np.float32]

BANK: Final = 1 << 23
"""Normal numbers that are drawn once; windows cut theirs out of them, so each device has the same."""

LARGEST: Final = 1024
"""Rows and columns of a window at most: its field must fit into the bank."""


@lru_cache(maxsize=2)
def bank(device: torch.device) -> Tensor:
    """Return `BANK` normal numbers, always the same."""
    return torch.randn(BANK, generator=torch.Generator().manual_seed(4)).to(device)


class Canvas:
    """Where the windows of a batch are drawn: their shape, their device and their dice."""

    def __init__(self, shape: tuple[int, int], dice: Dice, device: torch.device) -> None:
        """Prepare windows of `shape` (rows, columns)."""
        if max(shape) > LARGEST or min(shape) < 16:  # noqa: PLR2004 - below this there is nothing to see
            raise UsageError(f"windows to simulate have 16 to {LARGEST} rows and columns, not {shape[0]} x {shape[1]}")
        self.shape = shape
        self.dice = dice
        self.device = device
        self._bank = bank(device)
        self._waves: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def column(self, values: Number, rows: Rows | None = None) -> Tensor:
        """Return one number a window as float32 of shape (n, 1, 1), of the windows `rows`."""
        array = np.asarray(values, np.float32)
        if array.ndim == 0:
            array = np.full(self.dice.count, array, np.float32)
        return torch.from_numpy(array if rows is None else array[rows]).to(self.device)[:, None, None]

    @property
    def together(self) -> bool:
        """Whether windows are worked on all at once: on a GPU, where every call costs more than what it computes."""
        return self.device.type != "cpu"

    def noise(self, rows: Rows, shape: tuple[int, ...]) -> Tensor:
        """Return white noise of deviation 1, (len(rows), *shape)."""
        starts, count = self._starts(shape)
        if self.together:
            places = torch.from_numpy(starts[rows] // 2).to(self.device)
            return self._bank.unfold(0, count, 2).index_select(0, places).view(len(rows), *shape)
        return torch.stack([self._bank[start : start + count].view(shape) for start in starts[rows]])

    def cuts(self, shape: tuple[int, ...]) -> Iterable[Tensor]:
        """Return white noise of deviation 1 for each window, of `shape`; parts of the bank, not to be written to."""
        starts, count = self._starts(shape)
        return [self._bank[start : start + count].view(shape) for start in starts]

    def _starts(self, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], int]:
        """Return where in the bank the noise of each window begins, an even number, and how long it is."""
        count = int(np.prod(shape))
        if count > BANK:
            raise UsageError(f"noise of shape {shape} does not fit into {BANK} numbers; simulate smaller windows")
        return (self.dice.draw() * (BANK - count)).astype(np.int64) & ~1, count

    def field(
        self,
        rows: Rows,
        beta: Number,
        longest: Number,
        *,
        shortest: Number = 1.0,
        stretch: Number | None = None,
        angle: Number = 0.0,
        patches: Number | None = None,
        coarse: int = 1,
    ) -> Tensor:
        """Return Gaussian noise of mean 0 and deviation 1, (len(rows), h, w), that goes on where it ends (a torus).

        Parameters
        ----------
        rows
            Which windows.
        beta
            Exponent with which power falls over frequency, below the wavelength `longest`, above which it is level.
        longest, shortest
            Wavelengths in pixels; what is shorter than `shortest` fades.
        stretch, angle
            Features are `stretch` times as long along `angle`, radians from the columns' axis to larger rows.
        patches
            Deviation of a second, coarse part, as large as the window, relative to the first.
        coarse
            Make it on a grid that is coarser by this factor, and interpolate: for smooth fields, and not for a torus.
        """
        height, width = (-(-side // coarse) for side in self.shape)
        v, u = self._frequencies(height, width)
        power = u * u + v * v
        if stretch is not None:
            turn = self.column(angle, rows)
            along = u * turn.cos() + v * turn.sin()
            power = power + along * along * (self.column(stretch, rows) ** 2 - 1)
        least = (coarse / self.column(longest, rows)) ** 2  # level below it
        gain = (power + least).log_().mul_(self.column(beta, rows) * -0.5).exp_()
        gain = gain * (-power * (self.column(shortest, rows) / (2 * coarse)) ** 2).exp()
        gain[:, 0, 0] = 0
        if patches is not None:
            wide = (power + (0.5 / max(height, width)) ** 2) ** -1.9
            wide[:, 0, 0] = 0
            part = wide.sum((1, 2), keepdim=True)
            gain = gain / gain.sum((1, 2), keepdim=True) + wide * (self.column(patches, rows) ** 2 / part)
        gain.sqrt_()
        spectrum = torch.view_as_complex(self.noise(rows, (height, width // 2 + 1, 2))) * gain
        half = torch.fft.ifft(spectrum, dim=-2)
        half.imag[:, :, 0] = 0  # a real field has none there; processors pass over it, GPUs need not
        if width % 2 == 0:
            half.imag[:, :, -1] = 0
        field = torch.fft.irfft(half, n=width, dim=-1)
        field -= field.mean((1, 2), keepdim=True)
        field /= field.square().mean((1, 2), keepdim=True).sqrt_().clamp_(min=1e-12)
        return field if coarse == 1 else enlarge(field, self.shape)

    def _frequencies(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Return cycles a node along rows (1, h, 1) and columns (1, 1, w // 2 + 1)."""
        if (height, width) not in self._waves:
            v = torch.fft.fftfreq(height, device=self.device)[None, :, None]
            u = torch.fft.rfftfreq(width, device=self.device)[None, None, :]
            self._waves[height, width] = (v, u)
        return self._waves[height, width]


def enlarge(coarse: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return (n, h, w) interpolated to `shape`, smoothly."""
    return functional.interpolate(coarse[:, None], size=shape, mode="bilinear", align_corners=False)[:, 0]


def shrink(fine: Tensor, factor: int) -> Tensor:
    """Return means over blocks of `factor` pixels, (n, h / factor, w / factor), the last of them maybe smaller."""
    return functional.avg_pool2d(fine[:, None], factor, ceil_mode=True, count_include_pad=False)[:, 0]


def shift(
    field: Tensor, down: Sequence[int], right: Sequence[int], *, mirrored: Sequence[bool] | None = None
) -> Tensor:
    """Return each window of (n, h, w) moved by its own whole pixels; what leaves comes in on the other side.

    Windows that are `mirrored` are no torus: what comes in there is their image beyond the edge that it comes in at.
    """
    folded = [False] * len(field) if mirrored is None else mirrored
    if field.device.type != "cpu":
        return _shift_together(field, down, right, folded)
    return torch.stack([
        _fold(_fold(one, 0, -int(d)), 1, -int(r)) if fold else torch.roll(one, (int(d), int(r)), (0, 1))
        for one, d, r, fold in zip(field, down, right, folded, strict=True)
    ])  # fmt: skip


def slide(field: Tensor, down: Sequence[float], right: Sequence[float], *, mirrored: Sequence[bool]) -> Tensor:
    """Return what `shift` does for moves that are no whole pixels: between rows linearly, to the nearest column."""
    rows, cols = np.floor(down).astype(int), np.rint(right).astype(int).tolist()
    part = (np.asarray(down) - rows).astype(np.float32)
    near = shift(field, rows.tolist(), cols, mirrored=mirrored)
    if not part.any():
        return near
    far = shift(field, (rows + 1).tolist(), cols, mirrored=mirrored)
    return near.lerp_(far, torch.from_numpy(part).to(field.device)[:, None, None])


def _shift_together(field: Tensor, down: Sequence[int], right: Sequence[int], mirrored: Sequence[bool]) -> Tensor:
    """Do what `shift` does in one go."""
    windows = torch.arange(len(field), device=field.device)[:, None, None]
    rows, cols = (
        torch.from_numpy(_places(field.shape[axis], by, mirrored)).to(field.device)
        for axis, by in ((1, down), (2, right))
    )
    return field[windows, rows[:, :, None], cols[:, None, :]]


def _places(length: int, by: Sequence[int], mirrored: Sequence[bool]) -> NDArray[np.int64]:
    """Return for each window which place along an axis comes to each of its places, (n, length)."""
    from_ = np.arange(length) - np.asarray(by, np.int64)[:, None]
    folded = from_ % (2 * length)
    folded = np.minimum(folded, 2 * length - 1 - folded)
    return np.where(np.asarray(mirrored, bool)[:, None], folded, from_ % length)


def _fold(field: Tensor, axis: int, by: int) -> Tensor:
    """Return what lies `by` pixels further along an axis, mirrored at both edges."""
    length = field.shape[axis]
    place = torch.arange(by, by + length, device=field.device) % (2 * length)
    return field.index_select(axis, torch.minimum(place, 2 * length - 1 - place))


def beside(field: Tensor, axis: int, by: int) -> Tensor:
    """Return what lies `by` pixels further along an axis; the edge goes on beyond it."""
    length = field.shape[axis]
    return field.index_select(axis, torch.arange(by, by + length, device=field.device).clamp_(0, length - 1))


def soften(field: Tensor, rounds: int = 1) -> Tensor:
    """Return (n, h, w) smoothed by a 3 x 3 binomial filter, `rounds` times; the edge goes on beyond it."""
    for _ in range(rounds):
        for axis in (1, 2):
            length = field.shape[axis]
            wide = torch.cat([field.narrow(axis, 0, 1), field, field.narrow(axis, length - 1, 1)], axis)
            before, after = wide.narrow(axis, 0, length), wide.narrow(axis, 2, length)
            field = (field * 0.5).add_(before, alpha=0.25).add_(after, alpha=0.25)
    return field


def highest(field: Tensor, reach: int) -> Tensor:
    """Return the highest value within a square of `reach` pixels to each side, (n, h, w).

    By slices it takes a twentieth of what torch's max_pool2d takes.
    """
    for axis in (1, 2):
        length, most = field.shape[axis], field.clone()
        for by in range(1, min(reach, length - 1) + 1):
            for here, there in ((0, by), (by, 0)):
                part = most.narrow(axis, here, length - by)
                torch.maximum(part, field.narrow(axis, there, length - by), out=part)
        field = most
    return field


def step(field: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    """Return 0 below `low`, 1 above `high` and a smooth rise between them."""
    t = ((field - low) / (high - low)).clamp_(0, 1)
    return t * t * (3 - 2 * t)


def upper(field: Tensor, share: Tensor) -> Tensor:
    """Return the value that a `share` (n, 1, 1) of each window's pixels exceeds, (n, 1, 1)."""
    side = max(1, min(field.shape[1:]) // 40)
    values = field[:, ::side, ::side].flatten(1).sort(dim=1).values
    place = ((1 - share[:, :, 0]) * (values.shape[1] - 1)).round().long().clamp(0, values.shape[1] - 1)
    return values.gather(1, place)[:, :, None]
