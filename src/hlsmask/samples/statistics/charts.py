"""Charts of a dataset as SVG: class balance, reflectance, months. They are drawn 480 wide, so as to fit a phone."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.bands import BANDS, HLS_SCALE, Band
from hlsmask.masks import Mask
from hlsmask.samples.statistics.counts import LEVELS
from hlsmask.samples.statistics.markup import Markup, element, join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.samples.statistics.counts import PixelCounts
    from hlsmask.samples.statistics.coverage import Coverage

WIDE: Final = 480.0
"""Width of every chart in its own units."""

_BIN: Final = 0.01
"""Reflectance of one step of the curves."""

_THINNEST: Final = 1.5
"""Width of the smallest share that is not nothing."""

_DASHES: Final = {Band.NIR: "7 3", Band.SWIR1: "2 2.5", Band.SWIR2: "8 2.5 2 2.5"}
"""Curves differ in more than colour."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def percent(share: float | None) -> str:
    """Return a share of 0 to 1 with two digits that say something: a rare mask is not 0 %."""
    if share is None:
        return "-"
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    if value < 0.001:  # noqa: PLR2004 - rounds to nothing
        return "< 0.001 %"
    if value > 99.9:  # noqa: PLR2004 - rounds to all
        return "> 99.9 %"
    return f"{value:.{max(0, 1 - floor(log10(value)))}f} %" if value < 1 else f"{value:.1f} %"


def ratio(part: int, whole: int) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None


