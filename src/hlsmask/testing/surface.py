"""The ground's reflectance before light and air: forest, fields, town, rock, snow and water over each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from hlsmask.testing import spectra
from hlsmask.testing.fields import blend, noise, step
from hlsmask.testing.parcels import parcels, streets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.testing.fields import Field
    from hlsmask.testing.hydrology import Waters
    from hlsmask.testing.relief import Relief


@dataclass(frozen=True, slots=True)
class Climate:
    """What kind of country it is."""

    dryness: float
    """0 forest and meadows to 1 desert."""

    season: float
    """0 midwinter to 1 midsummer."""

    snow_line: float
    """Height in metres above which snow lies."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The ground under even light."""

    reflectance: Field
    """Shape (6, row, column), 1.0 = all light returned."""

    snow: Field
    """Share of each pixel that snow covers, shape (row, column)."""


def make_surface(relief: Relief, waters: Waters, climate: Climate, rng: np.random.Generator) -> Surface:
    """Cover the ground with what grows, is built, lies and flows there."""
    shape = relief.elevation.shape
    layers = _land(relief, waters, climate, rng)
    snow = _snow(relief, climate, rng)
    patch = noise(shape, rng, 2.2, longest=400)
    layers.append((spectra.SNOW, snow * step(patch, -2.5, 0.5)))
    layers.append((spectra.OLD_SNOW, snow * (1 - step(patch, -2.5, 0.5))))
    tone = 1 + np.float32(0.055) * noise(shape, rng, 1.6, longest=300) + np.float32(0.035) * noise(shape, rng, 0.3)
    np.clip(tone, 0.6, 1.5, out=tone)
    swell = np.float32(0.0016) * noise(shape, rng, 1.5, longest=120)
    out = np.empty((6, *shape), np.float32)
    for band in range(6):
        ground = np.full(shape, spectra.MEADOW[band], np.float32)
        for spectrum, weight in layers:
            blend(ground, spectrum[band], weight)
        ground *= tone
        wet = spectra.water(band, waters.turbidity, waters.colour) * (1 + np.float32(0.03) * patch) + swell
        blend(ground, np.maximum(wet, np.float32(0.001)), waters.cover)
        out[band] = ground
    snow *= 1 - waters.cover
    return Surface(out, snow)


