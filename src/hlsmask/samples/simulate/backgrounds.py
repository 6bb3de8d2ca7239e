"""Windows of clear scenes, cut, turned and enlarged, to simulate over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional

from hlsmask.errors import SampleError
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.windows import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.sequence import Samples

ZOOM: Final = 0.6
"""Part of a window that fills it at most enlargement (facts of a first trial)."""

_TERRAIN: Final = list(Mask).index(Mask.TERRAIN_SHADOW)

TRIES: Final = 20
"""Samples that are tried before giving up, where the first ones cannot be read or show nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window is taken from, and how it is turned."""

    index: int
    """Number of the sample."""

    span: int
    """Rows and columns that fill the window, those mirrored at the sample's edges included."""

    part: int
    """Rows and columns of them that the sample has."""

    corner: tuple[int, int]
    """First row and column in the sample."""

    before: tuple[int, int]
    """Rows above and columns to the left that are mirrored."""

    turns: int
    """Quarter turns, counterclockwise."""

    mirrored: bool
    """Whether left and right are exchanged after that."""

    @classmethod
    def draw(cls, samples: Samples, size: int, rng: np.random.Generator) -> Place:
        """Draw a place for a window of `size` pixels; half of the time it is enlarged by up to 1 / 0.6."""
        index = int(rng.integers(len(samples)))
        span = size if rng.random() < 0.5 else max(16, round(size * rng.uniform(ZOOM, 1.0)))  # noqa: PLR2004 - half
        side = samples.record(index).size
        part = min(span, side)
        row, col, above, left = (int(rng.integers(most + 1)) for most in (side - part,) * 2 + (span - part,) * 2)
        return cls(index, span, part, (row, col), (above, left), int(rng.integers(4)), bool(rng.integers(2)))


def cut(samples: Samples, size: int, rng: np.random.Generator, meaning: str) -> tuple[Tensor, Tensor, int]:
    """Return a random window of the samples: bands float32 (6, size, size), labels uint8 (5, size, size), which sample.

    It is cut where the sample is larger and mirrored where it is smaller; half of the time enlarged by up to 1 / 0.6;
    turned and mirrored at random. Samples that are broken or hold nothing but fill are passed over. Terrain shadow is
    that of `meaning`, `shad` or `shad+cast`.

    Raises
    ------
    SampleError
        If no usable sample is found.
    """
    trouble = ""
    for _ in range(TRIES):
        try:
            place = Place.draw(samples, size, rng)
            bands, labels = _read(samples, place)
        except SampleError as error:
            trouble = str(error)
            continue
        if np.isfinite(bands[0]).any():
            agree(labels[_TERRAIN], samples.record(place.index).terrain_shadow, meaning)
            enlarged = _enlarge(torch.from_numpy(bands), torch.from_numpy(labels), size)
            return *_turn(*enlarged, place), place.index
        trouble = f"sample {place.index} shows nothing but fill"
    raise SampleError(f"{samples.path}: none of {TRIES} samples drawn can be simulated over; the last: {trouble}")


def patches(size: int, rng: np.random.Generator) -> Tensor:
    """Return where ground of a second background lies in a window, bool (size, size): about half of it."""
    nodes = int(rng.integers(3, 10))
    coarse = torch.from_numpy(rng.standard_normal((nodes, nodes)))
    fine = functional.interpolate(coarse[None, None], size=(size, size), mode="bicubic", align_corners=True)
    return fine[0, 0] > 0


def _read(samples: Samples, place: Place) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return a square of `place.span` pixels, mirrored where the sample is smaller."""
    bands, labels = samples.read(place.index, Window(*place.corner, place.part, place.part))
    missing = place.span - place.part
    if missing:
        pad = ((0, 0), *((first, missing - first) for first in place.before))
        bands, labels = np.pad(bands, pad, mode="symmetric"), np.pad(labels, pad, mode="symmetric")
    return np.ascontiguousarray(bands), np.array(labels)  # a copy: some samples give what they hold


def agree(terrain: NDArray[np.uint8], theirs: str, ours: str) -> None:
    """Make terrain shadow not known, in place, where it may be another in `ours` than it is in `theirs`.

    Among slopes in shadow by `shad`, lit ground may lie in a cast shadow; by `shad+cast`, shadow may be cast alone.
    """
    if theirs != ours and (terrain == 1).any():
        terrain[terrain == lost(ours)] = NOT_OBSERVED


def lost(ours: str) -> int:
    """Return which label of terrain shadow of the other meaning says nothing in ours."""
    return 0 if ours == "shad+cast" else 1


def _enlarge(bands: Tensor, labels: Tensor, size: int) -> tuple[Tensor, Tensor]:
    if bands.shape[-1] == size:
        return bands, labels
    large = functional.interpolate(bands[None], size=(size, size), mode="bilinear", align_corners=False)[0]
    near = functional.interpolate(labels[None], size=(size, size), mode="nearest-exact")[0]
    return large, near.masked_fill_(large.isnan().any(0), NOT_OBSERVED)


def _turn(bands: Tensor, labels: Tensor, place: Place) -> tuple[Tensor, Tensor]:
    turned = [torch.rot90(array, place.turns, (1, 2)) for array in (bands, labels)]
    first, second = (array.flip(2) if place.mirrored else array for array in turned)
    return first.contiguous(), second.contiguous()
