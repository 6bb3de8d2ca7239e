"""Clouds of three storeys, and the shadows that they cast away from the sun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from hlsmask.samples.simulate.spectra import CLOUD_WEIGHT
from hlsmask.testing import spectra
from hlsmask.testing.fields import blend, noise, step
from hlsmask.testing.relief import PIXEL

if TYPE_CHECKING:
    from hlsmask.sun import Sun
    from hlsmask.testing.fields import Field

CLOUD_FROM = 0.12
"""Opacity from which a pixel counts as cloud."""

SHADOW_FROM = 0.16
"""Share of the sun's direct light that a cloud takes, from which the ground counts as shadowed."""

OPAQUE_FROM = 0.6
"""Opacity from which nothing can be known of what lies below."""


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """What lies between the ground and the satellite."""

    depth: Field
    """Optical depth of clouds seen from above, shape (row, column)."""

    ice: Field
    """Share of that which is cirrus, shape (row, column)."""

    shine: Field
    """Brightness of the clouds, about 1; more on the side of the sun, shape (row, column)."""

    shade: Field
    """Share of the sun's direct light that clouds keep from the ground, shape (row, column)."""

    @property
    def opacity(self) -> Field:
        """Share of the ground's light that clouds hide, 0 to 1, shape (row, column)."""
        return np.asarray(1 - np.exp(-self.depth), np.float32)


def make_sky(shape: tuple[int, int], sun: Sun, share: float, rng: np.random.Generator) -> Sky:
    """Return a sky of which clouds cover about `share`; those outside of the frame cast shadows into it."""
    depth, ice, shine, shade = (np.zeros(shape, np.float32) for _ in range(4))
    shine += 1
    storeys = (
        ("cumulus", rng.uniform(700, 1700), rng.uniform(0.5, 0.9)),
        ("altocumulus", rng.uniform(2400, 3600), rng.uniform(0.0, 0.35)),
        ("cirrus", rng.uniform(6500, 8500), rng.uniform(0.1, 0.4)),
    )
    total = sum(part for _, _, part in storeys)
    offsets = [tuple(x / PIXEL for x in sun.shadow_step(height)) for _, height, _ in storeys]
    for (kind, _, part), (down, right) in zip(storeys, offsets, strict=True):
        cover = min(0.97, 1 - (1 - share) ** (part / total))
        if cover <= 0:
            continue
        dr, dc = round(down), round(right)
        canvas = (shape[0] + abs(dr), shape[1] + abs(dc))
        row, col = max(0, dr), max(0, dc)
        frame = (slice(row, row + shape[0]), slice(col, col + shape[1]))
        layer = _layer(kind, canvas, frame, cover, rng)
        seen = layer[frame]
        above = layer[row - dr : row - dr + shape[0], col - dc : col - dc + shape[1]]
        if kind == "cirrus":
            ice += seen
        else:
            light = gaussian_filter(np.minimum(seen, 4), 1.2)
            slope = np.gradient(light)
            towards = (-slope[0] * sun.north + slope[1] * sun.east).astype(np.float32)
            shine += np.clip(-0.16 * towards, -0.22, 0.16)
        dark = 1 - np.exp(-gaussian_filter(above, 0.8))
        shade[...] = 1 - (1 - shade) * (1 - np.float32(0.94) * dark)
        depth += seen
    ice /= np.maximum(depth, np.float32(1e-6))
    shine += np.float32(0.03) * noise(shape, rng, 1.8, longest=40)
    return Sky(depth, ice, shine, shade)


def _layer(
    kind: str, shape: tuple[int, int], frame: tuple[slice, slice], cover: float, rng: np.random.Generator
) -> Field:
    """Return the optical depth of one storey, of which about `cover` of the `frame` counts as cloud."""
    if kind == "cumulus":
        cells = noise(shape, rng, 3.6, longest=rng.uniform(26, 60), shortest=2.5)
        field = cells + 1.5 * noise(shape, rng, 3.2, longest=max(700, max(shape) / 2), shortest=60)
        field += 0.13 * noise(shape, rng, 1.8, longest=10)
        gain, most = 4.0, 7.0
    elif kind == "altocumulus":
        turn = rng.uniform(0, np.pi)
        field = noise(shape, rng, 2.2, longest=26, shortest=3, stretch=1.8, angle=turn)
        field = 0.5 * field + 1.3 * noise(shape, rng, 3.2, longest=800, shortest=30)
        gain, most = 1.8, 3.0
    else:
        turn = rng.uniform(0, np.pi)
        field = noise(shape, rng, 2.9, longest=700, stretch=6, angle=turn)
        field += 0.8 * noise(shape, rng, 3.2, longest=900, shortest=30)
        gain, most = 0.32, 1.1
    inner = field[frame]
    sample = inner[::3, ::3] if inner.size > 10**5 else inner
    threshold = np.quantile(sample, 1 - cover)
    start = -np.log(1 - CLOUD_FROM) / gain
    depth = (field - np.float32(threshold - start)) * np.float32(gain)
    soft = np.minimum(np.maximum(depth, 0), most)
    return np.asarray(soft, np.float32)


def veil(bands: Field, sky: Sky) -> None:
    """Lay the clouds and their glow over reflectance of shape (6, row, column), in place."""
    bright = (spectra.CLOUD, spectra.CIRRUS)
    thick = step(sky.depth, 0.1, 4.0)
    near = np.asarray(gaussian_filter(sky.opacity[::4, ::4], 3), np.float32)
    glow = np.repeat(np.repeat(near, 4, 0), 4, 1)[: sky.depth.shape[0], : sky.depth.shape[1]]
    glow = gaussian_filter(glow, 2)
    for band in range(6):
        white = bright[0][band] + sky.ice * np.float32(bright[1][band] - bright[0][band])
        white *= sky.shine * (np.float32(0.8) + np.float32(0.2) * thick)
        bands[band] += glow * np.float32((0.022, 0.018, 0.015, 0.014, 0.006, 0.004)[band])
        blend(bands[band], white, 1 - np.exp(sky.depth * np.float32(-CLOUD_WEIGHT[band])))
