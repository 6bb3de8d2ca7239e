"""Relief: heights, the light on slopes, and both kinds of shadow."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, hypot, radians, tan
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional

from hlsmask.inference.spectral.relief import BACK_SLOPE, INCIDENCE
from hlsmask.samples.simulate.fields import enlarge

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.simulate.elevations import Elevations
    from hlsmask.samples.simulate.fields import Canvas, Rows
    from hlsmask.samples.simulate.ground import Relief
    from hlsmask.samples.simulate.parameters import Simulation
    from hlsmask.samples.simulate.sun import Suns

OUTSIDE: Final = -1e9
"""Metres: ground that is not known hides nothing."""

POND: Final = 0.25
"""Share of a cell of 8 x 8 pixels up to which water is a pond."""

DARK: Final = 0.2
"""Share of the sun hidden by a far ridge from which a pixel may be in its shadow; from a half on it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Shading:
    """What relief does to the light of some windows of a batch."""

    rows: Rows
    """Which windows of the batch, shape (m,)."""

    elevation: Tensor
    """Metres, shape (m, h, w)."""

    light: Tensor
    """Direct light as a multiple of that on open level ground, 0 where hidden, shape (m, h, w)."""

    shad: Tensor
    """Turned away from the sun as the DSWx SHAD layer has it (0 in that layer), bool (m, h, w)."""

    hidden: Tensor
    """Share of the sun that other relief hides, 0 to 1, shape (m, h, w)."""

    @property
    def cast(self) -> Tensor:
        """Other relief stands between the ground and the sun, bool (m, h, w)."""
        return self.hidden >= 0.5  # noqa: PLR2004 - half of the sun


def heights(
    canvas: Canvas, water: Tensor, simulation: Simulation, ground: Elevations | None = None
) -> tuple[Rows, Tensor, NDArray[np.float32]] | None:
    """Return which windows get relief, their heights in metres (m, h, w) and the range of those, or None.

    Some are cut from real `ground`, where it is given. Water, 1 in `water` (n, h, w), is level and lies lowest, ponds
    aside.
    """
    options, dice = simulation.relief, canvas.dice
    dice.turn("relief")
    rows = np.flatnonzero(dice.chance(options.share))
    if rows.size == 0:
        return None
    if ground is None:
        height, extent = _fields(canvas, rows, options)
    else:
        height, extent = _either(canvas, rows, options, ground)
    return rows, height * _dry(water[rows]), extent


def _either(canvas: Canvas, rows: Rows, options: Relief, ground: Elevations) -> tuple[Tensor, NDArray[np.float32]]:
    """Return heights of `rows` and their ranges, a share of them cut from real ground."""
    dice = canvas.dice
    dice.turn("elevations")
    real, factor = dice.chance(options.real)[rows], dice.log(options.exaggeration)
    height = torch.empty(len(rows), *canvas.shape, device=canvas.device)
    extent = np.empty(len(rows), np.float32)
    if real.any():
        cut = ground.cut(dice, rows[real], canvas.shape) * canvas.column(factor, rows[real])
        height[real], extent[real] = cut, cut.amax((1, 2)).cpu().numpy()
    if not real.all():
        dice.turn("relief")
        dice.chance(options.share)  # drawn already: what follows is what it is without real ground
        height[~real], extent[~real] = _fields(canvas, rows[~real], options)
    return height, extent


def _fields(canvas: Canvas, rows: Rows, options: Relief) -> tuple[Tensor, NDArray[np.float32]]:
    """Return random heights of `rows` over their lowest point, metres (m, h, w), and their ranges."""
    dice = canvas.dice
    extent = dice.within(options.height) * np.float32(max(canvas.shape) / 256)
    beta, ridged = dice.within(options.slope), dice.within(options.ridges)
    long, stretch, angle = dice.even(120, 500), dice.even(1, 2.0), dice.even(0, np.pi)
    base = canvas.field(rows, beta, long, shortest=5, stretch=stretch, angle=angle)
    crest = canvas.field(rows, beta, long * np.float32(0.5), shortest=7, stretch=stretch, angle=angle)
    sharp = canvas.column(ridged, rows)
    height = base * (1 - 0.5 * sharp) - sharp * (crest * crest + 0.01).sqrt_() * (1.2 + 0.35 * base.clamp(-2, 2))
    height -= height.amin((1, 2), keepdim=True)
    height *= canvas.column(extent, rows) / height.amax((1, 2), keepdim=True)
    return height, extent[rows]


def _dry(water: Tensor) -> Tensor:
    """Return 0 on water and up to 3 pixels around it, rising to 1 some 40 pixels off, (m, h, w).

    Ponds that fill less than a quarter of their cell of 8 pixels lie on the slopes as they are: levelled, each would
    be a pit.
    """
    shape = (water.shape[1], water.shape[2])
    share = functional.avg_pool2d(water[:, None], 8, ceil_mode=True, count_include_pad=False)
    near = functional.max_pool2d((share > POND).float(), 3, 1, 1)
    bodies = water * functional.interpolate(near, scale_factor=8, mode="nearest")[:, 0, : shape[0], : shape[1]]
    for _ in range(3):
        near = torch.maximum(near, functional.avg_pool2d(near, 5, 1, 2, count_include_pad=False))
    near = functional.avg_pool2d(near, 3, 1, 1, count_include_pad=False)
    shore = functional.max_pool2d(functional.max_pool2d(bodies[:, None], (7, 1), 1, (3, 0)), (1, 7), 1, (0, 3))[:, 0]
    away = 1 - enlarge(near[:, 0], shape)
    return away * away * (1 - shore)


