"""Clouds of both layers, contrails, and the light that they leave to the ground."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, pi
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from hlsmask.samples.simulate.fields import beside, shift, slide, soften, upper
from hlsmask.samples.simulate.kinds import Fog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from hlsmask.samples.simulate.fields import Canvas, Rows
    from hlsmask.samples.simulate.kinds import Kind
    from hlsmask.samples.simulate.parameters import Simulation
    from hlsmask.samples.simulate.sun import Suns

CLOUD_FROM: Final = 0.12
"""Opacity that the cover of a kind of cloud is counted from."""

TOWER_STEPS: Final = (0.2, 0.45, 0.7)
"""Heights, as shares of the highest tower, at which the beam from a cloud to the sun is followed."""

TOWER_LOSS: Final = 0.5
"""Share of its brightness that cloud loses in the shadow of a tower: its sides and the sky still light it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """What one layer, or contrails, add to the sky of some of its windows."""

    at: Tensor
    """Which of the sky's windows, shape (k,)."""

    depth: Tensor
    """Optical depth of clouds in green, shape (k, h, w)."""

    ice: Tensor
    """That of the ice among it, shape (k, h, w)."""

    lit: Tensor | None
    """How much brighter its light side is and how much darker its dark side, shape (k, h, w)."""

    height: NDArray[np.float32]
    """Metres over the ground, shape (k,)."""

    bounded: list[bool]
    """Whether what lies beyond a window's edge is its mirror image; else it is a torus."""

    def moved(self, down: NDArray[np.float32], right: NDArray[np.float32]) -> Sheet:
        """Return it `down` and `right` by so many pixels a metre of its height, both of all of the sky's windows."""
        own = self.at.cpu().numpy()
        ways = ((down[own] * self.height).tolist(), (right[own] * self.height).tolist())
        depth, ice = (slide(part, *ways, mirrored=self.bounded) for part in (self.depth, self.ice))
        lit = None if self.lit is None else slide(self.lit, *ways, mirrored=self.bounded)
        return replace(self, depth=depth, ice=ice, lit=lit)


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """What lies between the ground and the sensor of some windows of a batch."""

    rows: Rows
    """Which windows of the batch, shape (m,)."""

    depth: Tensor
    """Optical depth of clouds in green, droplets and ice together, shape (m, h, w)."""

    ice: Tensor
    """Optical depth of the ice among it, shape (m, h, w)."""

    shine: Tensor
    """Brightness of the clouds' light side and dark side, about 1, shape (m, h, w)."""

    shade: Tensor
    """Share of the sun's direct light that clouds keep from the ground, 0 to 1, shape (m, h, w)."""

    sheets: tuple[Sheet, ...]
    """What depth, ice and shine are the sums of."""

    def moved(self, down: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[Tensor, Tensor, Tensor]:
        """Return depth, ice and shine with each sheet `down` and `right` by so many pixels a metre of its height.

        Both have one number for each of the sky's windows, shape (m,).
        """
        return _gathered([sheet.moved(down, right) for sheet in self.sheets], self.depth)

    @property
    def opacity(self) -> Tensor:
        """Share of the ground's green light that clouds hide, 0 to 1, shape (m, h, w)."""
        return 1 - (-self.depth).exp()


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer of cloud."""

    depth: Tensor
    """Optical depth seen from above, shape (m, h, w)."""

    above: Tensor
    """Optical depth between the ground and the sun: the same, moved along the beam and softened, (m, h, w)."""

    thick: Tensor
    """Optical depth if it had no limit: how high the cloud towers, shape (m, h, w)."""

    most: Tensor
    """That limit, shape (m, 1, 1)."""

    ice: NDArray[np.float32]
    """Share of ice, one a window."""

    height: NDArray[np.float32]
    """Metres over the ground, one a window."""

    bounded: list[bool]
    """Whether it is bound to the window's ground, and so no torus."""


def make_sky(
    canvas: Canvas,
    simulation: Simulation,
    suns: Suns,
    valleys: Tensor | None = None,
    *,
    without: NDArray[np.bool_] | None = None,
) -> Sky | None:
    """Return the sky of the windows that have clouds, or None where none has any.

    `valleys` (n, h, w), high where ground is low and 0 in windows without relief, is where fog gathers. Windows
    `without`, (n,), have none.
    """
    options, dice = simulation.clouds, canvas.dice
    low = (options.cumulus, options.broken, options.thin, options.overcast, options.fog)
    high = (options.altocumulus, options.cirrus, options.veil)
    dice.turn("sky")
    has_low, has_high, has_trail = dice.chance(options.share), dice.chance(options.high), dice.chance(options.contrails)
    if without is not None:
        has_low, has_high, has_trail = has_low & ~without, has_high & ~without, has_trail & ~without
    strength = dice.within(simulation.shadow.strength)
    relief, towers = dice.within(options.relief), dice.within(options.towers)
    rows = np.flatnonzero(has_low | has_high | has_trail)
    if rows.size == 0:
        return None
    above = torch.zeros((rows.size, *canvas.shape), device=canvas.device)
    sheets = []
    for chapter, kinds, flags in (("low", low, has_low), ("high", high, has_high)):
        dice.turn(chapter)
        own = np.flatnonzero(flags)
        layer = _layer(canvas, own, kinds, suns, pixel=simulation.pixel, valleys=valleys if kinds is low else None)
        if layer is None:
            continue
        at = torch.from_numpy(np.searchsorted(rows, own)).to(canvas.device)
        frozen = canvas.column(layer.ice)
        lit = _shine(canvas, layer.thick, own, relief, suns)
        if options.towers[1] > 0:
            lit -= TOWER_LOSS * _behind(layer, towers[own], own, suns, simulation.pixel)
        lit *= 1 - frozen
        sheets.append(Sheet(at, layer.depth, layer.depth * frozen, lit, layer.height, layer.bounded))
        above.index_add_(0, at, layer.above)
    own = np.flatnonzero(has_trail)
    if own.size:
        at = torch.from_numpy(np.searchsorted(rows, own)).to(canvas.device)
        seen, shaded, height = _contrails(canvas, own, suns, simulation.pixel)
        sheets.append(Sheet(at, seen, seen, None, height[own], [True] * own.size))
        above.index_add_(0, at, shaded)
    depth, ice, shine = _gathered(sheets, above)
    shade = (1 - above.neg_().exp_()) * canvas.column(strength, rows)
    return Sky(rows, depth, ice, shine, shade, tuple(sheets))


def _gathered(sheets: Iterable[Sheet], like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return depth, ice and shine of all sheets together, each of the shape of `like`, (m, h, w)."""
    depth, ice, shine = torch.zeros_like(like), torch.zeros_like(like), torch.ones_like(like)
    for sheet in sheets:
        depth.index_add_(0, sheet.at, sheet.depth)
        ice.index_add_(0, sheet.at, sheet.ice)
        if sheet.lit is not None:
            shine.index_add_(0, sheet.at, sheet.lit)
    return depth, ice, shine


def _layer(
    canvas: Canvas, rows: Rows, kinds: tuple[Kind, ...], suns: Suns, *, pixel: float, valleys: Tensor | None
) -> Layer | None:
    """Return a layer of one of `kinds` for each of the windows `rows`."""
    dice = canvas.dice
    kind = dice.pick([one.weight for one in kinds])
    drawn = {
        name: dice.even(*np.array([getattr(one, name) for one in kinds], np.float32)[kind].T)
        for name in ("cover", "cell", "slope", "patches", "billow", "stretch", "gain", "most", "height")
    }
    angle = dice.even(0, pi)
    ice = np.array([one.ice for one in kinds], np.float32)[kind][rows]
    if rows.size == 0:
        return None
    field = canvas.field(
        rows,
        drawn["slope"],
        3 * drawn["cell"],
        shortest=2.5,
        stretch=drawn["stretch"],
        angle=angle,
        patches=drawn["patches"],
    )
    heads = canvas.field(rows, 4.0, np.clip(drawn["cell"], 9, 45), shortest=3.0).abs_().sub_(0.8)  # its mean
    heads *= canvas.column(drawn["billow"], rows)
    field += heads
    foggy = np.array([isinstance(one, Fog) for one in kinds])[kind]
    if valleys is not None:
        field.addcmul_(valleys[rows], canvas.column(foggy.astype(np.float32), rows), value=2.5)
    cover = canvas.column(drawn["cover"], rows)
    gain, most = canvas.column(drawn["gain"], rows), canvas.column(drawn["most"], rows)
    field -= upper(field, cover)
    frayed = heads.roll((canvas.shape[0] // 2, canvas.shape[1] // 3), (1, 2)).add_(1)  # thicker here, torn there
    thick = field.mul_(gain).mul_(frayed).add_(-log(1 - CLOUD_FROM)).clamp_(min=0)
    depth = most * torch.tanh(thick / most)
    down, right = suns.throw(drawn["height"], pixel)
    steps = [np.rint(way[rows]).astype(int).tolist() for way in (down, right)]
    bounded = foggy[rows].tolist()  # valleys do not go on where the window ends
    moved = shift(depth, *steps, mirrored=bounded)
    return Layer(depth, soften(moved), thick, most, ice, drawn["height"][rows], bounded)


def _shine(canvas: Canvas, thick: Tensor, rows: Rows, relief: NDArray[np.float32], suns: Suns) -> Tensor:
    """Return how much brighter or darker than level cloud each side of a heap is, (m, h, w)."""
    top = soften(thick.clamp(max=60).sqrt_())
    east, north = canvas.column(suns.east, rows), canvas.column(suns.north, rows)
    slope = (beside(top, 2, -1) - beside(top, 2, 2)) * east + (beside(top, 1, 2) - beside(top, 1, -1)) * north
    return (slope * canvas.column(relief, rows)).clamp_(-0.5, 0.22)


def _behind(layer: Layer, towers: NDArray[np.float32], rows: Rows, suns: Suns, pixel: float) -> Tensor:
    """Return how much of the sun higher parts of a layer hide from its lower ones, 0 to 1, (m, h, w).

    `towers` are metres from the lowest to the highest top, one a window.
    """
    top = soften((layer.thick / (1.5 * layer.most)).clamp_(max=1))
    hidden = torch.zeros_like(top)
    for share in TOWER_STEPS:
        way = suns.of_rows(rows).throw(towers * np.float32(share), pixel)
        down, right = (np.rint(one).astype(int).tolist() for one in way)
        hidden = torch.maximum(hidden, (shift(top, down, right) - top).sub_(share).div_(0.15).clamp_(0, 1))
    return soften(hidden)


def _contrails(canvas: Canvas, rows: Rows, suns: Suns, pixel: float) -> tuple[Tensor, Tensor, NDArray[np.float32]]:
    """Return optical depth of trails seen from above, and as the ground's sunbeam meets them, (m, h, w) each.

    Last their height in metres, of all windows, (n,).
    """
    dice, (height, width) = canvas.dice, canvas.shape
    y = torch.arange(height, device=canvas.device, dtype=torch.float32)[None, :, None]
    x = torch.arange(width, device=canvas.device, dtype=torch.float32)[None, None, :]
    dice.turn("trails")
    metres = dice.even(8000, 12000)
    down, right = suns.throw(metres, pixel)
    angle, count = dice.even(0, pi), dice.draw() * 3
    lumps = canvas.field(rows, 2.4, 40, shortest=4, stretch=4.0, angle=angle).mul_(0.35).add_(1).clamp_(min=0)
    layers = []
    places = [
        (dice.even(-0.05, 1.05), dice.even(-0.12, 0.12), dice.even(0.8, 5.0), dice.even(0.15, 1.1)) for _ in range(3)
    ]
    for dy, dx in ((0.0 * down, 0.0 * right), (down, right)):
        total = torch.zeros((rows.size, height, width), device=canvas.device)
        for number, (place, tilt, wide, thick) in enumerate(places):
            turn = canvas.column(angle + tilt, rows)
            middle = canvas.column(place * max(height, width), rows)
            across = (y - canvas.column(dy, rows) - middle) * turn.cos() - (
                x - canvas.column(dx, rows) - middle
            ) * turn.sin()
            shown = canvas.column(thick * (count > number), rows)
            total += shown * (-((across / canvas.column(wide, rows)) ** 2)).exp()
        layers.append(total)
    moved = shift(lumps, np.rint(down[rows]).astype(int).tolist(), np.rint(right[rows]).astype(int).tolist())
    return layers[0] * lumps, soften(layers[1] * moved), metres
