"""Windows of clear scenes, cut, turned and enlarged, to simulate over."""

from __future__ import annotations

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
        index = int(rng.integers(len(samples)))
        span = size if rng.random() < 0.5 else max(16, round(size * rng.uniform(ZOOM, 1.0)))  # noqa: PLR2004 - half
        try:
            bands, labels = _read(samples, index, span, rng)
        except SampleError as error:
            trouble = str(error)
            continue
        if np.isfinite(bands[0]).any():
            _agree(labels[_TERRAIN], samples.record(index).terrain_shadow, meaning)
            return *_turn(*_enlarge(torch.from_numpy(bands), torch.from_numpy(labels), size), rng), index
        trouble = f"sample {index} shows nothing but fill"
    raise SampleError(f"{samples.path}: none of {TRIES} samples drawn can be simulated over; the last: {trouble}")


def _read(
    samples: Samples, index: int, span: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return a square of `span` pixels, mirrored where the sample is smaller."""
    side = samples.record(index).size
    part = min(span, side)
    row, col = (int(rng.integers(side - part + 1)) for _ in range(2))
    bands, labels = samples.read(index, Window(row, col, part, part))
    missing = span - part
    if missing:
        before = tuple(int(rng.integers(missing + 1)) for _ in range(2))
        pad = ((0, 0), *((first, missing - first) for first in before))
        bands, labels = np.pad(bands, pad, mode="symmetric"), np.pad(labels, pad, mode="symmetric")
    return np.ascontiguousarray(bands), np.array(labels)  # a copy: some samples give what they hold


def _agree(terrain: NDArray[np.uint8], theirs: str, ours: str) -> None:
    """Make terrain shadow not known, in place, where it may be another in `ours` than it is in `theirs`.

    Among slopes in shadow by `shad`, lit ground may lie in a cast shadow; by `shad+cast`, shadow may be cast alone.
    """
    if theirs != ours and (terrain == 1).any():
        terrain[terrain == (0 if ours == "shad+cast" else 1)] = NOT_OBSERVED


def _enlarge(bands: Tensor, labels: Tensor, size: int) -> tuple[Tensor, Tensor]:
    if bands.shape[-1] == size:
        return bands, labels
    large = functional.interpolate(bands[None], size=(size, size), mode="bilinear", align_corners=False)[0]
    near = functional.interpolate(labels[None], size=(size, size), mode="nearest-exact")[0]
    return large, near.masked_fill_(large.isnan().any(0), NOT_OBSERVED)


def _turn(bands: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    turned = [torch.rot90(array, turns, (1, 2)) for array in (bands, labels)]
    first, second = (array.flip(2) if mirrored else array for array in turned)
    return first.contiguous(), second.contiguous()
