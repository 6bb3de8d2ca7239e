"""The parts of a chart that stand above each other along one axis of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Final

from hlsmask.bands import Band
from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.products.palette import hint
from hlsmask.samples.statistics.charts import text, ticks
from hlsmask.samples.statistics.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hlsmask.archive.sites.row import Row
    from hlsmask.archive.sites.timeline import Timeline

COLOURS: Final = {
    Band.BLUE: "#2b6fd0",
    Band.GREEN: "#23893f",
    Band.RED: "#cc3f38",
    Band.NIR: "#8746b8",
    Band.SWIR1: "#c2700a",
    Band.SWIR2: "#66707b",
}
"""Of the bands; curves differ in the shape of their marks too."""

SHAPES: Final = {
    Band.BLUE: "M-3.4 0A3.4 3.4 0 1 0 3.4 0A3.4 3.4 0 1 0-3.4 0Z",
    Band.GREEN: "M-3-3H3V3H-3Z",
    Band.RED: "M0-4.2L4 3H-4Z",
    Band.NIR: "M0-4.4L4.4 0L0 4.4L-4.4 0Z",
    Band.SWIR1: "M0 4.2L4-3H-4Z",
    Band.SWIR2: "M-1.4-4H1.4V-1.4H4V1.4H1.4V4H-1.4V1.4H-4V-1.4H-1.4Z",
}
"""Marks around (0, 0)."""

ESTIMATE: Final = "#0f7c86"
CLEAR: Final = f"#{hint(CLEAR_WATER)}"
OTHER: Final = "#d7dbe0"
HIDING: Final = {mask: f"#{hint(mask)}" for mask in (Mask.CLOUD, Mask.CLOUD_SHADOW, Mask.SNOW_ICE, Mask.TERRAIN_SHADOW)}
"""What hides water, as it is drawn from above."""

_APART: Final = 40
"""Days without a granule over which no line is drawn."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A row, and where it stands."""

    row: Row
    """What is drawn."""

    x: float
    """Where."""

    value: float | None
    """What the model makes of it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of one panel, and what its height means."""

    line: Timeline
    """From left to right."""

    top: float
    """Upper edge."""

    bottom: float
    """Lower edge."""

    low: float
    """Value at the lower edge."""

    high: float
    """Value at the upper edge."""

    @classmethod
    def over(cls, line: Timeline, top: float, bottom: float, values: Sequence[float]) -> Frame:
        """Return a frame from 0, or less, to a round number that holds all `values`."""
        low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
        high = high if high > low else low + 1.0
        marks = ticks(low, high, 4)
        step = marks[1] - marks[0] if len(marks) > 1 else high - low
        return cls(line, top, bottom, -ceil(-low / step - 1e-9) * step, ceil(high / step - 1e-9) * step)

    def y(self, value: float) -> float:
        """Return where a value stands."""
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def drawn(self, title: str) -> Iterator[Markup]:
        """Yield the panel's title, grid and numbers."""
        left, right = self.line.left, self.line.right
        yield text(left, self.top - 10, title, class_="head")
        for tick in self.line.ticks():
            yield element("line", x1=tick.x, x2=tick.x, y1=self.top, y2=self.bottom, class_="grid")
        for value in ticks(self.low, self.high, 4):
            yield element("line", x1=left, x2=right, y1=self.y(value), y2=self.y(value), class_="grid")
            yield text(left - 8, self.y(value) + 4, f"{value:,g}" if abs(value) < 1e6 else f"{value:.3g}", anchor="end")  # noqa: PLR2004 - seven letters
        yield element("line", x1=left, x2=right, y1=self.y(0.0), y2=self.y(0.0), class_="axis")


