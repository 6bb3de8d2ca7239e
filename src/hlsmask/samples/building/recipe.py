"""How samples are cut and which of them are kept; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from hlsmask.errors import UsageError
from hlsmask.masks import Mask
from hlsmask.samples.sample import SMALLEST
from hlsmask.windows import Window

_NARROW: Final = 8
"""A strip narrower than this part of a sample is not worth another one, nearly the same as the one before."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How granules are cut, and what labels are made of."""

    size: int = 768
    """Rows and columns of a sample."""

    stride: int | None = None
    """Pixels from one sample to the next; fewer than the size make them overlap. As many as the size, if not given."""

    edges: Literal["cover", "drop"] | None = None
    """What becomes of the strip at the edge of the tile that is narrower than a sample. `cover` moves samples closer
    together until they reach the edge, so that neighbours overlap a little (a strip below an eighth of a sample is
    left out); `drop` leaves it out always, so that no pixel is in two samples. `cover`, if not given, but `drop` where
    samples are divided by block, as samples that overlap one of another split are lost."""

    labels: Literal["dswx", "spectral"] = "dswx"
    """What labels are made of: DSWx-HLS products and Fmask, or HLS alone: the DSWx tests on the bands, and Fmask."""

    dem: str | None = None
    """Elevation in metres, on any grid: terrain shadow of `--labels spectral`. Else the product's own DEM layer."""

    def __post_init__(self) -> None:
        if self.size < SMALLEST:
            raise UsageError(f"--size is {self.size}; use {SMALLEST} pixels or more")
        if self.stride is not None and self.stride < 1:
            raise UsageError(f"--stride is {self.stride}; use 1 pixel or more")
        if self.edges not in (None, "cover", "drop"):
            raise UsageError(f"--edges is {self.edges!r}; use cover or drop")
        if self.labels not in ("dswx", "spectral"):
            raise UsageError(f"--labels is {self.labels!r}; use dswx or spectral")
        if self.dem is not None and self.labels != "spectral":
            raise UsageError("--dem goes with --labels spectral; DSWx products bring their own terrain shadow")

    def windows(self, shape: tuple[int, int]) -> list[Window]:
        """Return where samples are cut from a scene of `shape`, row by row; none where it is smaller than a sample."""
        rows, columns = (self._starts(length) for length in shape)
        return [Window(row, column, self.size, self.size) for row in rows for column in columns]

    def _starts(self, length: int) -> list[int]:
        last = length - self.size
        if last < 0:
            return []
        steps, strip = divmod(last, self.stride or self.size)
        if self.edges == "drop" or strip * _NARROW < self.size:
            return list(range(0, last + 1, self.stride or self.size))
        return [at * last // (steps + 1) for at in range(steps + 2)]


@dataclass(frozen=True, slots=True)
class Gates:
    """Which samples are kept."""

    min_valid: float = 0.5
    """Share of a sample's pixels that must have been observed, 0 to 1."""

    min_share: tuple[str, ...] = ()
    """MASK=SHARE, several of them: a sample is kept if each of these masks covers that share, 0 to 1, of the pixels
    at which it is known. Such as water=0.01: only samples with water on 1 % or more."""

    max_cloudy: float = 0.1
    """Share of the samples that may be nearly all cloud (95 % of what was observed), 0 to 1. Of those that are too
    many, some are chosen by the seed, whatever the order."""

    def __post_init__(self) -> None:
        for name, value in (("min-valid", self.min_valid), ("max-cloudy", self.max_cloudy)):
            if not 0 <= value <= 1:
                raise UsageError(f"--{name} is {value:g}; use a share from 0 to 1")
        self.shares()

    def shares(self) -> dict[Mask, float]:
        """Return the least share of each mask that was asked for."""
        shares = {}
        for text in self.min_share:
            name, equals, value = text.partition("=")
            try:
                share = float(value)
            except ValueError:
                share = -1.0
            if not equals or not 0 <= share <= 1:
                raise UsageError(
                    f"--min-share is {text!r}; use MASK=SHARE with a share from 0 to 1, such as water=0.01"
                )
            shares[Mask.parse(name)] = share
        return shares
