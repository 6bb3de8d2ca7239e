"""Colours and titles of the layers, shared by colour tables, STAC classes and quicklooks.

Hues and lightness differ for people who confuse red with green; water and clear water are two blues because
the one is part of the other.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from hlsmask.masks import CLEAR_WATER, Mask

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

LAYERS: Final = (*(mask.value for mask in Mask), CLEAR_WATER)
"""Names of the six bands of a masks file, in order."""

TITLES: Final = {**{mask.value: mask.title for mask in Mask}, CLEAR_WATER: "clear water"}
"""What a person reads."""

MEANINGS: Final = {
    Mask.WATER.value: "Open water",
    Mask.CLOUD.value: "Cloud",
    Mask.CLOUD_SHADOW.value: "Ground or water in the shadow of a cloud",
    Mask.SNOW_ICE.value: "Snow or ice",
    Mask.TERRAIN_SHADOW.value: "Ground or water that relief turns away from, or hides from, the sun",
    CLEAR_WATER: "Water without cloud, cloud shadow, snow, ice or terrain shadow",
}
"""One sentence a layer."""

COLOURS: Final[dict[str, Colour]] = {
    Mask.WATER.value: (122, 176, 242),
    Mask.CLOUD.value: (247, 168, 196),
    Mask.CLOUD_SHADOW.value: (126, 74, 190),
    Mask.SNOW_ICE.value: (64, 224, 208),
    Mask.TERRAIN_SHADOW.value: (166, 112, 30),
    CLEAR_WATER: (16, 96, 216),
}
"""One colour a layer."""

STACK: Final = (
    Mask.TERRAIN_SHADOW.value,
    Mask.WATER.value,
    CLEAR_WATER,
    Mask.SNOW_ICE.value,
    Mask.CLOUD_SHADOW.value,
    Mask.CLOUD.value,
)
"""Layers as they are drawn over each other, from the lowest to the uppermost."""

ADJACENT: Final[Colour] = (252, 226, 234)
"""Colour of what lies beside a cloud or its shadow."""

NOTHING: Final[Colour] = (212, 210, 200)
"""Colour of ground where no mask is set."""


def hint(name: str) -> str:
    """Return the colour of a layer as STAC's `color_hint` wants it, such as `1060D8`."""
    return "".join(f"{part:02X}" for part in COLOURS[name])
