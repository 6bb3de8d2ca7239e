"""From arrays to PNG files, as a browser takes them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from hlsmask.products.assets import PROBABILITY_STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.products.palette import Colour

_BRIGHT: Final = 0.35
"""Reflectance that would be shown white, were bright things not drawn together above `_KNEE`."""

_GAMMA: Final = 1 / 1.8
"""As in the quicklook: dark water keeps its differences."""

_SATURATION: Final = 1.15

_KNEE: Final = 0.75
"""Light above it is compressed, so that clouds keep their texture."""


def draw_mask(present: NDArray[np.bool_], colour: Colour) -> bytes:
    """Return a PNG of one colour where `present` (row, column) is True, transparent elsewhere."""
    image = Image.fromarray(present.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, *colour])
    return _png(image, bits=1, transparency=0)


def draw_probability(stored: NDArray[np.uint8], colour: Colour) -> bytes:
    """Return a PNG of one colour, as opaque as what is `stored` (row, column; value / 200, 255 = none) is probable."""
    image = Image.fromarray(stored, "P")
    image.putpalette(list(colour) * 256)
    alpha = np.rint(np.arange(256) * 255 / PROBABILITY_STEPS)
    alpha[PROBABILITY_STEPS + 1 :] = 0
    return _png(image, transparency=bytes(alpha.astype(np.uint8)))


def draw_light(reflectance: NDArray[np.float32]) -> bytes:
    """Return a PNG of reflectance (3, row, column), transparent where it is NaN.

    One curve for every scene, so that tiles fit together and days can be compared.
    """
    there = np.isfinite(reflectance[0])
    light = (np.clip(np.nan_to_num(reflectance), 0, None) / np.float32(_BRIGHT)) ** np.float32(_GAMMA)
    grey = light.mean(axis=0)
    light = np.clip(grey + np.float32(_SATURATION) * (light - grey), 0, None)
    light = np.where(light > _KNEE, 1 - (1 - _KNEE) * np.exp((_KNEE - light) / (1 - _KNEE) * np.float32(0.8)), light)
    picture = np.empty((*there.shape, 4), np.uint8)
    picture[..., :3] = np.rint(np.moveaxis(light, 0, -1) * 255)
    picture[..., 3] = np.where(there, 255, 0)
    picture[~there] = 0
    return _png(Image.fromarray(picture, "RGBA"))


def _png(image: Image.Image, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    sink = BytesIO()
    image.save(sink, "PNG", compress_level=1, **options)
    return sink.getvalue()
