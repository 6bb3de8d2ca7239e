"""Samples seen in other ways: turned, brightened, mixed, noisy. What is drawn is a value, so it can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from hlsmask.bands import BANDS
from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray


class Turn(NamedTuple):
    """One of the eight ways in which a square lies on itself: first transposed, then flipped."""

    transposed: bool = False
    """Rows become columns."""

    upside_down: bool = False
    """The last row becomes the first."""

    mirrored: bool = False
    """The last column becomes the first."""

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a view of an array (..., rows, columns)."""
        if self.transposed:
            array = array.swapaxes(-1, -2)
        return array[..., :: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]

    def corner(self, size: int, side: int) -> tuple[int, int]:
        """Return row and column, in a square of `side`, of the `size` pixels that are upper left once it is turned."""
        far = side - size
        row, col = far * self.upside_down, far * self.mirrored
        return (col, row) if self.transposed else (row, col)


TURNS: Final = tuple(Turn(*each) for each in product((False, True), repeat=3))
"""The eight of them; the first changes nothing, the first four do not transpose."""

_CHOICES: Final = {"none": TURNS[:1], "flips": TURNS[:4], "all": TURNS}


class Drawn(NamedTuple):
    """What chance decided for one item."""

    turn: Turn
    """How it lies."""

    gains: NDArray[np.float32]
    """Factor of each band's reflectance, shape (6,)."""

    mixing: NDArray[np.float32]
    """Shares of the band before, of the band itself, and of the band after, shape (3,)."""

    noise: float
    """Standard deviation of the noise."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How samples are varied in training; by default turned alone, which no network of ours can tell from the truth.

    Turns change where the sun comes from, gains what the air does to colour. Mixing and noise are those of
    DeepWaterMap and improv-mask; they act on what the network takes, after normalization.
    """

    turns: Literal["all", "flips", "none"] = "all"
    """`all`: the eight flips and rotations, equally often. `flips`: upside down and mirrored, each half of the time.
    `none`."""

    gain: float = 0.0
    """Each band's reflectance is multiplied by a number drawn from 1 - gain to 1 + gain; below 1."""

    mixing: float = 0.0
    """Each band gets up to this share of the band before it, of the band after it, and of itself again (one draw each
    for all bands)."""

    noise: float = 0.0
    """Gaussian noise is added; its standard deviation is drawn from 0 to this for each item."""

    def __post_init__(self) -> None:
        if self.turns not in _CHOICES:
            raise UsageError(f"turns is {self.turns!r}; use {', '.join(_CHOICES)}")
        if not 0 <= self.gain < 1:
            raise UsageError(f"gain is {self.gain}; use 0 to below 1, such as 0.15")
        for name in ("mixing", "noise"):
            if not 0 <= getattr(self, name) < np.inf:
                raise UsageError(f"{name} is {getattr(self, name)}; use 0 or more")

    @classmethod
    def published(cls) -> Augmentation:
        """Return what improv-mask trains with: flips, mixing up to 0.25 and noise up to 0.04."""
        return cls(turns="flips", mixing=0.25, noise=0.04)

    def draw(self, rng: np.random.Generator) -> Drawn:
        """Return what is to be done to one item; as many numbers are drawn whatever is asked for."""
        turns = _CHOICES[self.turns]
        turn = turns[int(rng.integers(len(TURNS))) % len(turns)]
        gains = 1 + self.gain * rng.uniform(-1, 1, len(BANDS))
        shares = np.array((0, 1, 0)) + self.mixing * rng.random(3)
        return Drawn(turn, gains.astype(np.float32), shares.astype(np.float32), self.noise * rng.random())


UNCHANGED: Final = Drawn(TURNS[0], np.ones(len(BANDS), np.float32), np.array((0, 1, 0), np.float32), 0.0)
"""What is drawn where nothing is augmented."""


def mix(bands: NDArray[np.float32], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `bands` (6, h, w) with neighbouring bands mixed: the unit matrix, convolved with `shares`, times them.

    The first band has none before it and the last none after it, so these sums are smaller, as published.
    """
    before, own, after = shares
    mixed: NDArray[np.float32] = bands * own
    mixed[1:] += before * bands[:-1]
    mixed[:-1] += after * bands[1:]
    return mixed


def distort(bands: NDArray[np.float32], drawn: Drawn, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return what the network takes (6, h, w) mixed and noisy, which may be `bands` itself, changed in place."""
    if not np.array_equal(drawn.mixing, UNCHANGED.mixing):
        bands = mix(bands, drawn.mixing)
    if drawn.noise:
        noise = rng.standard_normal(bands.shape, np.float32)
        noise *= np.float32(drawn.noise)
        bands += noise
    return bands
