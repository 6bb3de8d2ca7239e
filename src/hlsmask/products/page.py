"""Typography of the quicklook: title, two panels, scale bar, legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.products import render
from hlsmask.products.palette import COLOURS, TITLES, Colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAPER: Final[Colour] = (255, 255, 255)
_INK: Final[Colour] = (28, 32, 38)
_QUIET: Final[Colour] = (112, 118, 126)
_LINE: Final[Colour] = (220, 222, 225)

_NARROWEST: Final = 640
"""Pixels of content: the legend needs them."""

_CAPTION: Final = 90
"""Pixels that a caption needs: narrower panels stand further apart."""

_WIDE: Final = 1.7
"""Panels wider than this many times their height lie one above the other."""

_LABELS: Final = TITLES | {Mask.WATER.value: "water in sight"}
"""What the legend calls the layers: the picture shows water only where no cloud or snow lies over it."""

_LEGEND: Final = (
    CLEAR_WATER,
    Mask.WATER.value,
    Mask.CLOUD.value,
    Mask.CLOUD_SHADOW.value,
    Mask.SNOW_ICE.value,
    Mask.TERRAIN_SHADOW.value,
)


def lay_out(
    panels: Sequence[tuple[str, Image.Image]],
    *,
    title: str,
    subtitle: str,
    shares: Mapping[str, float | None],
    unseen: float,
    metres: float | None,
) -> Image.Image:
    """Return the page: captioned panels of one size, a title over them, a legend below.

    `shares` are 0 to 1, None = not known; `unseen` is the share of the scene that was not observed; `metres`
    is what one pixel of a panel measures, None = no scale bar.
    """
    wide, tall = panels[0][1].size
    stacked = wide > _WIDE * tall
    content = max(_NARROWEST, wide if stacked else wide * len(panels) + 24 * (len(panels) - 1))
    pen = _Pen(content)
    u = pen.unit
    gap = round(24 * u)
    if not stacked:
        content = max(_NARROWEST, wide * len(panels) + gap * (len(panels) - 1))
    margin = round(36 * u)
    head = round((74 if subtitle else 48) * u)
    caption = round(24 * u)
    rows = len(panels) if stacked else 1
    body = rows * (caption + tall) + (rows - 1) * round(16 * u)
    entries = _entries(shares, unseen)
    columns = len(entries) if content >= len(entries) * 150 * u else -(-len(entries) // 2)
    foot = round(30 * u) + -(-len(entries) // columns) * round(54 * u)
    page = Image.new("RGB", (content + 2 * margin, 2 * margin + head + body + foot - round(20 * u)), _PAPER)
    pen.on(page)
    pen.text((margin, margin - round(4 * u)), title, 28, _INK, fit=content)
    if subtitle:
        pen.text((margin, margin + round(34 * u)), subtitle, 15, _QUIET, fit=content)
    y = margin + head
    for index, (name, panel) in enumerate(panels):
        left = margin if stacked else margin + index * (max(wide, round(_CAPTION * u)) + gap)
        top = y + (index * (caption + tall + round(16 * u)) if stacked else 0)
        pen.text((left, top), name, 13, _QUIET, fit=wide if wide > 160 else content)  # noqa: PLR2004 - pixels
        page.paste(panel, (left, top + caption))
        if index == 0 and metres:
            _scale_bar(pen, (left, top + caption, wide, tall), metres)
    y += body + round(30 * u)
    step = content / columns
    for index, (name, value, colour) in enumerate(entries):
        row, column = divmod(index, columns)
        place = (round(margin + column * step), round(y + row * 54 * u))
        pen.swatch(place, colour)
        pen.text((place[0] + round(32 * u), place[1] - round(4 * u)), name, 15, _INK)
        pen.text((place[0] + round(32 * u), place[1] + round(15 * u)), value, 14, _QUIET)
    return page


def percent(share: float | None) -> str:
    """Return a share of 0 to 1 as a person reads it."""
    if share is None:
        return "not known"
    if 0 < share < 0.001:  # noqa: PLR2004 - rounds to nothing
        return "< 0.1 %"
    if 0.999 < share < 1:  # noqa: PLR2004 - rounds to all
        return "> 99.9 %"
    return "0 %" if share == 0 else "100 %" if share == 1 else f"{100 * share:.1f} %"


def _entries(shares: Mapping[str, float | None], unseen: float) -> list[tuple[str, str, Colour | None]]:
    """Return name, value and colour of each line of the legend."""
    lines: list[tuple[str, str, Colour | None]] = [
        (_LABELS[name], percent(shares.get(name)), COLOURS[name]) for name in _LEGEND
    ]
    return [*lines, ("not observed", percent(unseen), None)]


def _scale_bar(pen: _Pen, panel: tuple[int, int, int, int], metres: float) -> None:
    """Draw a bar of a round length, about a fifth of the panel, if there is room for it."""
    left, top, wide, tall = panel
    if wide < 220 * pen.unit or tall < 90 * pen.unit:
        return
    room = wide * metres / 4
    power = 10 ** (len(str(int(room))) - 1) if room >= 1 else 1
    length = next(step * power for step in (5, 2, 1) if step * power <= room or step == 1)
    pixels = round(length / metres)
    u = pen.unit
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"  # noqa: PLR2004 - metres in a kilometre
    pad, high = round(10 * u), round(40 * u)
    box = (left + pad, top + tall - pad - high, left + 3 * pad + pixels, top + tall - pad)
    pen.veil(box)
    base = box[3] - round(10 * u)
    pen.line((box[0] + pad, base, box[2] - pad, base), _PAPER)
    pen.text((box[0] + pad, box[1] + round(5 * u)), label, 13, _PAPER)


class _Pen:
    """Draws text and shapes whose size follows the page's."""

    def __init__(self, content: int) -> None:
        self.unit = min(1.6, max(1.0, content / 1150))
        """Pixels on the page for one in the layout."""

    def on(self, page: Image.Image) -> None:
        """Take a page."""
        self.page, self.brush = page, ImageDraw.Draw(page)

    def text(self, place: tuple[int, int], text: str, size: float, colour: Colour, *, fit: int | None = None) -> None:
        """Write one line, smaller and then shortened if it is longer than `fit` pixels."""
        text = " ".join(text.split())
        font = ImageFont.load_default(size * self.unit)
        if fit is not None and font.getlength(text) > fit:
            font = ImageFont.load_default(max(0.6, fit / font.getlength(text)) * size * self.unit)
            whole = text
            while len(whole) > 1 and font.getlength(text) > fit:
                whole = whole[:-1]
                text = whole + "..."
        self.brush.text(place, text, fill=colour, font=font)

    def swatch(self, place: tuple[int, int], colour: Colour | None) -> None:
        """Draw a rounded square, hatched where there is no colour."""
        side = round(22 * self.unit)
        face = Image.fromarray(render.hatch((side, side))) if colour is None else Image.new("RGB", (side, side), colour)
        self.page.paste(face, place, _rounded((side, side), round(5 * self.unit)))

    def veil(self, box: tuple[int, int, int, int]) -> None:
        """Darken a rounded box, so that white can be read on it."""
        size = (box[2] - box[0], box[3] - box[1])
        mask = _rounded(size, round(6 * self.unit)).point(lambda value: value * 6 // 10)
        self.page.paste(Image.new("RGB", size, (12, 16, 22)), box[:2], mask)

    def line(self, ends: tuple[int, int, int, int], colour: Colour) -> None:
        """Draw a line of even thickness."""
        self.brush.line(ends, fill=colour, width=max(2, round(3 * self.unit)))


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    """Return a smooth mask of a box with round corners."""
    large = Image.new("L", (size[0] * 4, size[1] * 4), 0)
    ImageDraw.Draw(large).rounded_rectangle((0, 0, size[0] * 4 - 1, size[1] * 4 - 1), radius * 4, fill=255)
    return large.resize(size, Image.Resampling.LANCZOS)
