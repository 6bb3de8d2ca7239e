"""The simulation put together: ground, light, sky, sensor, labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from hlsmask.bands import BANDS
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.samples.simulate import clouds, overlay, relief, sensor, snow, spectra, surface
from hlsmask.samples.simulate.dice import Dice
from hlsmask.samples.simulate.elevations import open_elevations
from hlsmask.samples.simulate.fields import Canvas
from hlsmask.samples.simulate.labels import Scene, label
from hlsmask.samples.simulate.parameters import Simulation
from hlsmask.samples.simulate.sun import Suns
from hlsmask.samples.simulate.water import flood, recolour
from hlsmask.sun import Sun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from hlsmask.samples.simulate.clouds import Sky
    from hlsmask.samples.simulate.relief import Shading

GREY: Final = 0.1
"""Reflectance that stands in for what was not observed, until it is blank again."""


MORNING: Final = (15.0, 190.0)
"""Degrees clockwise from north between which the sun stands where HLS's satellites pass: from summer in the tropics to
the polar circle."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What the labels of a batch were made from."""

    scene: Scene
    """What lies where, window by window."""

    suns: Suns
    """Where the sun stands."""

    sky: Sky | None
    """Clouds, of the windows that have some."""

    shading: Shading | None
    """Relief, of the windows that have some."""


