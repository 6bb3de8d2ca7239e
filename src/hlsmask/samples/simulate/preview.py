"""A contact sheet of samples for the eye: true colour, false colour, and what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hlsmask.aside import aside
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Window = tuple[NDArray[np.float32], NDArray[np.uint8]]
    Picture = NDArray[np.uint8]

COLOURS: Final = {
    Mask.WATER: (60, 120, 255),
    Mask.SNOW_ICE: (64, 224, 208),
    Mask.TERRAIN_SHADOW: (166, 112, 30),
    Mask.CLOUD_SHADOW: (96, 48, 176),
    Mask.CLOUD: (255, 150, 190),
}
"""Colour of each mask; a later one lies upon the earlier ones."""

GROUND: Final = (226, 224, 216)
"""Nothing of the five is there."""

BLANK: Final = (40, 40, 40)
"""Not observed."""

_PANELS: Final = ("true colour", "swir1 nir red", "labels")
_GAP: Final = 4
_HEAD: Final = 26
_FOOT: Final = 34
_WIDEST: Final = 256


def write_sheet(path: Path, windows: Sequence[Window], *, across: int = 2) -> None:
    """Write a PNG with a row of three panels a window, `across` windows side by side, and a legend.

    Parameters
    ----------
    path
        The file.
    windows
        Bands float32 (6, h, w), NaN where not observed, and labels uint8 (5, h, w); all of one size.
    across
        Windows side by side.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows, cols = windows[0][0].shape[1:]
    step = max(1, -(-max(rows, cols) // _WIDEST))
    panels = [[panel[::step, ::step] for panel in (*colours(bands), paint(labels, bands))] for bands, labels in windows]
    height, width = panels[0][0].shape[:2]
    across = min(across, len(panels))
    block = 3 * width + 3 * _GAP
    down = -(-len(panels) // across)
    sheet = Image.new("RGB", (across * block + _GAP, _HEAD + down * (height + _GAP) + _FOOT), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, window in enumerate(panels):
        top, left = _HEAD + place // across * (height + _GAP), _GAP + place % across * block
        for number, panel in enumerate(window):
            sheet.paste(Image.fromarray(panel), (left + number * (width + 2), top))
    for place in range(across):
        for number, title in enumerate(_PANELS):
            draw.text((_GAP + place * block + number * (width + 2), 6), title, fill="black", font=font)
    _legend(draw, font, sheet.size)
    with aside(path) as draft:
        sheet.save(draft, format="PNG")


def colours(bands: NDArray[np.float32]) -> tuple[Picture, Picture]:
    """Return true colour and false colour (h, w, 3), each stretched to what most pixels of the window have."""
    return _stretch(bands[[2, 1, 0]]), _stretch(bands[[4, 3, 2]])


def _stretch(bands: NDArray[np.float32]) -> Picture:
    seen = np.isfinite(bands).all(axis=0)
    if not seen.any():
        return np.broadcast_to(np.array(BLANK, np.uint8), (*seen.shape, 3)).copy()
    values = bands[:, seen][:, ::7]
    high = float(np.clip(np.percentile(values, 98), 0.12, 1.0))
    low = min(float(np.percentile(values, 1)), 0.25 * high)
    level = np.clip((np.nan_to_num(bands) - low) / (high - low), 0, 1) ** (1 / 1.5)
    picture = np.ascontiguousarray((level * 255).astype(np.uint8).transpose(1, 2, 0))
    picture[~seen] = BLANK
    return picture


def paint(labels: NDArray[np.uint8], bands: NDArray[np.float32]) -> Picture:
    """Return labels (5, h, w) as a picture (h, w, 3): masks in their colours, dark where one is not known."""
    picture = np.empty((*labels.shape[1:], 3), np.float32)
    picture[...] = GROUND
    order = list(Mask)
    for mask, colour in COLOURS.items():
        label = labels[order.index(mask)]
        picture[label == PRESENT] = colour
        maybe = (label == NOT_OBSERVED) & (labels[order.index(Mask.CLOUD)] != PRESENT)
        picture[maybe] = picture[maybe] * 0.5 + np.array(colour, np.float32) * 0.25
    picture[~np.isfinite(bands).all(axis=0)] = BLANK
    return picture.astype(np.uint8)


def _legend(
    draw: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, size: tuple[int, int]
) -> None:
    """Write what the colours mean along the lower edge, in as many lines as it takes; the darkened ones are unknown."""
    entries = [(mask.title, COLOURS[mask]) for mask in Mask] + [("none", GROUND), ("not observed", BLANK)]
    left, top = _GAP, size[1] - _FOOT + 2
    for title, colour in entries:
        length = 16 + int(draw.textlength(title, font=font)) + 12
        if left + length > size[0]:
            left, top = _GAP, top + 16
        draw.rectangle((left, top + 2, left + 11, top + 13), fill=colour, outline="black")
        draw.text((left + 16, top), title, fill="black", font=font)
        left += length
    note = "darkened: not known"
    if left + draw.textlength(note, font=font) < size[0]:
        draw.text((left, top), note, fill="black", font=font)
