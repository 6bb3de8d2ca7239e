"""What clouds look like from above: their colour, what they hide of the ground, and what light they share with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from hlsmask.samples.simulate import sensor, spectra
from hlsmask.samples.simulate.fields import enlarge, shrink, soften, step

if TYPE_CHECKING:
    from torch import Tensor

    from hlsmask.samples.simulate.clouds import Sky
    from hlsmask.samples.simulate.fields import Canvas
    from hlsmask.samples.simulate.parameters import Simulation

VISIBLE: Final = 3
"""So many bands, the first ones, are those that eyes see."""

BETWEEN: Final = range(4)
"""The bands in which neither clouds nor snow absorb much: light goes to and fro between them."""


def cover(canvas: Canvas, bands: Tensor, sky: Sky, simulation: Simulation) -> Tensor:
    """Lay the clouds and their glow over the bands (n, 6, h, w), in place.

    Returns by how much the clouds change the reflectance of the visible bands, their mean, (m, h, w): how well one
    sees them. Where ground is so bright that `visible_share` of it is more than `visible_from`, less by the difference.
    """
    options, dice = simulation.clouds, canvas.dice
    dice.turn("colour")
    green = dice.within(options.brightness)
    parts = [dice.within(ends) for ends in (options.blue, options.red, options.nir)]
    parts += dice.both(options.swir1, options.swir2, spectra.SHORT_WAVES_APART)
    colour = np.stack([parts[0], np.ones_like(green), *parts[1:]], 1) * green[:, None]
    glow = dice.within(options.glow)
    rows = sky.rows
    opacity = sky.opacity
    near = _around(opacity) * canvas.column(glow, rows)
    warm = torch.from_numpy(colour[rows].astype(np.float32)).to(canvas.device)
    seen = torch.zeros_like(opacity)
    ground = bands[rows, :VISIBLE].mean(1) if options.visible_share else None
    down, right = (way[rows] for way in sensor.parallax(canvas, simulation))
    still = _look(sky.depth, sky.ice, sky.shine)
    for band, later in enumerate(sensor.LATER):
        moves = later and down.any()
        depth, light, icy = _look(*sky.moved(later * down, later * right)) if moves else still
        white = light * warm[:, band, None, None]
        if band not in BETWEEN:  # ice absorbs there
            white.addcmul_(white, icy, value=-1)
        through = (depth * -spectra.CLOUD_WEIGHT[band]).exp_()
        plane = bands[:, band] if rows.size == len(bands) else bands[rows, band]
        plane.add_(near, alpha=spectra.GLOW[band])
        change = (white - plane).mul_(1 - through)
        if options.ground_light and band in BETWEEN:
            change.add_(_thrown_back(_around(plane), white, through), alpha=options.ground_light)
        if band < VISIBLE:
            seen.add_(change, alpha=1 / VISIBLE)
        plane.add_(change)
        if rows.size < len(bands):
            bands[rows, band] = plane
    seen.abs_()
    return seen if ground is None else seen - (options.visible_share * ground - options.visible_from).clamp_(min=0)


def _around(field: Tensor) -> Tensor:
    """Return a field (m, h, w) as it is within some ten pixels around each."""
    return enlarge(soften(shrink(field, 8), 2), (field.shape[1], field.shape[2]))


def _thrown_back(ground: Tensor, white: Tensor, through: Tensor) -> Tensor:
    """Return what is seen of light that went through clouds scattered, and came back from the ground, (m, h, w).

    Clouds of reflectance r over ground of reflectance a that absorb nothing let through 1 - r, twice, and light goes to
    and fro between both: (1 - r)^2 a / (1 - a r), by the adding method (Liou 2002, An Introduction to Atmospheric
    Radiation, 6.4). What of it is seen straight through is left out: that is the ground's picture.
    """
    reflected = ((1 - through) * white).clamp_(0, 1)
    back = (1 - reflected).square_() * ground / (1 - ground * reflected).clamp_(min=0.02)
    return (back - through * ground).clamp_(min=0)


def _look(depth: Tensor, ice: Tensor, shine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return optical depth, how bright clouds of it are, and by what share ice darkens them, (m, h, w) each."""
    return depth, shine * step(depth, -2.5, 4.0).clamp_(min=0.6), (ice / depth.clamp(min=1e-6)).mul_(0.5)
