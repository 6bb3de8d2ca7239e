"""The land before light: the background's level, what is lighter, darker, or bright and no cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from hlsmask.samples.simulate import spectra
from hlsmask.samples.simulate.fields import soften, step, upper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.simulate.fields import Canvas
    from hlsmask.samples.simulate.parameters import Simulation


def vary(canvas: Canvas, bands: Tensor, simulation: Simulation) -> None:
    """Change level and colour of the background (n, 6, h, w), in place."""
    options, dice = simulation.ground, canvas.dice
    dice.turn("ground")
    factor = dice.within(options.level)[:, None] * np.stack([dice.within(options.tint) for _ in range(6)], 1)
    offset = dice.within(options.offset)
    bands.mul_(torch.from_numpy(factor.astype(np.float32)).to(canvas.device)[:, :, None, None])
    bands.add_(canvas.column(offset)[:, None]).clamp_(min=0.0005)


def mottle(canvas: Canvas, bands: Tensor, water: Tensor, simulation: Simulation) -> None:
    """Make the land of some windows lighter here and darker there, in place: what no light and no slope has made."""
    options, dice = simulation.ground, canvas.dice
    dice.turn("mottles")
    rows = np.flatnonzero(dice.chance(options.mottled))
    level, long = dice.log(options.mottled_level), dice.log(options.mottled_size)
    beta, stretch, angle = dice.even(1.2, 4.0), dice.even(1, 5), dice.even(0, np.pi)
    soil = dice.chance(0.65)
    # Soil is light in all bands alike. Where leaves are denser the near infrared is lighter, red and swir are darker.
    weights = [dice.even(0.6, 1.2) for _ in range(6)]
    leaf = [dice.even(*ends) for ends in ((0.1, 0.9), (0.0, 0.8), (0.5, 1.4), (-0.9, 0.0), (0.1, 0.9), (0.4, 1.3))]
    if rows.size == 0:
        return
    field = canvas.field(rows, beta, long, shortest=2.5, stretch=stretch, angle=angle)
    field = field.clamp_(-3, 3) * canvas.column(level, rows) * (1 - water[rows])
    for band in range(6):
        bands[rows, band] *= (field * canvas.column(np.where(soil, weights[band], leaf[band]), rows)).exp_()


def darken(canvas: Canvas, bands: Tensor, water: Tensor, simulation: Simulation) -> None:
    """Make patches of the land of some windows dark, in place: nothing casts them, so they are no shadow."""
    options, dice = simulation.ground, canvas.dice
    dice.turn("dark")
    rows = np.flatnonzero(dice.chance(options.dark))
    share, sharp, level = dice.within(options.dark_cover), dice.even(2.5, 12), dice.within(options.dark_level)
    long, beta, stretch, angle = dice.even(15, 160), dice.even(2.4, 4.4), dice.even(1, 3), dice.even(0, np.pi)
    # Fire and water darken the infrared most; peat and lava all bands alike.
    others = [1 - (1 - level) * dice.even(low, 1.1) for low in (0.2, 0.3, 0.3)] + [level]
    others += [1 - (1 - level) * dice.even(-0.2, 1.1), 1 - (1 - level) * dice.even(-0.2, 1.1)]
    if rows.size == 0:
        return
    field = canvas.field(rows, beta, long, shortest=2.5, stretch=stretch, angle=angle)
    edge = upper(field, canvas.column(share, rows))
    weight = torch.sigmoid((field - edge) * canvas.column(sharp, rows)) * (1 - water[rows])
    for band, kept in enumerate(others):
        bands[rows, band] *= 1 - weight * (1 - canvas.column(kept.clip(0.05, 1.3), rows))


def brighten(canvas: Canvas, bands: Tensor, water: Tensor, simulation: Simulation) -> Tensor | None:
    """Lay sand, salt, bright soil and roofs on the land of some windows, in place; `water` is 1 where there is some.

    Returns the share of each pixel that they cover, (n, h, w), or None where there are none.
    """
    options, dice = simulation.ground, canvas.dice
    dice.turn("bright")
    rows = np.flatnonzero(dice.chance(options.bright))
    share, sharp, level = dice.within(options.bright_cover), dice.even(1.5, 9), dice.even(0.75, 1.3)
    kind, town = dice.pick((0.35, 0.3, 0.35)), dice.chance(0.35)
    long, beta = dice.even(20, 200), dice.even(2.2, 3.6)
    if rows.size == 0:
        return None
    field = canvas.field(rows, beta, long)
    grain = canvas.noise(rows, canvas.shape)
    cover = canvas.column(share, rows)
    built = canvas.column(town.astype(np.float32), rows)
    fields = torch.sigmoid((field - upper(field, cover)) * canvas.column(sharp, rows))
    roofs = (soften(grain) > 1.0).float() * step(field, upper(field, cover), upper(field, cover * 0.5))
    weight = (fields + (roofs - fields) * built) * (1 - water[rows])
    tone = mottled(canvas.column(level, rows), field, grain)
    for band in range(6):
        roof = np.float32(spectra.ROOF[band])
        colour = canvas.column(np.where(town, roof, bright_reflectance(kind, band)), rows) * tone
        plane = bands[rows, band]
        # A part of the old pattern stays: roads, fields and channels show through sand and salt.
        own = (plane / plane.mean((1, 2), keepdim=True).clamp(min=0.01)).clamp_(0.3, 2).mul_(0.3).add_(0.7)
        bands[rows, band] = plane + weight * (colour * (own + (1 - own) * built) - plane)
    laid = torch.zeros_like(water)
    laid[rows] = weight
    return laid


def bright_reflectance(kind: NDArray[np.intp], band: int) -> NDArray[np.float32]:
    """Return the reflectance in a band of one `kind` of `spectra.BRIGHT` a window."""
    return np.array([spectrum[band] for spectrum in spectra.BRIGHT], np.float32)[kind]


def mottled(level: Tensor, field: Tensor, grain: Tensor) -> Tensor:
    """Return factors of bright ground (m, h, w): a level a window, a little lighter here and darker there."""
    return level * (1 + 0.04 * field + 0.02 * grain)
