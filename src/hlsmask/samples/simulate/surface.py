"""The ground before light: the background's level, other water, lakes, glint, and what is bright and no cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from hlsmask.samples.simulate import spectra
from hlsmask.samples.simulate.fields import soften, step, upper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.simulate.fields import Canvas, Rows
    from hlsmask.samples.simulate.parameters import Simulation

_DEEP: Final = 1e3
"""Metres of water whose bottom nobody sees."""

_OUT: Final = 0.52
_BACK: Final = 1.7 / np.pi
"""Of the light that comes up through water a part leaves it, and a part goes down again: reflectance above it is
0.52 r / (1 - 1.7 r / pi) where it is r below (Lee et al. 2002, doi:10.1364/AO.41.005755)."""


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
    tone = _mottled(canvas.column(level, rows), field, grain)
    for band in range(6):
        roof = np.float32(spectra.ROOF[band])
        colour = canvas.column(np.where(town, roof, _bright(kind, band)), rows) * tone
        plane = bands[rows, band]
        # A part of the old pattern stays: roads, fields and channels show through sand and salt.
        own = (plane / plane.mean((1, 2), keepdim=True).clamp(min=0.01)).clamp_(0.3, 2).mul_(0.3).add_(0.7)
        bands[rows, band] = plane + weight * (colour * (own + (1 - own) * built) - plane)
    laid = torch.zeros_like(water)
    laid[rows] = weight
    return laid


def _bright(kind: NDArray[np.intp], band: int) -> NDArray[np.float32]:
    """Return the reflectance in a band of one `kind` of `spectra.BRIGHT` a window."""
    return np.array([spectrum[band] for spectrum in spectra.BRIGHT], np.float32)[kind]


def _mottled(level: Tensor, field: Tensor, grain: Tensor) -> Tensor:
    """Return factors of bright ground (m, h, w): a level a window, a little lighter here and darker there."""
    return level * (1 + 0.04 * field + 0.02 * grain)


def recolour(canvas: Canvas, bands: Tensor, water: Tensor, lakes: Tensor | None, simulation: Simulation) -> None:
    """Give the water (n, h, w; 1 where there is some) of some windows other spectra, and glint, in place.

    `lakes` (n, h, w), where there are any, is water that was land: it always gets spectra.
    """
    options, dice = simulation.water, canvas.dice
    dice.turn("water")
    chosen = dice.chance(options.recoloured)
    low, high = dice.within(options.turbidity), dice.within(options.turbidity)
    hue, glinting = dice.even(-1, 1), dice.chance(options.glint)
    glint = dice.within(options.glint_level)
    long = dice.even(30, 200)
    laid = np.zeros_like(chosen) if lakes is None else (lakes.flatten(1).amax(1) > 0).cpu().numpy()
    rows = np.flatnonzero(chosen | laid | glinting)
    if rows.size == 0:
        return
    field = canvas.field(rows, 3.4, 2 * long, coarse=2)
    swell = canvas.noise(rows, canvas.shape)
    whole = canvas.column(chosen.astype(np.float32), rows)
    cover = water[rows] * whole if lakes is None else torch.maximum(water[rows] * whole, lakes[rows])
    ripples = (1 + 0.25 * field + 0.10 * swell).clamp_(min=0)
    mirror = canvas.column(np.where(glinting, glint, 0.0).astype(np.float32), rows) * water[rows] * ripples
    middle, span = (
        canvas.column((low + high) * np.float32(0.5), rows),
        canvas.column((high - low) * np.float32(0.5), rows),
    )
    turbidity = (middle + span * torch.tanh(field)).clamp_(0, 1)
    tone = 1 + options.texture * (0.7 * field + 0.12 * swell)
    hues = canvas.column(hue, rows)
    levels = _water(turbidity)
    bottom = None if lakes is None else _bottom(canvas, bands, lakes, laid, simulation)
    shallow = None if bottom is None else np.searchsorted(rows, bottom.rows)
    for band in range(6):
        level = levels[:, band] * tone
        level += hues.clamp(min=0) * spectra.FLOUR[band] - hues.clamp(max=0) * spectra.ALGAE[band]
        if bottom is not None:
            seen = bottom.seen(band, turbidity[shallow])
            level[shallow] += seen * (bottom.bands[:, band] - level[shallow])
        plane = bands[rows, band]
        plane += cover * (level.clamp_(min=0.001) - plane) + mirror * spectra.GLINT[band]
        bands[rows, band] = plane


@dataclass(frozen=True, slots=True, eq=False)
class _Bottom:
    """The ground below shallow water."""

    rows: Rows
    """Of which windows."""

    bands: Tensor
    """Its reflectance as it is seen from the air through a film of water, (m, 6, h, w)."""

    depth: Tensor
    """Metres of water above it, (m, h, w); much where the water was there before."""

    def seen(self, band: int, turbidity: Tensor) -> Tensor:
        """Return the share of it that is seen in a band, (m, h, w): light is dimmed on its way down and up again.

        R = R_deep + (R_bottom - R_deep) exp(-2 K z) (Maritorena et al. 1994, doi:10.4319/lo.1994.39.7.1689).
        """
        return (-2 * (spectra.WATER_ABSORBS[band] + spectra.SILT_DIMS * turbidity) * self.depth).exp_()


def _bottom(
    canvas: Canvas, bands: Tensor, lakes: Tensor, laid: NDArray[np.bool_], simulation: Simulation
) -> _Bottom | None:
    """Return what lies below the shallow lakes (n, h, w) of some windows, whose bands (n, 6, h, w) still show it.

    `laid`, (n,), is which windows have any.
    """
    options, dice = simulation.water, canvas.dice
    dice.turn("bottom")
    shallow, metres, pale = dice.chance(options.shallow), dice.log(options.depth), dice.chance(options.pale)
    kind, level = dice.pick((1, 2, 1)), dice.even(0.6, 1.5)  # salt below brine is whiter than what dust reaches
    uneven, beta, long = dice.even(0.1, 0.8), dice.even(2.6, 4.2), dice.even(20, 300)
    rows = np.flatnonzero(shallow & laid)
    if rows.size == 0:
        return None
    field = canvas.field(rows, beta, long, shortest=2.5)
    grain = canvas.noise(rows, canvas.shape)
    depth = canvas.column(metres, rows) * (canvas.column(uneven, rows) * field).exp()
    depth += _DEEP * (lakes[rows] == 0)
    tone = _mottled(canvas.column(level, rows), field, grain)
    white = canvas.column(pale.astype(np.float32), rows)
    ground = torch.empty_like(bands[rows])
    for band in range(6):
        own = bands[rows, band]
        dry = own + white * (canvas.column(_bright(kind, band), rows) * tone - own)
        ground[:, band] = _OUT * dry / (1 - _BACK * dry.clamp(max=1))
    return _Bottom(rows, ground, depth)


def _water(turbidity: Tensor) -> Tensor:
    """Return reflectance (m, 6, h, w) of water of a turbidity (m, h, w) from 0 to 1, linear between its nodes."""
    nodes, levels = np.array(spectra.TURBIDITY), np.array(spectra.WATER)
    rise = np.diff(levels) / np.diff(nodes)
    bends = np.diff(rise, prepend=0.0)  # a line a node, each bending what those before it made
    above = torch.stack([(turbidity - float(node)).clamp_(min=0) for node in nodes[:-1]], 1)
    weights = torch.from_numpy(bends.astype(np.float32)).to(turbidity.device)
    start = torch.from_numpy(levels[:, :1].astype(np.float32)).to(turbidity.device)
    height, width = turbidity.shape[1:]
    return (weights @ above.flatten(2) + start).view(-1, len(levels), height, width)
