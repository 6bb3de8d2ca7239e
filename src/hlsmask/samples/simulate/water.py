"""Water: lakes and ponds where there was land, other spectra, glint, and the ground that shows below shallow water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from hlsmask.samples.simulate import spectra
from hlsmask.samples.simulate.fields import soften, upper
from hlsmask.samples.simulate.surface import bright_reflectance, mottled

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


def flood(canvas: Canvas, water: Tensor, height: Tensor | None, simulation: Simulation) -> Tensor | None:
    """Return the share of each pixel that is flooded land, (n, h, w), or None where nowhere is any."""
    options, dice = simulation.water, canvas.dice
    dice.turn("lakes")
    flooded, share = dice.chance(options.lakes), dice.within(options.lake_cover)
    beta, long = dice.even(3.4, 4.6), dice.even(80, 400)
    dotted, little, size = dice.chance(options.ponds), dice.within(options.pond_cover), dice.log(options.pond_size)
    if height is not None:
        level = (height.flatten(1).amax(1) == 0).cpu().numpy()
        flooded &= level
        dotted &= level
    rows = np.flatnonzero(flooded | dotted)
    dotted &= ~flooded
    share, long = np.where(dotted, little, share), np.where(dotted, 3 * size, long)
    if rows.size == 0:
        return None
    field = canvas.field(rows, beta, long, shortest=2.5)
    lakes = torch.zeros_like(water)
    whole = (field > upper(field, canvas.column(share, rows))).float()
    small = canvas.column(dotted.astype(np.float32), rows)
    lakes[rows] = (whole + (soften(whole) - whole) * small) * (1 - water[rows])  # ponds are little but shore
    return lakes


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
    tone = mottled(canvas.column(level, rows), field, grain)
    white = canvas.column(pale.astype(np.float32), rows)
    ground = torch.empty_like(bands[rows])
    for band in range(6):
        own = bands[rows, band]
        dry = own + white * (canvas.column(bright_reflectance(kind, band), rows) * tone - own)
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