def _land(
    relief: Relief, waters: Waters, climate: Climate, rng: np.random.Generator
) -> list[tuple[spectra.Spectrum, Field]]:
    """Return spectra and the weights with which each lies upon those before it."""
    shape = relief.elevation.shape
    dry = climate.dryness + np.float32(0.16) * noise(shape, rng, 2.6, longest=700)
    dry += np.float32(0.05) * noise(shape, rng, 2.0, longest=60)
    dry -= np.float32(0.25) * (1 - step(waters.bank, 1.5, 6.0))
    height = relief.elevation + 120 * noise(shape, rng, 2.4, longest=250)
    trees = climate.snow_line * 0.35 + 1500
    high = step(height, trees - 150, trees + 250)
    hilly = step(relief.mountain, 0.12, 0.45)
    wood = noise(shape, rng, 2.3, longest=140)
    south, east = np.gradient(relief.elevation, np.float32(30.0))
    steep = np.hypot(south, east)
    shady = np.clip(np.asarray(gaussian_filter(south, 2), np.float32) * -4, -1.6, 1.6)
    forest = step(0.55 * wood + shady + 1.7 * hilly - 4.2 * (dry - 0.36), 0.5, 1.3) * (1 - high)
    rock = np.maximum(step(steep, 0.55, 0.95), high * step(wood + 3 * steep, 0.2, 1.4))
    first, second, rim = parcels(shape, rng, rng.uniform(7, 13))
    tame = step(noise(shape, rng, 2.6, longest=500, shortest=8) - 2.2 * dry, -1.9, -1.75)
    tame *= (1 - step(relief.mountain, 0.10, 0.2)) * (1 - forest * (first < 0.8))  # noqa: PLR2004 - a share
    green = climate.season * 0.75
    ripe = (first > green).astype(np.float32)
    town = _town(relief, waters, rng)
    road, roof = streets(shape, rng)
    river_sand = step(waters.bank, 0.5, 0.9) * (1 - step(waters.bank, 1.15, 1.5))
    river_sand *= step(noise(shape, rng, 2.4, longest=90, shortest=4), 0.2, 0.9) * (0.35 + 0.65 * step(dry, 0.2, 0.7))
    river_sand *= step(waters.breadth, 2.0, 3.5)
    dunes = step(dry + np.float32(0.1) * noise(shape, rng, 2.8, longest=200, shortest=4), 0.98, 1.1)
    leaf = step(noise(shape, rng, 2.4, longest=200) - 1.6 * hilly, -0.6, 0.5)
    return [
        (spectra.SHRUB, step(dry, 0.22, 0.42)),
        (spectra.STEPPE, step(dry, 0.42, 0.66)),
        (spectra.DESERT, step(dry, 0.68, 0.95)),
        (spectra.SAND, dunes),
        (spectra.CONIFER, forest),
        (spectra.BROADLEAF, forest * leaf * np.float32(0.85 * climate.season + 0.1)),
        (spectra.SCREE, high * np.float32(0.8) * (1 - step(wood, -1.2, 0.6))),
        (spectra.ROCK, rock * np.float32(0.9)),
        (spectra.STUBBLE, tame * ripe),
        (spectra.SOIL, tame * ripe * step(second, 0.25, 0.75)),
        (spectra.DARK_SOIL, tame * ripe * (second > 0.82) * np.float32(0.7)),  # noqa: PLR2004 - a share
        (spectra.CROP, tame * (1 - ripe) * (0.45 + 0.55 * second)),
        (spectra.SHRUB, tame * rim * np.float32(0.45)),
        (spectra.ROOF, town * np.float32(0.55)),
        (spectra.MEADOW, town * (roof < 0.3) * np.float32(0.7)),  # noqa: PLR2004 - a share
        (spectra.RED_ROOF, town * ((roof > 0.5) & (roof < 0.75)) * np.float32(0.5)),  # noqa: PLR2004
        (spectra.BRIGHT_ROOF, town * (roof > 0.93) * np.float32(0.75)),  # noqa: PLR2004 - a share
        (spectra.ASPHALT, town * road * np.float32(0.8)),
        (spectra.SAND, river_sand * np.float32(0.85)),
    ]


def _town(relief: Relief, waters: Waters, rng: np.random.Generator) -> Field:
    """Return where the town is, 0 to 1: in the plain, by the river if there is one, and villages about."""
    shape = relief.elevation.shape
    fit = np.clip(waters.bank, 2, 60) / 60 + 3 * relief.mountain
    town = np.zeros(shape, np.float32)
    count = max(2, round(14 * (shape[0] * shape[1] / 1024**2) ** 0.9))
    largest = max(5.0, min(shape) / 17)
    for number in range(count):
        spots = np.column_stack([rng.integers(0, n, 24) for n in shape])
        row, col = spots[int(np.argmin(fit[spots[:, 0], spots[:, 1]]))]
        half = min(largest, 75.0) if number == 0 else min(largest, 2.5 + 3 * rng.pareto(1.6))
        reach = int(2.2 * half) + 2
        box = (slice(max(0, row - reach), row + reach), slice(max(0, col - reach), col + reach))
        part = town[box]
        rows, cols = np.mgrid[box[0].start : box[0].start + part.shape[0], box[1].start : box[1].start + part.shape[1]]
        ragged = noise(part.shape, rng, 2.3, longest=2 * half + 8)
        share = np.clip(1.2 - np.hypot(rows - row, cols - col) / half + 0.35 * ragged, 0, 1).astype(np.float32)
        np.maximum(part, share, out=part)
    town *= 1 - step(relief.mountain, 0.15, 0.4)
    return town


def _snow(relief: Relief, climate: Climate, rng: np.random.Generator) -> Field:
    """Return the share of each pixel that snow covers: above a line, less on steep and on southern slopes."""
    south, east = np.gradient(relief.elevation, np.float32(30.0))
    steep = np.hypot(south, east)
    height = relief.elevation - 260 * np.clip(-south, -0.8, 0.8) - 500 * np.clip(steep - 0.55, 0, 1)
    range_ = float(np.ptp(relief.nodes))
    height += 0.03 * range_ * noise(relief.elevation.shape, rng, 2.0, longest=160)
    low, high = climate.snow_line - 0.03 * range_, climate.snow_line + 0.12 * range_
    snow: NDArray[np.float32] = step(height.astype(np.float32), low, high)
    return snow
