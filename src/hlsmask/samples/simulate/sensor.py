"""What air, sensor and processing do last: haze, the veil of clear air, noise, stripes, gains of the bands."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from hlsmask.samples.simulate import spectra
from hlsmask.samples.simulate.fields import upper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.simulate.fields import Canvas
    from hlsmask.samples.simulate.parameters import Simulation

TILT: Final = (8.0, 14.0)
"""Degrees between the track and the columns in HLS tiles."""

PARALLAX: Final = 0.00947
"""Metres by which what is a metre up moves along the track in a second: 7.44 km/s over 786 km (Sentinel-2)."""

_SECONDS: Final = (0.0, 0.527, 1.005, 2.055, 1.468, 2.085)
"""When Sentinel-2's MSI sees a place in B02, B03, B04, B8A, B11 and B12, in seconds after B02 (ESA's handbook)."""

LATER: Final = tuple(np.float32(second - _SECONDS[1]) for second in _SECONDS)
"""The same in seconds after green, where clouds lie as their labels have them."""


def haze(canvas: Canvas, bands: Tensor, simulation: Simulation) -> Tensor | None:
    """Lay haze or smoke over some windows of (n, 6, h, w), in place; return its opacity in green (n, h, w), or None."""
    options, dice = simulation.air, canvas.dice
    dice.turn("haze")
    rows = np.flatnonzero(dice.chance(options.haze))
    deep, smoke = dice.within(options.haze_depth), dice.chance(0.5)
    beta, long, stretch = dice.even(2.8, 4.0), dice.even(60, 400), dice.even(1, 6)
    angle, floor = dice.even(0, pi), dice.even(-1.5, 0.8)
    if rows.size == 0:
        return None
    field = canvas.field(rows, beta, long, stretch=stretch, angle=angle, coarse=2)
    depth = canvas.column(deep, rows) * ((field - canvas.column(floor, rows)) / 1.6).clamp_(0, 1.6)
    for band in range(6):
        through = (depth * -spectra.HAZE_WEIGHT[band]).exp_()
        grey = canvas.column(np.where(smoke, np.float32(spectra.SMOKE[band]), np.float32(spectra.HAZE[band])), rows)
        bands[rows, band] = (bands[rows, band] - grey) * through + grey
    opacity = torch.zeros((bands.shape[0], *canvas.shape), device=canvas.device)
    opacity[rows] = 1 - (-depth).exp_()
    return opacity


def misjudge(canvas: Canvas, bands: Tensor, water: Tensor, simulation: Simulation) -> None:
    """Leave over the water (n, h, w; 1 where there is some) of some windows what the correction for air got wrong.

    In place. Where the aerosol was taken for thinner than it was, water is lighter and greyer; for denser, darker.
    Seen over the sea in HLS: smooth swells, and dark or light areas whose edges are those of blocks of pixels.
    """
    options, dice = simulation.air, canvas.dice
    dice.turn("misjudged")
    chosen = dice.chance(options.misjudged)
    level, side = dice.log(options.misjudged_level), np.maximum(1, dice.log(options.misjudged_block).astype(int))
    beta, long, stretch, angle = dice.even(3.4, 4.8), dice.even(80, 500), dice.even(1, 4), dice.even(0, pi)
    cover, inside = dice.even(-0.3, 0.5), dice.even(-0.6, 1.0)
    weights = [dice.even(*ends) for ends in ((0.9, 1.6), (1, 1), (0.6, 1.05), (0.3, 1.15), (0.08, 0.45), (0.02, 0.3))]
    rows = np.flatnonzero(chosen & (water.flatten(1).amax(1) > 0).cpu().numpy())
    if rows.size == 0:
        return
    left = canvas.field(rows, beta, long, shortest=6, stretch=stretch, angle=angle, coarse=2).clamp_(-1, 2).mul_(0.5)
    where = canvas.field(rows, 3.2, long, coarse=2)
    down, right = (
        torch.from_numpy(np.arange(length) // side[rows, None] * side[rows, None]).to(canvas.device)
        for length in canvas.shape
    )
    windows = torch.arange(rows.size, device=canvas.device)[:, None, None]
    where = where[windows, down[:, :, None], right[:, None, :]]  # over a block that of its first pixel
    share = canvas.column(cover.clip(min=0), rows)  # 3 of 8 windows have no blocks
    left = torch.where(where > upper(where, share), canvas.column(inside, rows), left)
    left *= canvas.column(level, rows) * water[rows]
    for band, weight in enumerate(weights):
        bands[rows, band] = (bands[rows, band] + left * canvas.column(weight, rows)).clamp_(min=0.0005)


def measure(canvas: Canvas, bands: Tensor, simulation: Simulation) -> None:
    """Turn reflectance (n, 6, h, w) at the ground into what is distributed, in place."""
    air, options, dice = simulation.air, simulation.instrument, canvas.dice
    dice.turn("sensor")
    veil = dice.chance(air.toa) * dice.within(air.toa_level)
    level = veil[:, None] * np.array(spectra.VEIL, np.float32)
    gain = np.stack([dice.within(options.gain) for _ in range(6)], 1)
    gain[~dice.chance(options.gained)] = 1
    noise = dice.log(options.noise)
    spread = np.stack([dice.even(0.6, 1.4) for _ in range(6)], 1) * noise[:, None]
    through = torch.from_numpy(((1 - level) * gain).astype(np.float32)).to(canvas.device)[:, :, None, None]
    added = torch.from_numpy((level * gain).astype(np.float32)).to(canvas.device)[:, :, None, None]
    bands.mul_(through).add_(added)
    factors = torch.from_numpy(spread.astype(np.float32)).to(canvas.device)[:, :, None, None]
    if canvas.together:
        bands.addcmul_(canvas.noise(np.arange(len(bands)), (6, *canvas.shape)), factors)
    else:  # a window at a time, so that no noise is copied
        for window, grain, factor in zip(bands, canvas.cuts((6, *canvas.shape)), factors, strict=True):
            window.addcmul_(grain, factor)
    _stripe(canvas, bands, simulation)
    bands.clamp_(-0.1, 3.0)


def parallax(canvas: Canvas, simulation: Simulation) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return by how many pixels (down, right) a metre of height moves a cloud in a second of the sensor, (n,) each.

    Along the track; every other detector looks backwards.
    """
    options, dice = simulation.instrument, canvas.dice
    dice.turn("parallax")
    chosen, part, back = dice.chance(options.parallax), dice.within(options.parallax_part), dice.chance(0.5)
    tilt = np.radians(dice.within(TILT))
    rate = np.where(chosen, part * np.where(back, -1, 1) * PARALLAX / simulation.pixel, 0)
    return (rate * np.cos(tilt)).astype(np.float32), (-rate * np.sin(tilt)).astype(np.float32)


