"""Curves of precision and recall over all thresholds, as SVG."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

from hlsmask.evaluation.judged import counts_of, judged
from hlsmask.evaluation.report.blocks import quiet, score, section
from hlsmask.evaluation.report.style import DASHES, who
from hlsmask.samples.statistics.charts import WIDE, svg, text, ticks
from hlsmask.samples.statistics.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.evaluation.verdict import Verdict
    from hlsmask.masks import Mask

_LEFT: Final = 34.0
_TOP: Final = 26.0
_SIZE: Final = (WIDE - _LEFT - 8, 220.0)
"""Place and size of the chart."""

_LETTERS: Final = 30
"""Letters of a name that there is room for, with scores beside it."""

_SHAPES: Final = (
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0-5 0Z",
    "M-5-5H5V5H-5Z",
    "M0-6L6 5H-6Z",
    "M0-6L6 0L0 6L-6 0Z",
    "M0 6L6-5H-6Z",
    "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",
)
"""Marks of contenders around (0, 0); the seventh has that of the first."""


def curves(verdicts: Sequence[Verdict]) -> Markup:
    """Return the section of precision-recall curves, a chart for each mask."""
    said = (
        "Each curve is what a contender could reach with other thresholds, the mark what it does above its own; up and "
        "to the right is better. AP, average precision, is the area below a curve, from bins of 0.001; a contender "
        "without probabilities is a mark alone."
    )
    charts = [_chart(verdicts, mask) for mask in judged(verdicts)]
    return section("Precision and recall", said, element("div", *charts, class_="charts"), class_="broad")


def frame(left: float, top: float, size: tuple[float, float], across: str, up: str) -> list[Markup]:
    """Return grid, figures and names of the axes of a chart of 0 to 1 both ways; `size` is its width and height."""
    right, bottom = left + size[0], top + size[1]
    parts = []
    for value in ticks(0, 1, 5):
        x, y = left + value * size[0], bottom - value * size[1]
        parts.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        parts.append(text(left - 5, y + 4, f"{value:g}", anchor="end"))
        parts.append(text(x, bottom + 16, f"{value:g}", anchor="middle"))
    parts.append(text(right, bottom + 32, across, anchor="end"))
    parts.append(text(0, top - 14, up))
    return parts


def line(points: Sequence[tuple[float, float]], number: int) -> Markup:
    """Return the line of a contender; points that would lie on one another are drawn once."""
    rounded = dict.fromkeys(f"{x:.1f},{y:.1f}" for x, y in points)
    return element("polyline", points=" ".join(rounded), class_=f"line {who(number)}", stroke_dasharray=_dash(number))


def mark(x: float, y: float, number: int) -> Markup:
    """Return the mark of a contender: its shape tells, too, which one it is."""
    path = _SHAPES[number % len(_SHAPES)]
    return element("path", d=path, transform=f"translate({x:.1f} {y:.1f})", class_=f"mark {who(number)}")


def _shortened(name: str) -> str:
    """Return a name without its middle where it is too long: names of files differ at both ends."""
    if len(name) <= _LETTERS:
        return name
    half = (_LETTERS - 1) // 2
    return f"{name[: _LETTERS - 1 - half]}…{name[-half:]}"


def key(y: float, verdict: Verdict, number: int, words: str) -> list[Markup]:
    """Return line, mark and name of a contender, to stand in a legend; the whole name shows under the pointer.

    `words` stand at the end of the line.
    """
    drawn = [line([(_LEFT, y - 4), (_LEFT + 26, y - 4)], number)] if verdict.histogram is not None else []
    named = element("g", element("title", verdict.name), text(_LEFT + 32, y, _shortened(verdict.name)))
    beside = text(WIDE - 8, y, words, anchor="end", class_="quiet")
    return [*drawn, mark(_LEFT + 13, y - 4, number), named, beside]


def _chart(verdicts: Sequence[Verdict], mask: Mask) -> Markup:
    title = element("h3", mask.title.capitalize())
    known = {at: verdict for at, verdict in enumerate(verdicts) if counts_of(verdict, mask) is not None}
    if not any(verdict.counts[mask].hits + verdict.counts[mask].misses for verdict in known.values()):
        return element("div", title, quiet(f"No pixel is labelled {mask.title}, so that there is no curve."))
    parts = frame(_LEFT, _TOP, _SIZE, "recall", "precision")
    marks: list[Markup] = []
    said: list[str] = []
    y = _TOP + _SIZE[1] + 56
    for at, verdict in known.items():
        counts, words = verdict.counts[mask], []
        if mask in verdict.thresholds:
            words.append(f"above {verdict.thresholds[mask]:g}")
        if verdict.histogram is not None:
            parts.append(line(_points(verdict, mask), at))
            words.append(f"AP {score(verdict.histogram.average_precision(mask))}")
        words.append(f"F1 {score(counts.f1)}")
        if isfinite(counts.precision) and isfinite(counts.recall):
            marks.insert(0, mark(*_place(counts.recall, counts.precision), at))  # the first contender's comes on top
        parts += key(y, verdict, at, ", ".join(words))
        y += 20
        words.append(f"precision {score(counts.precision)} and recall {score(counts.recall)} at its threshold")
        said.append(f"{verdict.name}: {', '.join(words)}")
    name = f"precision-recall-{mask}"
    chart = svg(name, y - 8, f"Precision and recall: {mask.title}", "; ".join(said) + ".", *parts, *marks)
    return element("div", title, element("figure", chart))


def _points(verdict: Verdict, mask: Mask) -> list[tuple[float, float]]:
    """Return the curve of a contender, from the lowest threshold on, as far as something is found."""
    if verdict.histogram is None:
        return []
    _, precision, recall = verdict.histogram.curve(mask)
    found = recall > 0
    return [_place(r, p) for r, p in zip(recall[found], precision[found], strict=True)]


def _place(recall: float, precision: float) -> tuple[float, float]:
    return _LEFT + recall * _SIZE[0], _TOP + (1 - precision) * _SIZE[1]


def _dash(number: int) -> str | None:
    return DASHES[number % len(DASHES)]
