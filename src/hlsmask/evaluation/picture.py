"""The picture beside the tables: samples from all over the set, what is true of them and what was said."""

from __future__ import annotations

from bisect import bisect_right
from math import ceil
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from hlsmask.aside import aside
from hlsmask.evaluation.gallery import KEPT
from hlsmask.evaluation.judged import judged
from hlsmask.evaluation.panels import NOT_THERE, Panels
from hlsmask.products.palette import COLOURS, Colour
from hlsmask.products.render import hatch

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.evaluation.verdict import Shown, Verdict
    from hlsmask.masks import Mask

_SIDES: Final = {3: 256, 5: 192}
"""Pixels of a cell's side, by how many masks it stands beside at most: multiples of 64, as sizes of samples are."""

_GAP: Final = 8
_MARGIN: Final = 28
_TITLE: Final = 48
_HEAD: Final = 22
_LABEL: Final = 36
_ABOVE: Final = 13
_FOOT: Final = 44
_NARROWEST: Final = 560
"""Pixels of content: the legend needs them."""

_PAPER: Final[Colour] = (255, 255, 255)
_INK: Final[Colour] = (28, 32, 38)
_QUIET: Final[Colour] = (96, 102, 110)
_LINE: Final[Colour] = (200, 204, 209)


def write_picture(path: Path, verdict: Verdict) -> None:
    """Write a PNG of up to six samples: true colour, then truth and prediction of each mask that was judged.

    What is not there is dark, what is not known or not observed is hatched. The threshold stands over each prediction.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    drawn = _draw(verdict)
    with aside(path) as draft:
        drawn.save(draft, format="PNG")


def _draw(verdict: Verdict) -> Image.Image:
    masks, rows = judged([verdict]), verdict.shown[:KEPT]
    side = next(pixels for most, pixels in _SIDES.items() if len(masks) <= most)
    columns = 1 + 2 * len(masks)
    wide = max(_NARROWEST, columns * side + (columns - 1) * _GAP)
    panels = [Panels(shown, side) for shown in rows]
    tall = sum(_LABEL + each.size[1] for each in panels)
    page = Image.new("RGB", (wide + 2 * _MARGIN, 2 * _MARGIN + _TITLE + _HEAD + tall + _FOOT), _PAPER)
    brush = ImageDraw.Draw(page)
    title = (
        f"{verdict.name}: {len(rows)} of {verdict.samples} samples" if rows else f"{verdict.name}: no sample to show"
    )
    _write(brush, (_MARGIN, _MARGIN - 4), title, (24, _INK), wide)
    y = _MARGIN + _TITLE
    if rows:
        for at, (words, colour) in enumerate(_heads(verdict, masks)):
            place = (_MARGIN + at * (side + _GAP), y)
            if colour is not None:
                brush.rectangle((place[0], place[1] + 3, place[0] + 12, place[1] + 15), colour)
                place = (place[0] + 17, y)
            _write(brush, place, words, (16, _INK), _MARGIN + at * (side + _GAP) + side - place[0])
    y += _HEAD
    for shown, each in zip(rows, panels, strict=True):
        _write(brush, (_MARGIN, y + _ABOVE), _label(shown), (15, _QUIET), wide)
        y += _LABEL
        cells = [each.true_colour(), *(draw(mask) for mask in masks for draw in (each.truth, each.said))]
        for at, cell in enumerate(cells):
            left = _MARGIN + at * (side + _GAP)
            page.paste(cell, (left, y))
            brush.rectangle((left - 1, y - 1, left + cell.width, y + cell.height), outline=_LINE)
        y += each.size[1]
    _legend(page, brush, y + 22)
    return page


def _heads(verdict: Verdict, masks: tuple[Mask, ...]) -> list[tuple[str, Colour | None]]:
    """Return the words over each column, and the colour before them."""
    heads: list[tuple[str, Colour | None]] = [("true colour", None)]
    for mask in masks:
        threshold = verdict.thresholds.get(mask)
        said = "said" if threshold is None else f"said (above {threshold:g})"
        heads += [(f"{mask.title}: truth", COLOURS[mask]), (said, None)]
    return heads


def _label(shown: Shown) -> str:
    """Return the line over a row of cells."""
    known = any(counts.count for counts in shown.counts.values())
    wrong = f"{100 * shown.error:.1f} % wrong" if known else "nothing of it is known"
    return ", ".join(filter(None, (shown.id, shown.sensor, wrong)))


def _legend(page: Image.Image, brush: ImageDraw.ImageDraw, y: int) -> None:
    """Draw what light, dark and hatched cells mean."""
    x = _MARGIN
    for words, colour in (("in colour: there", None), ("not there", NOT_THERE), ("not known or not observed", None)):
        if colour is not None:
            page.paste(Image.new("RGB", (14, 14), colour), (x, y + 1))
            x += 20
        elif x > _MARGIN:
            page.paste(Image.fromarray(hatch((14, 14))), (x, y + 1))
            brush.rectangle((x - 1, y, x + 14, y + 15), outline=_LINE)
            x += 20
        x += _write(brush, (x, y), words, (15, _QUIET), page.width) + 26


def _write(brush: ImageDraw.ImageDraw, place: tuple[int, int], words: str, look: tuple[int, Colour], fit: int) -> int:
    """Write one line of a size and colour, cut off with dots beyond `fit` pixels; return its width in pixels."""
    size, colour = look
    font = ImageFont.load_default(size)
    text = " ".join(words.split())
    if font.getlength(text) > fit:
        fitting = bisect_right(range(len(text)), fit, key=lambda letters: ceil(font.getlength(f"{text[:letters]}...")))
        text = f"{text[: max(0, fitting - 1)]}..."
    brush.text(place, text, fill=colour, font=font)
    return round(font.getlength(text))