def shade(
    canvas: Canvas,
    rows: Rows,
    elevation: Tensor,
    extent: NDArray[np.float32],
    suns: Suns,
    *,
    pixel: float,
) -> Shading:
    """Return the light on relief.

    Parameters
    ----------
    canvas, rows
        Where, and which of its windows.
    elevation
        Metres, north up, shape (m, h, w).
    extent
        Metres between its lowest and highest point, or more, shape (m,).
    suns
        Those of all windows of the canvas.
    pixel
        Metres of a pixel's side.
    """
    south, east = _gradient(elevation, 1, pixel), _gradient(elevation, 2, pixel)
    zenith = np.radians(suns.zenith)
    towards = south * canvas.column(suns.north, rows) - east * canvas.column(suns.east, rows)
    up, flat = canvas.column(np.cos(zenith), rows), canvas.column(np.sin(zenith), rows)
    cosine = (towards * flat + up) / (south * south + east * east + 1).sqrt_()
    shad = (cosine < cos(radians(INCIDENCE))) & (towards <= tan(radians(BACK_SLOPE)))
    if canvas.together:
        hidden = _hidden_together(elevation, suns.azimuth[rows], suns.zenith[rows], extent, pixel)
    else:
        hidden = torch.stack([
            _hidden(ground, float(suns.azimuth[row]), float(suns.zenith[row]), float(most), pixel)
            for ground, row, most in zip(elevation, rows, extent, strict=True)
        ])  # fmt: skip
    light = (cosine / up).clamp_(0, 2.2) * (1 - hidden)
    return Shading(rows, elevation, light, shad, hidden)


def _gradient(elevation: Tensor, axis: int, pixel: float) -> Tensor:
    """Return the rise per metre along an axis: central differences, one-sided at the window's edge."""
    length = elevation.shape[axis]
    rise = elevation.narrow(axis, 1, length - 1) - elevation.narrow(axis, 0, length - 1)
    before = torch.cat([rise.narrow(axis, 0, 1), rise], axis)
    after = torch.cat([rise, rise.narrow(axis, length - 2, 1)], axis)
    return (before + after) * (0.5 / pixel)


def _hidden(ground: Tensor, azimuth: float, zenith: float, extent: float, pixel: float) -> Tensor:
    """Return the share of the sun that relief along its azimuth hides, (h, w).

    The ground is followed towards the sun, a pixel at a time and then in growing steps, until the beam is above all.
    What lies beyond the window hides nothing: relief is level at water, so it cannot go on where the window ends.
    """
    rows, cols = ground.shape
    rise = pixel / max(tan(radians(zenith)), 1e-3)
    reach = min(ceil(extent / rise), min(rows, cols) - 1)
    if reach < 1:
        return torch.zeros_like(ground)
    edge = reach + 1
    wide = functional.pad(ground, (edge,) * 4, value=OUTSIDE)
    top = torch.full_like(ground, OUTSIDE)
    down, right = -cos(radians(azimuth)), cos(radians(azimuth - 90))
    along = 1.0
    while along <= reach:
        dr, dc = round(along * down), round(along * right)
        seen = wide[edge + dr : edge + dr + rows, edge + dc : edge + dc + cols]
        top = torch.maximum(top, seen - hypot(dr, dc) * rise)
        along += max(1.0, along / 14)
    return ((top - ground) / rise).add_(0.5).clamp_(0, 1)


def _hidden_together(
    ground: Tensor, azimuth: NDArray[np.float32], zenith: NDArray[np.float32], extent: NDArray[np.float32], pixel: float
) -> Tensor:
    """Do what `_hidden` does for all windows (m, h, w) in one go, each along its own azimuth."""
    windows, rows, cols = ground.shape
    rise = pixel / np.maximum(np.tan(np.radians(zenith.astype(np.float64))), 1e-3)
    reach = np.minimum(np.ceil(extent / rise), min(rows, cols) - 1)
    if not windows or reach.max() < 1:
        return torch.zeros_like(ground)
    edge = int(reach.max()) + 1
    wide = functional.pad(ground, (edge,) * 4, value=OUTSIDE)
    width = cols + 2 * edge
    down, right = -np.cos(np.radians(azimuth.astype(np.float64))), np.cos(np.radians(azimuth.astype(np.float64) - 90))
    here = (torch.arange(rows) + edge)[:, None] * width + (torch.arange(cols) + edge)
    here = here.flatten().to(ground.device)
    flat = wide.flatten(1)
    top = torch.full_like(flat[:, : rows * cols], OUTSIDE)
    along = 1.0
    while along <= reach.max():
        dr, dc = np.rint(along * down), np.rint(along * right)
        steps = torch.from_numpy((dr * width + dc).astype(np.int64)).to(ground.device)
        drop = np.where(along <= reach, np.hypot(dr, dc) * rise, -OUTSIDE)
        drops = torch.from_numpy(drop.astype(np.float32)).to(ground.device)
        seen = flat.gather(1, here + steps[:, None])
        top = torch.maximum(top, seen - drops[:, None])
        along += max(1.0, along / 14)
    rises = torch.from_numpy(rise.astype(np.float32)).to(ground.device)[:, None, None]
    return ((top.view_as(ground) - ground) / rises).add_(0.5).clamp_(0, 1)
