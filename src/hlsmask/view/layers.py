"""What can be laid over the map: true colour, six masks, five probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.products import palette
from hlsmask.products.palette import COLOURS, LAYERS, MEANINGS, TITLES

if TYPE_CHECKING:
    from hlsmask.products.palette import Colour


class Kind(StrEnum):
    """Which file a layer is drawn from."""

    TRUE_COLOUR = "true_colour"
    MASK = "mask"
    PROBABILITY = "probability"


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing to switch on and off."""

    name: str
    """As addresses and links have it."""

    kind: Kind
    """Which file it is drawn from."""

    title: str
    """What a person reads."""

    meaning: str = ""
    """One sentence."""

    band: int = 0
    """Which band of its file it is, from 0."""

    colour: Colour | None = None
    """What it is drawn in; None: in the colours of the scene."""

    opacity: float = 1.0
    """At first, 0 to 1."""

    on: bool = False
    """Whether it is shown at first."""


_OFF: Final = (Mask.WATER.value, Mask.TERRAIN_SHADOW.value)
"""Masks that are not shown at first: clear water is a part of water, and relief is in the picture anyway."""


def _all() -> dict[str, Layer]:
    found = [Layer("true_colour", Kind.TRUE_COLOUR, "true colour", "Red, green and blue reflectance", on=True)]
    for name in palette.STACK:
        opacity, on = (0.85 if name == CLEAR_WATER else 0.6), name not in _OFF
        at, title, meaning = LAYERS.index(name), TITLES[name], MEANINGS[name]
        found.append(Layer(name, Kind.MASK, title, meaning, at, COLOURS[name], opacity, on))
    for mask in (Mask(name) for name in palette.STACK if name != CLEAR_WATER):
        meaning = f"Probability of {mask.title}: the more, the less transparent"
        at, name = list(Mask).index(mask), f"probability_{mask.value}"
        found.append(Layer(name, Kind.PROBABILITY, mask.title, meaning, at, COLOURS[mask.value]))
    return {layer.name: layer for layer in found}


STACK: Final = _all()
"""All layers by name, from the lowest to the uppermost."""
