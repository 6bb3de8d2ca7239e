"""Rivers that follow the relief and lakes that lie in it: how much water a pixel holds, and of which kind."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import distance_transform_edt, gaussian_filter, gaussian_filter1d

from hlsmask.testing.fields import blend, noise, step, upsample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.testing.fields import Field
    from hlsmask.testing.relief import Relief

SPACING = 0.6
"""Pixels between the points of which a river is drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Waters:
    """The water of a landscape; every array is float32 of shape (row, column)."""

    cover: Field
    """Share of the pixel that is water, 0 to 1."""

    turbidity: Field
    """0 clear to 1 loaded with silt; smooth, and of meaning where there is water."""

    colour: Field
    """-1 green with algae to 1 blue with glacial flour."""

    bank: Field
    """Pixels to the nearest river's middle, in units of its half width and a pixel; 99 where none is near."""

    breadth: Field
    """Half width of the nearest river, in pixels."""


@dataclass(slots=True, eq=False)
class _Reach:
    """A river from its head to the sea or to where it joins another."""

    points: NDArray[np.float64]
    """(n, 5): row, column, half width in pixels, turbidity, level in metres."""


def make_waters(relief: Relief, rng: np.random.Generator, *, lakes: float = 1.0) -> Waters:
    """Draw rivers and `lakes` times the usual lakes; the relief's elevation is made flat under them, in place."""
    shape = relief.elevation.shape
    reaches = _reaches(relief, rng)
    inside, turbidity, level = _draw(reaches, shape)
    bank, breadth = _shape_valleys(relief, inside, level, reaches)
    cover = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    relief.elevation[...] = np.where(inside > 0, level, relief.elevation)
    colour = np.zeros(shape, np.float32)
    waters = Waters(cover, turbidity, colour, bank, breadth)
    _add_lakes(relief, waters, rng, lakes)
    return waters


def _reaches(relief: Relief, rng: np.random.Generator) -> list[_Reach]:
    """Follow the drainage from each head down; the longest river comes last."""
    shape, factor, tree = relief.tree.shape, relief.factor, relief.tree
    area = tree.gather(relief.rain).ravel() * factor**2
    load = rng.beta(0.9, 1.2, area.size).reshape(shape) ** 1.5
    patches = noise(shape, rng, 2.5, longest=max(shape) / 2, shortest=6)
    load = np.clip(0.25 * load + rng.uniform(0.05, 0.3) + 0.35 * patches, 0.0, 1.0)
    load = np.where(relief.rain > 1, rng.uniform(0.15, 1.0), load)
    turbidity = (tree.gather(load * relief.rain) / tree.gather(relief.rain)).ravel()
    extent = float(np.prod(relief.elevation.shape))
    least = max(260.0, 0.004 * extent**0.97)
    width = np.minimum(0.35 + 0.0085 * area**0.45, 14.0)
    river = area > least
    to = tree.receivers
    heads = river.copy()
    heads[to[river & (to >= 0)]] = False
    level = relief.nodes.ravel()
    placed: dict[int, NDArray[np.float64]] = {}
    reaches: list[_Reach] = []
    source = {int(h): area[h] for h in np.flatnonzero(heads)}
    for head in sorted(source, key=lambda h: _length(h, to), reverse=True):
        chain, node = [head], int(to[head])
        while node >= 0 and chain[-1] not in placed:
            chain.append(node)
            node = int(to[node])
        if len(chain) < 6:  # noqa: PLR2004 - nodes: nothing to draw
            continue
        mouth = placed.get(chain[-1])
        way = _smooth(np.array(np.unravel_index(chain, shape), np.float64).T, mouth, factor)
        placed.update(zip(chain, way, strict=True))
        values = np.column_stack([width[chain], turbidity[chain], level[chain]])
        values[:, 2] = np.minimum.accumulate(values[:, 2])
        if mouth is not None:
            values[-1, :2] = values[-2, :2]
        reaches.append(_Reach(_meander(way * factor, values, relief, rng)))
    return reaches[::-1]


def _length(node: int, to: NDArray[np.intp]) -> int:
    """Count the nodes down to the outlet."""
    count = 0
    while node >= 0:
        node, count = int(to[node]), count + 1
    return count