def svg(name: str, height: float, title: str, description: str, *parts: str) -> Markup:
    """Return a chart that a screen reader can announce; `name` is unique on its page."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *parts,
        viewBox=f"0 0 {WIDE:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def text(x: float, y: float, words: str, *, anchor: str | None = None, class_: str | None = None) -> Markup:
    """Return a line of text on its baseline."""
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=class_)


def balance(splits: Mapping[str, PixelCounts]) -> Markup:
    """Return, for each mask and split, a bar of the observed pixels: there, not there, not known."""
    left, right, high, step = (58.0 if len(splits) > 1 else 0.0), 408.0, 12.0, 19.0
    parts: list[str] = [_hatch()]
    said = []
    y = 0.0
    for mask in Mask:
        parts.append(text(0, y + 13, mask.title.capitalize(), class_="head"))
        y += 20
        for split, counts in splits.items():
            summary = counts.mask(mask)
            observed = counts.observed
            share = ratio(summary.present, observed)
            if len(splits) > 1:
                parts.append(text(0, y + 10.5, split or "no split"))
            hint = (
                f"{mask.title}, {split or 'no split'}: there {percent(share)}, not there "
                f"{percent(ratio(summary.absent, observed))}, not known {percent(ratio(summary.unknown, observed))}"
            )
            said.append(hint)
            fills = {f"mask-{mask}": summary.present, "absent": summary.absent, "unknown": summary.unknown}
            bar = [element("rect", x=left, y=y, width=right - left, height=high, class_="empty")]
            x = left
            for name, number in fills.items():
                if number:
                    width = max(_THINNEST, number / observed * (right - left))
                    width = min(width, right - x)
                    bar.append(element("rect", x=x, y=y, width=width, height=high, class_=name))
                    x += width
            parts.append(element("g", element("title", hint), *bar))
            parts.append(text(WIDE, y + 10.5, percent(share), anchor="end"))
            y += step
        y += 7
    return svg("balance", y, "Class balance", "; ".join(said) + ".", *parts)


def _hatch() -> Markup:
    line = element("path", d="M-1 7 L7 -1 M-1 1 L1 -1 M5 7 L7 5", class_="hatch")
    return element(
        "defs",
        element("pattern", line, id="not-known", width="6", height="6", patternUnits="userSpaceOnUse"),
    )


def reflectance(counts: PixelCounts) -> Markup:
    """Return a curve of reflectance for each band."""
    left, right, top, bottom = 40.0, WIDE - 8, 34.0, 236.0
    low, high = _span(counts)
    edges = np.arange(round(low / _BIN), round(high / _BIN) + 1)
    centres = (edges[:-1] + 0.5) * _BIN
    bins = np.floor_divide(LEVELS, round(_BIN / HLS_SCALE))
    curves = []
    for values in counts.values:
        heights = np.bincount(np.clip(bins - edges[0] + 1, 0, len(edges)), weights=values, minlength=len(edges) + 1)
        curves.append(heights[1:-1] / values.sum())
    most = max(float(curve.max()) for curve in curves) or 1.0
    parts: list[str] = []
    for value in ticks(0, most, 4):
        y = bottom - value / most * (bottom - top)
        parts.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(text(left - 5, y + 4, f"{100 * value:g}", anchor="end"))
    for value in ticks(low, high, 6):
        x = left + (value - low) / (high - low) * (right - left)
        parts.append(element("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        parts.append(text(x, bottom + 17, f"{value:g}", anchor="middle"))
    parts.append(element("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    parts.append(text(right, bottom + 33, "reflectance", anchor="end"))
    parts.append(text(0, 12, "% of observed pixels per 0.01 of reflectance"))
    for at, (band, curve) in enumerate(zip(BANDS, curves, strict=True)):
        across = left + (centres - low) / (high - low) * (right - left)
        up = bottom - curve / most * (bottom - top)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, up, strict=True))
        parts.append(
            element("polyline", points=points, class_=f"curve band-{band}", stroke_dasharray=_DASHES.get(band))
        )
        where = at * WIDE / len(BANDS)
        key = element(
            "line",
            x1=where,
            x2=where + 22,
            y1=bottom + 50,
            y2=bottom + 50,
            class_=f"curve band-{band}",
            stroke_dasharray=_DASHES.get(band),
        )
        parts.append(key)
        parts.append(text(where + 27, bottom + 54, band.value))
    said = "Share of pixels at each reflectance, a curve for each of the six bands; the table below has the figures."
    return svg("reflectance", bottom + 62, "Reflectance of the six bands", said, *parts)


def _span(counts: PixelCounts) -> tuple[float, float]:
    """Return the reflectance that the curves show: nearly all of it, and 0."""
    whole = counts.values.sum(axis=0)
    below = np.cumsum(whole)
    first, last = np.searchsorted(below, [0.0005 * below[-1], 0.998 * below[-1]])
    low = min(0.0, floor(LEVELS[first] * HLS_SCALE / 0.05) * 0.05)
    return low, max(low + 0.1, ceil(LEVELS[last] * HLS_SCALE / 0.1) * 0.1)


def months(coverage: Coverage) -> Markup | None:
    """Return a calendar of samples for each sensor, a row a year; None where no sample has a date."""
    counts = {key: number for key, number in coverage.count("sensor", "month").items() if key[1]}
    if not counts:
        return None
    most = max(counts.values())
    left, step, high = 46.0, 36.0, 22.0
    parts: list[str] = []
    said = []
    y = 0.0
    for sensor in sorted({sensor for sensor, _ in counts}, key=lambda name: (not name, name)):
        years = sorted({month[:4] for which, month in counts if which == sensor})
        total = sum(number for (which, _), number in counts.items() if which == sensor)
        said.append(f"{sensor or 'sensor not known'}: {counted(total, 'sample')}, {years[0]} to {years[-1]}")
        parts.append(text(0, y + 13, sensor or "sensor not known", class_="head"))
        parts += [
            text(left + step * (at + 0.5), y + 13 if sensor else y + 31, name, anchor="middle", class_="quiet")
            for at, name in enumerate(_MONTHS)
        ]
        y += 20 if sensor else 38
        for year in range(int(years[0]), int(years[-1]) + 1):
            parts.append(text(0, y + 15, str(year)))
            for at in range(12):
                number = counts.get((sensor, f"{year}-{at + 1:02}"), 0)
                parts.append(_cell((left + step * at, y, step, high), number, most, f"{_MONTHS[at]} {year}"))
            y += high
        y += 12
    return svg("months", y - 8, "Samples by month", "; ".join(said) + ".", *parts)


def _cell(place: tuple[float, float, float, float], number: int, most: int, when: str) -> Markup:
    x, y, wide, high = place
    box = {"x": x + 1, "y": y + 1, "width": wide - 2, "height": high - 2}
    if not number:
        return element("rect", **box, class_="empty")
    depth = 0.15 + 0.85 * (number / most) ** 0.5
    ink = "on-deep" if depth > 0.55 else "on-pale"  # noqa: PLR2004 - where the one begins to read better
    return element(
        "g",
        element("title", f"{when}: {counted(number, 'sample')}"),
        element("rect", **box, class_="deep", fill_opacity=depth),
        text(x + wide / 2, y + high / 2 + 4, short(number), anchor="middle", class_=ink),
    )


def short(number: int) -> str:
    """Return a count in four characters at most, such as `12k`."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number / size:.1f}{unit}" if number < 10 * size else f"{number // size}{unit}"
    return str(number)


def counted(number: int, noun: str) -> str:
    """Return a number of things, such as `1 sample` or `12,345 samples`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def ticks(low: float, high: float, about: int) -> list[float]:
    """Return round values from `low` to `high`, about as many as asked for."""
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    return [round(at * step, 10) for at in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def legend(entries: Mapping[str, str]) -> Markup:
    """Return names with the swatch of their class before each, to stand below a chart."""
    return element(
        "p",
        *(
            join(element("span", element("span", class_=f"swatch {name}"), title), " ")
            for name, title in entries.items()
        ),
        class_="legend",
    )
