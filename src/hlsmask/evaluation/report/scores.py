"""Tables of a report: scores with their intervals, thresholds, scores by sensor."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.evaluation.boundary import TOLERANCE
from hlsmask.evaluation.judged import counts_of, judged
from hlsmask.evaluation.report.blocks import NONE, interval, quiet, score, section
from hlsmask.evaluation.verdict import SCORES
from hlsmask.masks import Mask
from hlsmask.samples.statistics.charts import counted, percent, ratio, short
from hlsmask.samples.statistics.markup import Markup, element, join
from hlsmask.samples.statistics.page import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hlsmask.evaluation.histogram import Histogram
    from hlsmask.evaluation.verdict import Verdict

_TITLES: Final = {"f1": "F1", "iou": "IoU"}
"""Scores whose name is not their title."""

_SUNLIT: Final = "sunlit (published sun_mask)"
"""The opposite of terrain shadow, which has a threshold of its own."""

_NEAR: Final = 0.01
"""F1 that a threshold may lose and still be nearly as good as the best."""


def scores(verdicts: Sequence[Verdict]) -> Markup:
    """Return the section of scores, a row for each mask and contender; the best F1 of a mask is marked."""
    many = len(verdicts) > 1
    head = ["mask", *(["contender"] if many else []), *(_TITLES.get(name, name) for name in SCORES), "boundary F1"]
    rows: list[list[str]] = []
    for mask in judged(verdicts):
        ranked = [verdict for verdict in verdicts if counts_of(verdict, mask) is not None]
        best = _best(ranked, mask)
        for at, verdict in enumerate(ranked):
            names = [_contender(verdict.name, best=verdict is best, first=at == 0)] if many else []
            rows.append([_what(verdict, mask) if at == 0 else mask.title, *names, *_cells(verdict, mask)])
    lit = [(verdict, verdict.sunlit) for verdict in verdicts if verdict.sunlit is not None and verdict.sunlit.count]
    for at, (verdict, counts) in enumerate(lit):
        names = [_contender(verdict.name, best=False, first=at == 0)] if many else []
        rows.append([_SUNLIT, *names, *(score(getattr(counts, name)) for name in SCORES), NONE])
    said = (
        "Each score is over all labelled pixels of all samples together, below it its 95 % interval (bootstrap over "
        f"samples); boundary F1 looks at outlines alone, where {TOLERANCE} pixels of distance are forgiven."
    )
    best_said = " ★ marks the best F1 of a mask." if many else ""
    words = 2 if many else 1
    return section(
        "Scores", said + best_said, table(head, rows, caption="Scores of each mask", words=words), class_="broad"
    )


def thresholds(verdicts: Sequence[Verdict], origin: str) -> Markup:
    """Return the section of thresholds of the first contender, and of the others for comparison."""
    first, *others = verdicts
    others = [other for other in others if other.thresholds]
    head = ["mask", "threshold", "best here", "as good within 0.01 of F1", *(other.name for other in others)]
    rows = []
    for mask, chosen in first.thresholds.items():
        best, near = _sweep(first.histogram, mask) if first.histogram is not None else (NONE, NONE)
        rows.append([mask.title, _plain(chosen), best, near, *(_plain(other.thresholds.get(mask)) for other in others)])
    if first.sunlit_threshold is not None:
        theirs = [_plain(other.sunlit_threshold) for other in others]
        rows.append([_SUNLIT, _plain(first.sunlit_threshold), NONE, NONE, *theirs])
    if not rows:
        return section("Thresholds", "Masks were given as they are, without probabilities.")
    said = (
        f"A mask is there where its probability is above the threshold ({origin}). Best here: what would have had the "
        "highest F1 on the samples that were judged; a wide range that is as good means that the choice matters little."
    )
    return section("Thresholds", said, table(head, rows, caption="Thresholds of each mask"))


def sensors(verdicts: Sequence[Verdict]) -> Markup:
    """Return the section of scores by sensor."""
    first, *others = verdicts
    names = sorted(first.sensors, key=lambda name: (not name, name))
    if len(names) < 2:  # noqa: PLR2004 - nothing to compare
        only = f"All samples are of {names[0]}." if any(names) else "The sensor of the samples is not known."
        return section("By sensor", only)
    head = ["mask", "sensor", "pixels there", *(_TITLES.get(name, name) for name in SCORES)]
    head += [f"F1 of {other.name}" for other in others]
    rows = []
    for mask in judged([first]):
        for name in names:
            counts = first.sensors[name].get(mask)
            if counts is None or not counts.count:
                continue
            theirs = [other.sensors.get(name, {}).get(mask) for other in others]
            cells = [short(counts.hits + counts.misses), *(score(getattr(counts, each)) for each in SCORES)]
            compared = [score(None if each is None else each.f1) for each in theirs]
            rows.append([mask.title, name or "not known", *cells, *compared])
    said = "The same scores over the samples of one sensor: a large gap means that one of them is masked less well."
    return section("By sensor", said, table(head, rows, caption="Scores by sensor", words=2), class_="broad")


def unjudged(verdict: Verdict) -> Markup:
    """Return a line on masks that are given but that no label could judge; nothing where there is none."""
    lacking = [mask.title for mask in Mask if mask in verdict.masks and counts_of(verdict, mask) is None]
    return quiet(f"Not judged, as no pixel of them is labelled: {', '.join(lacking)}.") if lacking else Markup("")


def _cells(verdict: Verdict, mask: Mask) -> Iterable[Markup]:
    counts, around = verdict.counts[mask], verdict.intervals.get(mask, {})
    for name in SCORES:
        ends = interval(around.get(name))
        small = element("span", ends, class_="ends") if ends else Markup("")
        yield element("td", score(getattr(counts, name)), small, class_="n")
    yield element("td", score(verdict.boundary.get(mask)), class_="n")


def _what(verdict: Verdict, mask: Mask) -> Markup:
    """Return a mask with how much of it there is."""
    counts = verdict.counts[mask]
    there = percent(ratio(counts.hits + counts.misses, counts.count))
    return join(mask.title, element("span", f"{there} of {_pixels(counts.count)}", class_="ends"))


def _pixels(number: int) -> str:
    """Return a number of pixels in a few characters, such as `1.2M pixels`."""
    return f"{short(number)} pixels" if number >= 1000 else counted(number, "pixel")  # noqa: PLR2004 - `short` shortens


def _contender(name: str, *, best: bool, first: bool) -> Markup:
    star = join(element("span", "★", title="best F1", role="img", aria_label="best F1"), " ") if best else ""
    return element("td", star, name, class_="who" + " best" * best + " first" * first)


def _best(verdicts: Sequence[Verdict], mask: Mask) -> Verdict | None:
    """Return the contender of highest F1; None where there are no two to compare."""
    known = [verdict for verdict in verdicts if isfinite(verdict.counts[mask].f1)]
    return max(known, key=lambda verdict: verdict.counts[mask].f1) if len(known) > 1 else None


def _sweep(histogram: Histogram, mask: Mask) -> tuple[str, str]:
    """Return the threshold of best F1 on these samples, and from where to where F1 is within 0.01 of it."""
    steps, precision, recall = histogram.curve(mask)
    f1 = np.divide(2 * precision * recall, precision + recall, out=np.zeros(len(steps)), where=precision + recall > 0)
    if not f1.any() or np.isnan(f1).all():
        return NONE, NONE
    near = steps[f1 >= f1.max() - _NEAR]
    return _plain(float(steps[f1.argmax()])), f"{_plain(float(near[0]))} to {_plain(float(near[-1]))}"


def _plain(value: float | None) -> str:
    return NONE if value is None else f"{value:.3g}"