def _smooth(way: NDArray[np.float64], end: NDArray[np.float64] | None, factor: float) -> NDArray[np.float64]:
    """Round the corners of a way over grid nodes; it ends where the river that it joins has been drawn."""
    soft = np.column_stack([gaussian_filter1d(way[:, i], max(1.6, 5 / factor), mode="nearest") for i in (0, 1)])
    soft[0] = way[0]
    if end is not None:
        pull = np.exp(-np.arange(len(way))[::-1] / 3.0)[:, None]
        soft += pull * (end - soft[-1])
    return soft


def _meander(
    way: NDArray[np.float64], values: NDArray[np.float64], relief: Relief, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return points `SPACING` apart along `way` (pixels), swinging from side to side where the land is flat."""
    gaps = np.maximum(np.hypot(*np.diff(way, axis=0).T), 1e-3)
    at = np.concatenate([[0], np.cumsum(gaps)])
    s = np.linspace(0, at[-1], max(8, ceil(at[-1] / SPACING)))
    line = CubicSpline(at, way)
    rows, cols = line(s).T
    wide, turbid, level = (np.interp(s, at, values[:, i]) for i in range(3))
    inside = np.clip(np.column_stack([rows, cols]).astype(int), 0, np.array(relief.elevation.shape) - 1)
    flat = 1 - 0.85 * gaussian_filter1d(relief.mountain[inside[:, 0], inside[:, 1]].astype(np.float64), 9)
    swing = np.maximum(wide, 1.2)
    pitch = 2 * np.pi * SPACING / (13 * swing + 12)
    phase = np.cumsum(pitch * (1 + 0.45 * _wander(len(s), rng, 60))) + rng.uniform(0, 6)
    bend = np.sin(phase) + 0.45 * np.sin(0.43 * phase + 1) + 0.3 * np.sin(2.1 * phase)
    strength = 2.0 * swing * flat * np.clip(0.75 + 0.6 * _wander(len(s), rng, 150), 0.1, 1.6)
    taper = np.minimum(1, np.minimum(np.arange(len(s)), np.arange(len(s))[::-1]) * SPACING / 14)
    along = line(s, 1)
    along /= np.maximum(np.hypot(*along.T), 1e-6)[:, None]
    offset = bend * strength * taper
    wide = wide * (1 + 0.16 * _wander(len(s), rng, 14) * np.minimum(1, wide / 3))
    return np.column_stack([rows - offset * along[:, 1], cols + offset * along[:, 0], wide, turbid, level])


def _wander(count: int, rng: np.random.Generator, scale: float) -> NDArray[np.float64]:
    """Return smooth noise along a line."""
    line = gaussian_filter1d(rng.standard_normal(count + 8), scale / 3, mode="wrap")[:count]
    return np.asarray(line / max(float(line.std()), 1e-9))


def _draw(reaches: list[_Reach], shape: tuple[int, int]) -> tuple[Field, Field, Field]:
    """Return how far inside a river each pixel is (pixels, negative outside), and its turbidity and level."""
    size = shape[0] * shape[1]
    inside = np.full(size, -9.0, np.float32)
    total = np.full(size, 1e-9, np.float32)
    turbidity, level = np.zeros(size, np.float32), np.zeros(size, np.float32)
    points = np.concatenate([reach.points for reach in reaches]) if reaches else np.zeros((0, 5))
    base = np.rint(points[:, :2]).astype(np.intp)
    radius = np.ceil(points[:, 2] + 1).astype(int)
    for reach in np.unique(radius):
        some, at = points[radius == reach], base[radius == reach]
        for dr in range(-reach, reach + 1):
            for dc in range(-reach, reach + 1):
                if dr * dr + dc * dc > (reach + 0.8) ** 2:
                    continue
                rows, cols = at[:, 0] + dr, at[:, 1] + dc
                ok = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
                cell = (rows * shape[1] + cols)[ok]
                pick = some[ok]
                depth = pick[:, 2] - np.hypot(rows[ok] - pick[:, 0], cols[ok] - pick[:, 1])
                np.maximum.at(inside, cell, depth.astype(np.float32))
                weight = np.exp(np.clip(depth, -4, 12)).astype(np.float32)
                np.add.at(total, cell, weight)
                np.add.at(turbidity, cell, weight * pick[:, 3].astype(np.float32))
                np.add.at(level, cell, weight * pick[:, 4].astype(np.float32))
    turbidity /= total
    level /= total
    return inside.reshape(shape), turbidity.reshape(shape), level.reshape(shape)


def _shape_valleys(relief: Relief, inside: Field, level: Field, reaches: list[_Reach]) -> tuple[Field, Field]:
    """Level a valley floor beside the rivers, in place; return `bank` and `breadth` of `Waters`."""
    shape, coarse = relief.elevation.shape, 4
    small = (-(-shape[0] // coarse) + 1, -(-shape[1] // coarse) + 1)
    height, half = np.full(small, np.nan), np.ones(small)
    for reach in reaches:
        at = np.rint(reach.points[:, :2] / coarse).astype(int)
        ok = (at >= 0).all(1) & (at < small).all(1)
        height[at[ok, 0], at[ok, 1]] = reach.points[ok, 4]
        half[at[ok, 0], at[ok, 1]] = reach.points[ok, 2]
    if np.isnan(height).all():
        return np.full(shape, 99, np.float32), np.zeros(shape, np.float32)
    far, near = distance_transform_edt(np.isnan(height), return_indices=True)
    rows, cols = near
    ratio = upsample(np.minimum(far * coarse / (half[rows, cols] + 1), 99), shape, coarse, degree=1)
    bottom = upsample(gaussian_filter(height[rows, cols], 3), shape, coarse, degree=1)
    bottom = np.where(inside > -1, level, bottom)
    blend(relief.elevation, np.maximum(bottom, np.minimum(relief.elevation, bottom + 4)), 1 - step(ratio, 1.0, 5.0))
    return ratio, upsample(half[rows, cols], shape, coarse, degree=1)


def _add_lakes(relief: Relief, waters: Waters, rng: np.random.Generator, amount: float) -> None:
    """Lay round-about lakes with ragged shores into flat places, changing relief and waters in place."""
    cover, turbidity, colour = waters.cover, waters.turbidity, waters.colour
    shape = relief.elevation.shape
    count = max(3, round(amount * 9 * (shape[0] * shape[1] / 1024**2) ** 0.8))
    largest = max(5.0, min(150.0, min(shape) / 13))
    for number in range(count):
        half = largest * rng.uniform(0.75, 1.0) if number == 0 else min(largest, 3.0 + 4.5 * rng.pareto(1.3))
        spots = np.column_stack([rng.integers(0, n, 10) for n in shape])
        tilt = [_unevenness(relief, cover, spot, int(half)) for spot in spots]
        row, col = spots[int(np.argmin(tilt))]
        reach = ceil(half * 2.3) + 3
        box = (slice(max(0, row - reach), row + reach), slice(max(0, col - reach), col + reach))
        ground = relief.elevation[box]
        rows, cols = np.mgrid[
            box[0].start : box[0].start + ground.shape[0], box[1].start : box[1].start + ground.shape[1]
        ]
        turn, long = rng.uniform(0, np.pi), rng.uniform(1.0, 1.7)
        dx, dy = cols - col, rows - row
        ahead, aside = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        ragged = noise(ground.shape, rng, 3.7, longest=2 * half + 6)
        distance = np.hypot(ahead / long, aside * long**0.3) * (1 - 0.24 * ragged)
        share = np.clip(half - distance + 0.5, 0, 1).astype(np.float32)
        if not (share > 0.5).any():  # noqa: PLR2004 - half of a pixel
            continue
        surface = np.float32(np.percentile(ground[share > 0], 25))
        high = float(relief.mountain[row, col])
        own = np.float32(np.clip(rng.beta(0.8, 1.9) - 0.3 * high, 0, 1))
        tint = np.float32(rng.uniform(0.2, 1.0) if high > 0.4 else rng.uniform(-1.0, 0.3))  # noqa: PLR2004
        shore = np.clip((half * 1.35 + 4 - distance) / (half * 0.35 + 4), 0, 1).astype(np.float32)
        blend(ground, surface + np.float32(0.15) * (ground - surface), shore * (1 - share))
        ground[share > 0] = surface
        patch = noise(ground.shape, rng, 3.0, longest=2 * half + 6)
        wet = share > np.minimum(cover[box], 0.5)
        turbidity[box] = np.where(wet, np.clip(own + np.float32(0.05) * patch, 0, 1), turbidity[box])
        colour[box] = np.where(wet, tint, colour[box])
        np.maximum(cover[box], share, out=cover[box])


def _unevenness(relief: Relief, cover: Field, spot: NDArray[np.int64], half: int) -> float:
    """Return how much the ground rises within `half` pixels of `spot`, in metres; more where there is water."""
    row, col = spot
    box = (slice(max(0, row - half), row + half + 1), slice(max(0, col - half), col + half + 1))
    return float(np.ptp(relief.elevation[box]) + 5000 * cover[box].mean())
