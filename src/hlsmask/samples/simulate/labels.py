"""What is known of each pixel once everything is laid on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.samples.simulate.fields import highest

if TYPE_CHECKING:
    from torch import Tensor

    from hlsmask.samples.simulate.parameters import Simulation

MIXED: Final = 0.1
"""Share of a pixel from which new ground may show; what the background knew is gone where all but this is new."""

SHORE: Final = 0.5
"""Share of a pixel from which flooded land is water."""

CORE: Final = 3
"""Pixels to each side in which the core of a shadow is sought, beside which its rim is light."""

_WATER, _CLOUD, _SHADOW, _SNOW, _TERRAIN = range(len(Mask))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What was laid over the background."""

    background: Tensor
    """Labels of the background, uint8 (n, 5, h, w)."""

    lakes: Tensor | None
    """Share of each pixel of land that was flooded, (n, h, w)."""

    bare: Tensor | None
    """Share of each pixel that sand, salt or roofs cover, (n, h, w)."""

    cover: Tensor | None
    """Share of each pixel that snow or ice covers, (n, h, w)."""

    ice: Tensor | None
    """Share of each pixel that ice covers, (n, h, w)."""

    dark: Tensor | None
    """Terrain shadow in the meaning asked for: 1, 0, or 255 at the rim of a cast shadow, uint8 (n, h, w)."""

    light: Tensor | None
    """Direct light that relief leaves, as a multiple of that on open level ground, (n, h, w)."""

    opacity: Tensor
    """Share of the ground's light that clouds hide, (n, h, w)."""

    shade: Tensor
    """Share of the direct light that clouds keep from the ground, (n, h, w)."""

    contrast: Tensor
    """Change of the visible bands' mean reflectance by clouds, less on bright ground, (n, h, w)."""

    haze: Tensor | None
    """Share of the ground's light that haze and smoke hide, (n, h, w)."""


def label(scene: Scene, simulation: Simulation) -> Tensor:
    """Return the labels of what can be seen, uint8 (n, 5, h, w).

    The background's own clouds, shadows and what it does not know of them count for nothing: there neither cloud nor
    shadow is known, except simulated cloud and what it hides. Below its own cloud nothing else is known, and where it
    may have shadow, lit ground is not known to be that.
    """
    clouds, shadow = simulation.clouds, simulation.shadow
    labels = scene.background.clone()
    murky = (labels[:, _CLOUD] != 0) | (labels[:, _SHADOW] != 0)
    opaque = scene.opacity >= clouds.hidden_from
    veiled = scene.opacity if scene.haze is None else 1 - (1 - scene.opacity) * (1 - scene.haze)
    hidden = veiled >= clouds.hidden_from
    own_cloud = labels[:, _CLOUD] == 1
    cloudy = (scene.opacity >= clouds.label_from) & (opaque | (scene.contrast >= clouds.visible_from))

    doubt = (scene.opacity >= clouds.doubt_from) | (veiled >= clouds.label_from)
    labels[:, _CLOUD] = _pick(cloudy, doubt | murky)

    lost = scene.shade if scene.light is None else scene.shade * scene.light.clamp(max=1)
    shaded, dim = lost >= shadow.label_from, scene.shade >= shadow.doubt_from
    if shadow.edge_at:
        core = highest(lost, CORE)
        shaded &= lost >= shadow.edge_at * core
        dim &= scene.shade >= shadow.edge_doubt * core
    rim = dim & ~shaded  # also where relief leaves no light to lose
    seen = scene.opacity < clouds.doubt_from
    clear = seen & ~murky & ~hidden
    labels[:, _SHADOW] = _pick(shaded & clear, rim | shaded | murky | hidden).mul_(~opaque)

    if scene.lakes is not None:
        flooded = scene.lakes >= SHORE
        labels[:, _WATER].masked_fill_((scene.lakes > MIXED) & (labels[:, _WATER] != 1), NOT_OBSERVED)
        labels[:, _WATER].masked_fill_(flooded, 1)
        labels[:, _SNOW].masked_fill_(flooded, 0)
    snow, ice = simulation.snow, scene.ice
    if scene.bare is not None:
        own = labels[:, _SNOW]
        own.masked_fill_((scene.bare > MIXED) & (own != 0), NOT_OBSERVED).masked_fill_(scene.bare > 1 - MIXED, 0)
    if scene.cover is not None and ice is not None:
        water = labels[:, _WATER]
        water.masked_fill_((ice > 1 - snow.doubt_from) & (water == 1), 0)
        water.masked_fill_((ice >= snow.doubt_from) & (water == 1), NOT_OBSERVED)
        labels[:, _SNOW].masked_fill_(scene.cover >= snow.doubt_from, NOT_OBSERVED)
        labels[:, _SNOW].masked_fill_(scene.cover >= snow.label_from, 1)

    if scene.dark is not None:
        own = labels[:, _TERRAIN]
        labels[:, _TERRAIN] = torch.where((scene.dark == 0) & (own != 0), NOT_OBSERVED, scene.dark)
    own = labels[:, _TERRAIN]
    own.masked_fill_(murky & (own == 0), NOT_OBSERVED)
    if scene.lakes is not None:
        own.masked_fill_((scene.lakes > MIXED) & (own != 0), NOT_OBSERVED)
    unknown = (hidden | own_cloud).to(torch.uint8).mul_(NOT_OBSERVED)
    for mask in (_WATER, _SNOW, _TERRAIN):
        labels[:, mask].bitwise_or_(unknown)  # 255, whatever it was
    return labels


def _pick(there: Tensor, maybe: Tensor) -> Tensor:
    """Return 1 where it is there, else 255 where it may be, else 0, as uint8."""
    return (maybe & ~there).to(torch.uint8).mul_(NOT_OBSERVED).add_(there)
