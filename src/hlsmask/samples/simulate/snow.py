"""Snow on land, whole and broken ice on water."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from hlsmask.samples.simulate import spectra
from hlsmask.samples.simulate.fields import soften, step, upper

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.samples.simulate.dice import Draw
    from hlsmask.samples.simulate.fields import Canvas, Rows
    from hlsmask.samples.simulate.parameters import Simulation


def lay_snow(
    canvas: Canvas, bands: Tensor, water: Tensor, height: Tensor | None, simulation: Simulation
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """Lay snow and ice on the bands (n, 6, h, w), in place.

    Parameters
    ----------
    canvas, bands
        Where; reflectance under even light.
    water
        1 where there is water, (n, h, w).
    height
        Relief from 0 to 1, (n, h, w), 0 in windows without: snow lies where it is high; None where no window has any.
    simulation
        Its parameters.

    Returns
    -------
    tuple
        Share of each pixel that snow or ice covers as seen from above, and share of it that is ice, (n, h, w) each;
        None where no window has any.
    """
    options, dice = simulation.snow, canvas.dice
    dice.turn("snow")
    land, alone = dice.chance(options.share), dice.chance(options.ice_alone)
    frozen, broken = dice.chance(options.ice) & land | alone & ~land, dice.chance(options.floes)
    share, beta, long = dice.within(options.cover), dice.even(2.8, 4.2), dice.even(60, 400)
    edge, uphill = dice.within(options.edge), dice.even(1, 4)
    white, nir = dice.within(options.brightness), dice.within(options.nir)
    dark = dice.both(options.swir1, options.swir2, spectra.SHORT_WAVES_APART)
    tint = [dice.within(options.blue), dice.within(options.red)]
    rough, trees = dice.within(options.texture), dice.within(options.trees)
    ice_share, grey, leads = dice.even(0.3, 1.0), dice.even(0.35, 1.0), dice.even(0.02, 0.3)
    size = dice.even(8, 60)
    rows = np.flatnonzero(land | frozen)
    if rows.size == 0:
        return None, None
    cover, ice = torch.zeros_like(water), torch.zeros_like(water)
    field = canvas.field(rows, beta, long, shortest=2.5)
    place = field if height is None else field + height[rows] * canvas.column(uphill, rows) * 2.5
    grain = canvas.noise(rows, canvas.shape)
    here = bands[rows]
    wet = water[rows]

    stand = _forest(canvas, here, rows, (1 - wet) * canvas.column(land.astype(np.float32), rows), simulation)
    # Dense forest is dark in red and bright in near infrared; it hides the snow that lies below it.
    leaf = step((here[:, 3] - here[:, 2]) / (here[:, 3] + here[:, 2] + 0.01), 0.45, 0.8) * step(here[:, 2], 0.10, 0.03)
    open_ground = 1 - torch.maximum(leaf, stand) * canvas.column(trees, rows)
    above = (place - upper(place, canvas.column(share, rows))) * canvas.column(edge, rows)
    ragged = above + 0.35 * grain
    on_land = torch.sigmoid(ragged) * open_ground * (1 - wet) * canvas.column(land.astype(np.float32), rows)

    on_water = _ice(canvas, rows, field, ice_share, leads * broken, size=size) * wet
    on_water *= canvas.column(frozen.astype(np.float32), rows)

    # What lies under the snow shows a little: hedges, roads, furrows.
    level = here[:, 1:3].mean(1)
    bump = (level / soften(level, 3).clamp(min=0.01)).clamp_(0.5, 1.5).sub_(1)
    texture = canvas.column(rough, rows)
    tone = canvas.column(white, rows) * (1 + texture * (0.6 * grain + 0.8 * field) + 0.12 * bump)
    dull = 1 - on_water * (1 - canvas.column(grey, rows))
    ratio = [tint[0], np.ones_like(nir), tint[1], nir, *dark]
    seen = on_land + on_water
    for band, part in enumerate(ratio):
        snow = tone * canvas.column(part, rows)
        snow *= dull if band < 3 else dull * (1 - 0.25 * on_water)  # noqa: PLR2004 - wet ice is darker still there
        here[:, band] += seen * (snow - here[:, band])
    bands[rows] = here
    cover[rows], ice[rows] = seen, on_water
    return cover, ice


def clear(canvas: Canvas, cover: Tensor | None, simulation: Simulation) -> NDArray[np.bool_] | None:
    """Return which windows, (n,), have no clouds because of their snow, whose cover is (n, h, w) or None: none."""
    if cover is None or not simulation.snow.clear:
        return None
    canvas.dice.turn("clear")
    snowy: NDArray[np.bool_] = (cover.amax((1, 2)) > 0).cpu().numpy()
    return canvas.dice.chance(simulation.snow.clear) & snowy


def _forest(canvas: Canvas, bands: Tensor, rows: Rows, land: Tensor, simulation: Simulation) -> Tensor:
    """Let conifers stand in patches of the land of some of the windows `rows`, on their bands (m, 6, h, w), in place.

    `land` is 1 where some may stand. Returns the share of each pixel that they take, (m, h, w).
    """
    options, dice = simulation.snow, canvas.dice
    dice.turn("conifers")
    chosen, share, sharp = dice.chance(options.forest), dice.within(options.forest_cover), dice.even(2, 12)
    long, beta, tone = dice.even(15, 160), dice.even(2.2, 3.8), dice.even(0.6, 1.8)
    if not chosen[rows].any():
        return torch.zeros_like(land)
    field = canvas.field(rows, beta, long, shortest=2.5)
    stand = torch.sigmoid((field - upper(field, canvas.column(share, rows))) * canvas.column(sharp, rows)) * land
    stand *= canvas.column(chosen.astype(np.float32), rows)
    rough = 1 + 0.15 * canvas.noise(rows, canvas.shape)
    for band, crown in enumerate(spectra.CONIFERS):
        bands[:, band] += stand * (canvas.column(crown * tone, rows) * rough - bands[:, band])
    return stand


def _ice(canvas: Canvas, rows: Rows, field: Tensor, share: Draw, leads: Draw, *, size: Draw) -> Tensor:
    """Return the cover of water by ice, crossed by leads where `leads` is above 0, (m, h, w)."""
    canvas.dice.turn("ice")
    whole = torch.sigmoid((field - upper(field, canvas.column(share, rows))) * 8)
    crack = canvas.field(rows, 5, 3 * size, shortest=4).abs_()
    wide = canvas.column(leads, rows)
    floes = torch.where(wide > 0, step(crack, wide, wide + 0.12), 1.0)
    return whole * floes
