"""A picture of one site over time: reflectance of its clear water, what a model makes of it, and how much there was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hlsmask.archive.sites.panels import (
    CLEAR,
    COLOURS,
    HIDING,
    OTHER,
    SHAPES,
    Dated,
    Frame,
    estimates,
    pixels,
    reflectance,
    spacing,
)
from hlsmask.archive.sites.timeline import Timeline
from hlsmask.aside import write_text
from hlsmask.samples.statistics.charts import counted, text
from hlsmask.samples.statistics.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hlsmask.archive.sites.model import Estimate
    from hlsmask.archive.sites.row import Row
    from hlsmask.bands import Band

_WIDE: Final = 960.0
_LEFT: Final = 76.0
_RIGHT: Final = 936.0
_TOP: Final = 104.0
_HIGH: Final = {"reflectance": 230.0, "estimate": 130.0, "pixels": 110.0}
_BETWEEN: Final = 46.0
_FOOT: Final = 82.0
_TITLE: Final = 70
"""Letters of a site's name that there is room for."""

_STYLE: Final = """
text { font: 12px system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; fill: #1c2026; }
text.title { font-size: 20px; font-weight: 600; }
text.head { font-weight: 600; }
text.quiet { fill: #59626c; }
.paper { fill: #ffffff; }
.grid { stroke: #e3e6ea; }
.axis { stroke: #59626c; }
.line { fill: none; stroke-width: 1.3; stroke-opacity: .55; stroke-linejoin: round; }
.bar { stroke-width: 2.4; stroke-opacity: .45; stroke-linecap: round; }
.mark { stroke: #ffffff; stroke-width: .8; }
"""


def write_chart(
    path: Path, site: str, rows: Sequence[Row], bands: Sequence[Band], estimate: Estimate | None = None
) -> None:
    """Write an SVG of the rows of one site over time.

    Parameters
    ----------
    path
        Where to.
    site
        What the site is called.
    rows
        Its rows in order of time; those without a time are not drawn.
    bands
        Whose medians and quartiles are drawn.
    estimate
        What a model makes of the same rows.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    write_text(path, '<?xml version="1.0" encoding="UTF-8"?>\n' + _draw(site, rows, bands, estimate) + "\n")


def file_names(sites: Sequence[str]) -> dict[str, str]:
    """Return a name of a file for the chart of each site: its own, without what file systems refuse, each another."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for site in sites:
        plain = re.sub(r"[^\w.-]+", "_", site).strip("._")[:80] or "site"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name.casefold())
        found[site] = f"{name}.svg"
    return found


def _draw(site: str, rows: Sequence[Row], bands: Sequence[Band], estimate: Estimate | None) -> Markup:
    values = estimate.values if estimate is not None else (None,) * len(rows)
    kept = [(row, row.time, value) for row, value in zip(rows, values, strict=True) if row.time is not None]
    parts: list[Markup] = [
        text(_LEFT, 36, _shortened(site), class_="title"),
        text(_LEFT, 58, _told(rows), class_="quiet"),
    ]
    y = _TOP
    if kept:
        line = Timeline.over([time for _, time, _ in kept], _LEFT, _RIGHT)
        dated = [Dated(row, line.x(time), value) for row, time, value in kept]
        for frame, drawn in _panels(line, dated, bands, estimate):
            parts += drawn
            y = frame.bottom
        for tick in line.ticks():
            parts.append(text(tick.x, y + 18, tick.label, anchor="middle"))
            parts.append(text(tick.x, y + 34, tick.year, anchor="middle", class_="head"))
    else:
        parts.append(text(_LEFT, y, "No row has a date to draw it at."))
    parts += _legend(y + 60, bands) if kept else []
    high = y + _FOOT
    return element(
        "svg",
        element("title", f"Clear water of {site}"),
        element("desc", _told(rows)),
        element("style", Markup(_STYLE)),
        element("rect", width=_WIDE, height=high, class_="paper"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDE:g} {high:g}",
        width=_WIDE,
        height=high,
        role="img",
    )


def _panels(
    line: Timeline, dated: Sequence[Dated], bands: Sequence[Band], estimate: Estimate | None
) -> Iterator[tuple[Frame, list[Markup]]]:
    """Yield each panel from above, with what is drawn in it."""
    gap = spacing(dated)
    top = _TOP + 8
    ends = [each.row.bands[f"{band}_{end}"] for each in dated for band in bands for end in ("q25", "q75")]
    frame = Frame.over(line, top, top + _HIGH["reflectance"], [value for value in ends if value is not None])
    head = frame.drawn("surface reflectance of clear water (1 = all light): median, and bar from quartile to quartile")
    yield frame, [*head, *reflectance(frame, dated, bands, min(2.0, 0.08 * gap))]
    if estimate is not None:
        top = frame.bottom + _BETWEEN
        known = [each.value for each in dated if each.value is not None]
        frame = Frame.over(line, top, top + _HIGH["estimate"], known)
        title = f"{estimate.name}, {estimate.unit}" if estimate.unit else estimate.name
        yield frame, [*frame.drawn(title), *estimates(frame, dated, estimate.name, estimate.unit)]
    top = frame.bottom + _BETWEEN
    most = max(float(each.row.observed) for each in dated)
    frame = Frame.over(line, top, top + _HIGH["pixels"], [max(most, 1.0)])
    yield (
        frame,
        [*frame.drawn("observed pixels"), *pixels(frame, dated, max(1.5, min(11.0, 0.85 * spacing(dated, min))))],
    )


def _legend(y: float, bands: Sequence[Band]) -> Iterator[Markup]:
    x = _LEFT
    for band in bands:
        place = f"translate({x + 5:.1f} {y - 4:.1f})"
        yield element("path", d=SHAPES[band], transform=place, class_="mark", fill=COLOURS[band])
        yield text(x + 14, y, band.value)
        x += 26 + 6.6 * len(band)
    words = {"clear water": CLEAR, "other": OTHER} | {mask.title: colour for mask, colour in HIDING.items()}
    x = max(x + 16, _LEFT + 300)
    for title, colour in words.items():
        yield element("rect", x=x, y=y - 10, width=11, height=11, fill=colour)
        yield text(x + 16, y, title)
        x += 27 + 6.6 * len(title)


def _told(rows: Sequence[Row]) -> str:
    """Return what the rows hold, in one line."""
    clear = sum(1 for row in rows if row.clear_water)
    most = max((row.pixels for row in rows), default=0)
    days = [f"{row.time:%Y-%m-%d}" for row in rows if row.time is not None]
    span = f"{min(days)} to {max(days)}" if days else "no dates"
    left = f", {len(rows) - len(days)} of them without a date" if len(days) < len(rows) else ""
    return f"{span}; {counted(len(rows), 'granule')}{left}; clear water in {clear} of them; {counted(most, 'pixel')}"


def _shortened(name: str) -> str:
    return name if len(name) <= _TITLE else f"{name[: _TITLE - 1]}…"
