"""From block means to pixels: how reflectance becomes light, and masks become colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.products.palette import COLOURS, LAYERS, STACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DARKEST: Final = (0.0, 0.04)
"""Bounds of the reflectance shown black: water stays dark, haze does not veil the scene."""

_BRIGHTEST: Final = (0.22, 0.65)
"""Bounds of the reflectance shown white: forests stay visible, clouds stay white."""

_SAMPLED: Final = 100_000
"""Pixels of which percentiles are taken, about."""

_GAMMA: Final = 1 / 1.8

_SATURATION: Final = 1.1

_HATCH: Final = np.array([[236, 236, 234], [226, 226, 223]], np.uint8)
"""Its two greys."""

_OPACITY: Final = 0.88
"""Of a mask where it covers a pixel of the picture wholly."""


def tone(reflectance: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return reflectance (3, row, column) as an sRGB picture (row, column, 3); NaN becomes 0.

    Black and white points follow the scene's own 1st and 99.5th percentile, within fixed bounds.
    """
    seen = np.isfinite(reflectance[0])
    if not seen.any():
        return np.zeros((*seen.shape, 3), np.uint8)
    thin = max(1, round((seen.size / _SAMPLED) ** 0.5))
    sample = reflectance[:, ::thin, ::thin]
    sample = sample[np.isfinite(sample)] if np.isfinite(sample).any() else reflectance[np.isfinite(reflectance)]
    first, last = np.percentile(sample, (1, 99.5))
    low, high = float(np.clip(first, *_DARKEST)), float(np.clip(last, *_BRIGHTEST))
    light = np.clip((np.nan_to_num(reflectance) - low) / (high - low), 0, None) ** _GAMMA
    grey = light.mean(axis=0)
    light = np.clip(grey + _SATURATION * (light - grey), 0, None)
    knee = 0.8  # above it light is compressed, so that clouds keep their texture
    light = np.where(light > knee, knee + (1 - knee) * np.tanh((light - knee) / (1 - knee)), light)
    picture: NDArray[np.uint8] = np.rint(np.moveaxis(light, 0, -1) * 255).astype(np.uint8)
    return picture


def overlay(picture: NDArray[np.uint8], coverage: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the picture (row, column, 3) in pale grey with masks (6, row, column), 0 to 1, over it."""
    grey = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    canvas = np.repeat((112 + 0.52 * grey)[None], 3, axis=0)
    relief = 0.86 + 0.14 * grey / 255  # a little of the scene shows through
    for name in STACK:
        alpha = coverage[LAYERS.index(name)]
        if not alpha.any():
            continue
        alpha = np.float32(_OPACITY) * alpha
        for below, colour in zip(canvas, COLOURS[name], strict=True):
            np.add(below, alpha * (colour * relief - below), out=below)
    drawn: NDArray[np.uint8] = np.rint(np.clip(canvas, 0, 255, out=canvas), out=canvas).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(drawn, 0, -1))


def hatch(shape: tuple[int, int], scale: int = 1) -> NDArray[np.uint8]:
    """Return a neutral diagonal hatch (row, column, 3): nothing was observed here."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    stripe = (row + column) // (4 * scale) % 2
    tile: NDArray[np.uint8] = _HATCH[stripe]
    return tile
