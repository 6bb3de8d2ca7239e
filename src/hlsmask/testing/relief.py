"""The ground: heights with valleys that water has cut, the light on them, and their shadows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, hypot, radians, sin, sqrt, tan
from typing import TYPE_CHECKING

import numpy as np

from hlsmask.testing.drainage import Drainage, erode
from hlsmask.testing.fields import noise, step, upsample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.sun import Sun
    from hlsmask.testing.fields import Field

PIXEL = 30.0
"""Metres."""

GRID = 360
"""Nodes along the longer side of the grid on which water is routed, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """Heights, and how water runs over them."""

    elevation: Field
    """Metres, shape (row, column)."""

    mountain: Field
    """0 in the plain to 1 in the mountains, shape (row, column)."""

    factor: float
    """Pixels between the nodes of the drainage grid; its first node lies on the first pixel."""

    nodes: NDArray[np.float64]
    """Metres at the nodes."""

    tree: Drainage
    """Where each node drains to."""

    rain: NDArray[np.float64]
    """Area that each node gathers itself, in nodes; large where a river enters from outside."""


def make_relief(shape: tuple[int, int], rng: np.random.Generator) -> Relief:
    """Return relief of `shape` (rows, columns): mountains on one side, a plain on the other, rivers between."""
    longer = max(shape)
    factor = max(2.0, longer / GRID) if longer > 256 else 2.0  # noqa: PLR2004 - pixels
    grid = (ceil(shape[0] / factor) + 2, ceil(shape[1] / factor) + 2)
    span = max(grid)
    rows, cols = np.meshgrid(np.linspace(-1, 1, grid[0]), np.linspace(-1, 1, grid[1]), indexing="ij")
    heading = rng.uniform(0, 2 * np.pi)
    along = rows * np.sin(heading) + cols * np.cos(heading)
    wander = noise(grid, rng, 3.2, longest=1.3 * span, shortest=6)
    mountain = step((along + 0.42 * wander - rng.uniform(-0.1, 0.25)).astype(np.float32), -0.45, 0.8)
    edge = np.zeros(grid, np.bool_)
    edge[0], edge[-1], edge[:, 0], edge[:, -1] = True, True, True, True
    outlets = edge & (along < -0.55 * np.abs(along).max())
    uplift = 0.004 + mountain**1.5 * (1 + 0.45 * noise(grid, rng, 2.8, longest=span / 2, shortest=4))
    rain = np.ones(grid)
    high = np.flatnonzero((edge & (along > 0.0)).ravel())
    for share in (0.9, 0.25)[: 1 + int(longer > 700)]:  # noqa: PLR2004 - pixels
        rain.ravel()[rng.choice(high)] += share * rain.size
    start = 0.02 * (along + 1) + 0.05 * noise(grid, rng, 2.0, longest=span / 2)
    nodes = erode(start.astype(np.float64), np.maximum(uplift, 0.003).astype(np.float64), outlets, rain)
    nodes -= nodes.min()
    slope = np.hypot(*np.gradient(nodes, PIXEL * factor))[mountain > 0.6]  # noqa: PLR2004 - well inside
    steep = float(np.percentile(slope, 85)) if slope.size else 1e-3
    nodes *= min(tan(radians(rng.uniform(24, 31))) / steep, 3000.0 / float(np.percentile(nodes, 99.9)))
    nodes += rng.uniform(120, 1300)
    tree = Drainage.of(nodes, outlets)
    elevation = upsample(nodes, shape, factor)
    uneven = upsample(mountain, shape, factor, degree=1)
    fine = noise(shape, rng, 3.1, longest=6 * factor + 20)
    ridged = 0.6 - np.abs(noise(shape, rng, 2.9, longest=8 * factor + 24))
    rough = (fine + 1.2 * ridged) * (0.8 + 7 * uneven * sqrt(factor / 2.5))
    elevation += rough.astype(np.float32)
    return Relief(elevation, uneven, factor, nodes, tree, rain)


@dataclass(frozen=True, slots=True, eq=False)
class ReliefParts:
    """What of the ground is dark, and why."""

    cosine: Field
    """Cosine of the angle between the sun and the ground's normal, 0 where turned away, (row, column)."""

    shad: NDArray[np.bool_]
    """Turned away from the sun as the DSWx SHAD layer has it: that layer is 0 there, (row, column)."""

    cast: NDArray[np.bool_]
    """Other relief stands between the ground and the sun, (row, column)."""


def relief_parts(elevation: Field, sun: Sun, *, spacing: float = PIXEL) -> ReliefParts:
    """Return the light on relief, and its two kinds of shadow.

    Parameters
    ----------
    elevation
        Metres, north up, shape (row, column).
    sun
        Where it stands.
    spacing
        Metres between pixels.

    Notes
    -----
    `shad` is directional slope of -5 degrees or less and local incidence above 40 degrees
    (NASA PROTEUS, `sun_local_inc_angle`). Pixels outside of the array throw no shadow.
    """
    south, east = np.gradient(elevation, np.float32(spacing))
    nx, ny = -east, south
    towards = nx * np.float32(sin(radians(sun.azimuth))) + ny * np.float32(cos(radians(sun.azimuth)))
    cosine = (towards * np.float32(sin(radians(sun.zenith))) + np.float32(sun.up)) / np.sqrt(nx * nx + ny * ny + 1)
    shad = (cosine < cos(radians(40))) & (towards <= tan(radians(-5)))
    return ReliefParts(np.maximum(cosine, 0), shad, cast_shadow(elevation, sun, spacing=spacing))


def cast_shadow(elevation: Field, sun: Sun, *, spacing: float = PIXEL) -> NDArray[np.bool_]:
    """Return where other relief stands between the ground and the sun, shape (row, column).

    The ground is followed towards the sun, a pixel at a time and then in growing steps, until no relief is high
    enough to reach the ray.
    """
    shadow = np.zeros(elevation.shape, np.bool_)
    if sun.zenith < 1:
        return shadow
    rise = spacing / tan(radians(sun.zenith))
    relief = float(elevation.max() - elevation.min())
    along = hypot(sun.east, sun.north)
    down, right = -sun.north / along, sun.east / along
    reach = 1.0
    rows, cols = elevation.shape
    while reach * rise < relief and reach < max(rows, cols):
        dr, dc = round(reach * down), round(reach * right)
        here = (slice(max(0, -dr), rows - max(0, dr)), slice(max(0, -dc), cols - max(0, dc)))
        there = (slice(max(0, dr), rows + min(0, dr)), slice(max(0, dc), cols + min(0, dc)))
        shadow[here] |= elevation[there] > elevation[here] + np.float32(hypot(dr, dc) * rise + 1.0)
        reach += max(1.0, reach / 24)
    return shadow