def reflectance(frame: Frame, dated: Sequence[Dated], bands: Sequence[Band], apart: float) -> Iterator[Markup]:
    """Yield, for each band, its medians joined by a line, and a bar from quartile to quartile at each."""
    if not any(each.row.bands["red_median"] is not None for each in dated):
        yield nothing(frame, "no clear water on any date")
    for at, band in enumerate(bands):
        shift = (at - (len(bands) - 1) / 2) * apart
        points = [(each, each.row.bands[f"{band}_median"]) for each in dated]
        yield from _lines(frame, points, shift, COLOURS[band])
        for each, value in points:
            low, high = each.row.bands[f"{band}_q25"], each.row.bands[f"{band}_q75"]
            if value is None or low is None or high is None:
                continue
            x = each.x + shift
            bar = element("line", x1=x, x2=x, y1=frame.y(low), y2=frame.y(high), class_="bar", stroke=COLOURS[band])
            place = f"translate({x:.1f} {frame.y(value):.1f})"
            mark = element("path", d=SHAPES[band], transform=place, class_="mark", fill=COLOURS[band])
            said = f"{_when(each.row)}: {band} {value:.4f}, quartiles {low:.4f} to {high:.4f}"
            yield element("g", element("title", said), bar, mark)


def estimates(frame: Frame, dated: Sequence[Dated], name: str, unit: str) -> Iterator[Markup]:
    """Yield what the model makes of each date, joined by a line."""
    points = [(each, each.value) for each in dated]
    if not any(value is not None for _, value in points):
        yield nothing(frame, f"no {name} on any date")
    yield from _lines(frame, points, 0.0, ESTIMATE)
    for each, value in points:
        if value is not None:
            said = f"{_when(each.row)}: {name} {value:.4g} {unit}".rstrip()
            dot = element("circle", cx=each.x, cy=frame.y(value), r=3.6, class_="mark", fill=ESTIMATE)
            yield element("g", element("title", said), dot)


def pixels(frame: Frame, dated: Sequence[Dated], wide: float) -> Iterator[Markup]:
    """Yield a column for each date: clear water from below, what hides the rest from above."""
    for each in dated:
        row = each.row
        clear = row.clear_water or 0
        free = float(row.observed - clear)
        parts = [_block(frame, each.x, wide, (0, row.observed), OTHER), _block(frame, each.x, wide, (0, clear), CLEAR)]
        top = float(row.observed)
        for mask, colour in HIDING.items():
            count = min(free, (row.shares[mask] or 0.0) * row.observed)
            parts.append(_block(frame, each.x, wide, (top - count, top), colour))
            top, free = top - count, free - count
        shares = ", ".join(f"{mask.title} {100 * (row.shares[mask] or 0):.0f} %" for mask in HIDING)
        said = f"{_when(row)}: {clear:,} of {row.pixels:,} pixels are clear water, {row.observed:,} observed; {shares}"
        yield element("g", element("title", said), *(part for part in parts if part))


def nothing(frame: Frame, words: str) -> Markup:
    """Return words in the middle of a panel that has nothing to show."""
    return text((frame.line.left + frame.line.right) / 2, (frame.top + frame.bottom) / 2, words, anchor="middle")


def _block(frame: Frame, x: float, wide: float, span: tuple[float, float], colour: str) -> Markup:
    low, high = frame.y(span[0]), frame.y(span[1])
    if low - high <= 0:
        return Markup("")
    return element("rect", x=x - wide / 2, y=high, width=wide, height=low - high, fill=colour)


def _lines(frame: Frame, points: Sequence[tuple[Dated, float | None]], shift: float, colour: str) -> Iterator[Markup]:
    """Yield a line over each run of dates that have a value: none leads over a date without, or over a long time."""
    run: list[str] = []
    before = None
    for each, value in points:
        far = before is not None and _days(before.row, each.row) > _APART
        if run and (value is None or far):
            yield _line(run, colour)
            run = []
        if value is not None:
            run.append(f"{each.x + shift:.1f},{frame.y(value):.1f}")
        before = each
    yield _line(run, colour)


def _line(run: Sequence[str], colour: str) -> Markup:
    return element("polyline", points=" ".join(run), class_="line", stroke=colour) if len(run) > 1 else Markup("")


def _days(before: Row, after: Row) -> float:
    if before.time is None or after.time is None:
        return 0.0
    return (after.time - before.time) / timedelta(days=1)


def spacing(dated: Sequence[Dated], of: Callable[[list[float]], float] = median) -> float:
    """Return how far apart neighbouring dates stand: the median of it, or the least."""
    places = sorted({round(each.x, 1) for each in dated})
    return of([after - before for before, after in pairwise(places)]) if len(places) > 1 else 40.0


def _when(row: Row) -> str:
    return f"{row.time:%Y-%m-%d %H:%M} UTC, {row.granule}"
