"""How often a probability is right: curves of calibration over bars of pixels, as SVG."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Final

from hlsmask.evaluation.judged import counts_of, judged
from hlsmask.evaluation.report.blocks import NONE, details, score, section
from hlsmask.evaluation.report.curves import frame, key, line, mark
from hlsmask.evaluation.report.style import who
from hlsmask.samples.statistics.charts import WIDE, short, svg, text
from hlsmask.samples.statistics.markup import Markup, element
from hlsmask.samples.statistics.page import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hlsmask.evaluation.histogram import Histogram
    from hlsmask.evaluation.verdict import Verdict
    from hlsmask.masks import Mask

_BINS: Final = 10
"""Ranges of probability."""

_LEFT: Final = 34.0
_TOP: Final = 26.0
_SIZE: Final = (WIDE - _LEFT - 8, 200.0)
"""Place and size of the chart."""

_BARS: Final = 44.0
"""Height of the tallest bar."""


def reliability(verdicts: Sequence[Verdict]) -> Markup:
    """Return the section of calibration, a chart for each mask that has probabilities; nothing where none has."""
    masks = [mask for mask in judged(verdicts) if _histograms(verdicts, mask)]
    if not masks:
        return Markup("")
    said = (
        "Of the pixels to which about the same probability was given, the share where the mask is really there: on the "
        "dotted line a probability of 70 % is right in 70 % of pixels, above it is too timid, below it too bold. Bars "
        "count the pixels of the first contender in each tenth (their height is logarithmic); the calibration error is "
        "the mean distance to the dotted line."
    )
    charts = element("div", *(_chart(verdicts, mask) for mask in masks), class_="charts")
    return section("Calibration", said, charts, details("Figures", _figures(verdicts, masks)), class_="broad")


def _histograms(verdicts: Sequence[Verdict], mask: Mask) -> dict[int, Histogram]:
    """Return the probabilities of each contender that gives some for a mask, by its number."""
    return {
        at: verdict.histogram
        for at, verdict in enumerate(verdicts)
        if verdict.histogram is not None and counts_of(verdict, mask) is not None
    }


def _chart(verdicts: Sequence[Verdict], mask: Mask) -> Markup:
    histograms = _histograms(verdicts, mask)
    bottom = _TOP + _SIZE[1]
    parts = frame(_LEFT, _TOP, _SIZE, "probability given", "share there")
    parts.append(element("line", x1=_LEFT, y1=bottom, x2=_LEFT + _SIZE[0], y2=_TOP, class_="ideal"))
    keys, marks, said = [], [], []
    y = bottom + 58 + _BARS
    for at, histogram in histograms.items():
        given, seen, count = histogram.calibration(mask, _BINS)
        points = [_place(x, share) for x, share, n in zip(given, seen, count, strict=True) if n]
        parts.append(line(points, at))
        marks += [mark(*point, at) for point in points]
        error = f"calibration error {score(histogram.calibration_error(mask, _BINS))}"
        keys += key(y, verdicts[at], at, error)
        said.append(f"{verdicts[at].name}: {error}")
        y += 20
    number, first = next(iter(histograms.items()))
    bars = _bars(first.calibration(mask, _BINS)[2], bottom + 38, number)
    name, title = f"calibration-{mask}", f"Calibration: {mask.title}"
    chart = svg(
        name, y - 8, title, "; ".join(said) + ". The figures are in the table below.", *parts, *marks, *bars, *keys
    )
    return element("div", element("h3", mask.title.capitalize()), element("figure", chart))


def _place(given: float, seen: float) -> tuple[float, float]:
    return _LEFT + given * _SIZE[0], _TOP + (1 - seen) * _SIZE[1]


def _bars(count: NDArray[np.int64], top: float, number: int) -> list[Markup]:
    """Return a bar of pixels for each range, with its number, below `top`."""
    most, step = log10(int(count.max()) + 1) or 1.0, _SIZE[0] / _BINS
    parts = []
    for at, pixels in enumerate(count.tolist()):
        height = log10(pixels + 1) / most * (_BARS - 14)
        x, y = _LEFT + at * step, top + _BARS - height
        parts.append(element("rect", x=x + 1, y=y, width=step - 2, height=height, class_=f"bar {who(number)}"))
        parts.append(text(x + step / 2, y - 3, short(pixels), anchor="middle", class_="quiet"))
    return parts


def _figures(verdicts: Sequence[Verdict], masks: Sequence[Mask]) -> Markup:
    """Return the figures of the charts: observed share and pixels of each range."""
    ranges = [f"{at / _BINS:g} to {(at + 1) / _BINS:g}" for at in range(_BINS)]
    rows = []
    for mask in masks:
        for at, histogram in _histograms(verdicts, mask).items():
            _, seen, count = histogram.calibration(mask, _BINS)
            cells = [
                f"{score(share)} ({short(n)})" if n else NONE for share, n in zip(seen, count.tolist(), strict=True)
            ]
            rows.append([mask.title, verdicts[at].name, *cells])
    caption = "Share that is there (and pixels) by the probability that was given"
    return table(["mask", "contender", *ranges], rows, caption=caption, words=2)