def _stripe(canvas: Canvas, bands: Tensor, simulation: Simulation) -> None:
    """Add stripes along the track, in place."""
    options, dice = simulation.instrument, canvas.dice
    dice.turn("stripes")
    rows = np.flatnonzero(dice.chance(options.stripes))
    level, tilt = dice.within(options.stripes_level), np.radians(dice.within(TILT)).astype(np.float32)
    height, width = canvas.shape
    length = 2 * (height + width)
    if rows.size == 0:
        return
    profile = canvas.noise(rows, (6, length))
    y = torch.arange(height, device=canvas.device, dtype=torch.float32)[None, :, None]
    x = torch.arange(width, device=canvas.device, dtype=torch.float32)[None, None, :]
    turn = canvas.column(tilt, rows)
    place = (x * turn.cos() + y * turn.sin()).long().clamp_(0, length - 1).flatten(1)
    for band in range(6):
        stripes = profile[:, band].gather(1, place).view(-1, height, width)
        bands[rows, band] += stripes * canvas.column(level, rows)


def gaps(canvas: Canvas, simulation: Simulation) -> Tensor | None:
    """Return what lies beyond the edge of a swath or of the scene, bool (n, h, w), or None where nothing does."""
    options, dice = simulation.instrument, canvas.dice
    dice.turn("gaps")
    rows = np.flatnonzero(dice.chance(options.gaps))
    angle, cover, square = dice.even(0, 2 * np.pi), dice.within(options.gap_cover), dice.chance(0.4)
    if rows.size == 0:
        return None
    angle = np.where(square, np.round(angle / (np.pi / 2)) * (np.pi / 2), angle).astype(np.float32)
    down, right = np.cos(angle), np.sin(angle)
    height, width = canvas.shape
    row = torch.linspace(-1, 1, height, device=canvas.device)[:, None]
    col = torch.linspace(-1, 1, width, device=canvas.device)
    across = row * canvas.column(down, rows) + col * canvas.column(right, rows)  # -reach to reach
    reach = canvas.column(np.abs(down) + np.abs(right), rows)
    beyond = torch.zeros((dice.count, height, width), dtype=torch.bool, device=canvas.device)
    beyond[rows] = across > reach * (1 - 2 * canvas.column(cover, rows))
    return beyond