class Simulator:
    """Lays clouds, shadows, snow, relief and air over clear windows, and tells what is there."""

    def __init__(self, simulation: Simulation | None = None, device: torch.device | str = "cpu") -> None:
        """Prepare to simulate on `device`.

        Raises
        ------
        UsageError
            If `relief.dem` names a file that holds no elevations.
        """
        self.simulation = simulation or Simulation()
        self.device = torch.device(device)
        options, pixel = self.simulation.relief, self.simulation.pixel
        self._ground = open_elevations(options.dem, pixel, self.device) if options.dem and options.real else None

    def __call__(
        self,
        bands: Tensor,
        labels: Tensor,
        *,
        seed: int | Sequence[Sequence[int]] | torch.Generator,
        elevation: Tensor | None = None,
        sun: Sun | Sequence[Sun] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Simulate over a batch of windows.

        Parameters
        ----------
        bands
            Clear reflectance, float32 (n, 6, h, w), NaN where not observed. It is left as it is.
        labels
            What is known of it, uint8 (n, 5, h, w), 0, 1 or 255.
        seed
            A whole number of 0 or more, from which each window of the batch gets its own; or the seeds of the
            windows, each a few such numbers; or a generator to draw them from. The same window and seed give the
            same result in any batch.
        elevation
            Metres, float32 (n, h, w), north up: real relief in place of simulated, in all windows.
        sun
            Where the sun stands, for all windows or one each; else it is drawn.

        Returns
        -------
        tuple[Tensor, Tensor]
            Bands float32 (n, 6, h, w), NaN where they were, and labels uint8 (n, 5, h, w), 255 there, on the
            simulator's device.

        Raises
        ------
        ValueError
            If shapes or types do not fit.
        """
        return self.render(bands, labels, seed=seed, elevation=elevation, sun=sun)[:2]

    def render(
        self,
        bands: Tensor,
        labels: Tensor,
        *,
        seed: int | Sequence[Sequence[int]] | torch.Generator,
        elevation: Tensor | None = None,
        sun: Sun | Sequence[Sun] | None = None,
    ) -> tuple[Tensor, Tensor, Parts]:
        """Do what calling the simulator does, and return what the labels were made from besides."""
        _check(bands, labels, elevation)
        with torch.no_grad():
            return self._render(bands, labels, _seeds(seed, len(bands)), elevation, sun)

    def _render(
        self,
        bands: Tensor,
        labels: Tensor,
        seeds: Sequence[Sequence[int]],
        elevation: Tensor | None,
        sun: Sun | Sequence[Sun] | None,
    ) -> tuple[Tensor, Tensor, Parts]:
        simulation = self.simulation
        canvas = Canvas((bands.shape[2], bands.shape[3]), Dice(seeds), self.device)
        suns = self._suns(canvas.dice, sun)
        given, labels = bands.to(self.device), labels.to(self.device)
        blank = ~given.sum(1, keepdim=True).isfinite()
        beyond = sensor.gaps(canvas, simulation)
        if beyond is not None:
            blank |= beyond[:, None]
        whole = not bool(blank.any())
        out = given.clone() if whole else given.masked_fill(blank, GREY)

        water = (labels[:, 0] == 1).float()
        shading, height = self._relief(canvas, water, elevation, suns)
        lakes = flood(canvas, water, height, simulation)
        surface.vary(canvas, out, simulation)
        wet = water if lakes is None else torch.maximum(water, lakes)
        surface.mottle(canvas, out, wet, simulation)
        surface.darken(canvas, out, wet, simulation)
        bare = surface.brighten(canvas, out, wet, simulation)
        recolour(canvas, out, wet, lakes, simulation)
        cover, ice = snow.lay_snow(canvas, out, wet, height, simulation)

        bare_sky = snow.clear(canvas, cover, simulation)
        sky = clouds.make_sky(canvas, simulation, suns, None if height is None else 0.5 - height, without=bare_sky)
        self._light(canvas, out, shading, sky)
        sensor.misjudge(canvas, out, wet, simulation)
        fog = sensor.haze(canvas, out, simulation)
        zero = torch.zeros_like(water)
        opacity, shade, contrast = zero, zero, zero
        if sky is not None:
            opacity, shade, contrast = zero.clone(), zero.clone(), zero.clone()
            contrast[sky.rows] = overlay.cover(canvas, out, sky, simulation)
            opacity[sky.rows], shade[sky.rows] = sky.opacity, sky.shade
        sensor.measure(canvas, out, simulation)

        dark, light = self._darkness(shading, labels[:, 4])
        scene = Scene(
            background=labels,
            lakes=lakes,
            bare=bare,
            cover=cover,
            ice=ice,
            dark=dark,
            light=light,
            opacity=opacity,
            shade=shade,
            contrast=contrast,
            haze=fog,
        )
        known = label(scene, simulation)
        if not whole:
            out.masked_fill_(blank, torch.nan)
            known.masked_fill_(blank, NOT_OBSERVED)
        return out, known, Parts(scene, suns, sky, shading)

    def _suns(self, dice: Dice, sun: Sun | Sequence[Sun] | None) -> Suns:
        light = self.simulation.light
        dice.turn("sun")
        azimuth, zenith = dice.within(light.azimuth), dice.within(light.zenith)
        drawn = Suns(np.where(dice.chance(light.morning), dice.even(*MORNING), azimuth), zenith)
        if sun is None:
            return drawn
        suns = [sun] * dice.count if isinstance(sun, Sun) else list(sun)
        if len(suns) != dice.count:
            raise ValueError(f"{dice.count} windows need as many suns, or one for all, not {len(suns)}")
        return Suns.of(suns)

    def _relief(
        self, canvas: Canvas, water: Tensor, elevation: Tensor | None, suns: Suns
    ) -> tuple[Shading | None, Tensor | None]:
        """Return the light on relief, and heights from 0 to 1 for all windows (0 where there is no relief)."""
        made = relief.heights(canvas, water, self.simulation, self._ground)
        pixel = self.simulation.pixel
        if elevation is not None:
            rows = np.arange(len(water))
            metres = elevation.to(self.device, torch.float32)
            extent = (metres.amax((1, 2)) - metres.amin((1, 2))).cpu().numpy()
            shading = relief.shade(canvas, rows, metres, extent, suns, pixel=pixel)
        elif made is not None:
            rows, metres, extent = made
            shading = relief.shade(canvas, rows, metres, extent, suns, pixel=pixel)
        else:
            return None, None
        height = torch.zeros_like(water)
        lowest = metres.amin((1, 2), keepdim=True)
        height[rows] = (metres - lowest) / torch.from_numpy(extent).to(self.device).clamp(min=1.0)[:, None, None]
        return shading, height

    def _light(self, canvas: Canvas, bands: Tensor, shading: Shading | None, sky: Sky | None) -> None:
        """Let the sun, as far as relief and clouds leave it, and the sky light the ground, in place."""
        canvas.dice.turn("light")
        factor = canvas.dice.within(self.simulation.light.diffuse)
        if shading is None and sky is None:
            return
        lost = torch.zeros((bands.shape[0], *canvas.shape), device=self.device)  # of the direct light
        if shading is not None:
            lost[shading.rows] = 1 - shading.light
        if sky is not None:
            lost[sky.rows] += sky.shade * (1 - lost[sky.rows])
        for band, share in enumerate(spectra.SKYLIGHT):
            straight = canvas.column(1 - factor * np.float32(share))
            bands[:, band].mul_(1 - straight * lost)

    def _darkness(self, shading: Shading | None, own: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return terrain shadow (uint8: 1, 0, 255) and direct light of all windows, or None where none has relief."""
        if shading is None:
            return None, None
        options = self.simulation.relief
        both = options.meaning == "shad+cast"
        value = shading.shad.to(torch.uint8)
        if options.label_from:
            value.masked_fill_(shading.shad & (shading.light > 1 - options.label_from), NOT_OBSERVED)
        if both:
            value.masked_fill_((shading.hidden > relief.DARK) & ~shading.shad, NOT_OBSERVED)
            value.masked_fill_(shading.cast, 1)
        dark = own.clone()
        dark[shading.rows] = value
        light = torch.ones(own.shape, device=self.device)
        light[shading.rows] = shading.light
        return dark, light


def _seeds(seed: int | Sequence[Sequence[int]] | torch.Generator, count: int) -> Sequence[Sequence[int]]:
    """Return one seed a window."""
    if isinstance(seed, torch.Generator):
        drawn = torch.randint(0, 2**62, (count,), generator=seed, device=seed.device)
        return [[int(number)] for number in drawn.cpu()]
    if isinstance(seed, int):
        return [[seed, window] for window in range(count)]
    if len(seed) != count:
        raise ValueError(f"{count} windows need as many seeds, or one number for all, not {len(seed)}")
    return seed


def _check(bands: Tensor, labels: Tensor, elevation: Tensor | None) -> None:
    """Raise ValueError if shapes or types do not fit."""
    n, _, h, w = bands.shape if bands.ndim == 4 else (0, 0, 0, 0)  # noqa: PLR2004 - (n, band, row, column)
    if n == 0 or bands.shape[1] != len(BANDS) or bands.dtype != torch.float32:
        raise ValueError(
            f"bands must be float32 of shape (n, {len(BANDS)}, h, w), not {bands.dtype} of {tuple(bands.shape)}"
        )
    if labels.shape != (n, len(Mask), h, w) or labels.dtype != torch.uint8:
        wanted = (n, len(Mask), h, w)
        raise ValueError(f"labels must be uint8 of shape {wanted}, not {labels.dtype} of {tuple(labels.shape)}")
    if elevation is not None and (elevation.shape != (n, h, w) or not bool(elevation.isfinite().all())):
        raise ValueError(f"elevation must be finite metres of shape {(n, h, w)}, not of {tuple(elevation.shape)}")
