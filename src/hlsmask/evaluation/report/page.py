"""The page: what was judged, what should be known of it, then figures, charts and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hlsmask import __version__
from hlsmask.aside import write_text
from hlsmask.evaluation.judged import judged
from hlsmask.evaluation.report.between import between
from hlsmask.evaluation.report.blocks import section
from hlsmask.evaluation.report.curves import curves
from hlsmask.evaluation.report.reliability import reliability
from hlsmask.evaluation.report.scores import scores, sensors, thresholds, unjudged
from hlsmask.evaluation.report.style import style
from hlsmask.evaluation.report.worst import worst
from hlsmask.samples.statistics.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hlsmask.evaluation.report.about import About
    from hlsmask.evaluation.verdict import Verdict

_NOTHING: Final = section("Scores", "Nothing is judged: no pixel is labelled for a mask that was given.")


def write_report(path: Path, verdicts: Sequence[Verdict], about: About) -> None:
    """Write a page of HTML with its pictures in it; it asks for nothing from elsewhere and runs no script.

    Parameters
    ----------
    path
        The `.html` file.
    verdicts
        On the checkpoint, then on those that it was compared with.
    about
        What was judged, on what, and how.

    Raises
    ------
    ValueError
        If there is no verdict.
    OutputError
        If the folder or the disk refuses.
    """
    if not verdicts:
        raise ValueError("there is no verdict to report")
    write_text(path, _render(verdicts, about))


def _render(verdicts: Sequence[Verdict], about: About) -> str:
    title = f"Evaluation of {about.checkpoint}"
    body = element(
        "main",
        element("h1", title),
        _headline(verdicts, about),
        _notes(about.notes),
        *(_findings(verdicts, about.thresholds) if judged(verdicts) else [_NOTHING]),
        element("footer", f"hlsmask {__version__}: hlsmask evaluate."),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(style())),
    )
    return "<!doctype html>\n" + element("html", head, element("body", body), lang="en") + "\n"


def _findings(verdicts: Sequence[Verdict], origin: str) -> list[Markup]:
    first = verdicts[0]
    return [
        scores(verdicts),
        unjudged(first),
        curves(verdicts),
        reliability(verdicts),
        between(first),
        thresholds(verdicts, origin),
        sensors(verdicts),
        worst(first),
    ]


def _headline(verdicts: Sequence[Verdict], about: About) -> Markup:
    """Return what was judged, on what and how, as pairs of a name and what it is."""
    scoring = (
        "as published: pixels that were not observed count, as 0"
        if about.published_scoring
        else "pixels that were observed and labelled"
    )
    facts = {
        "checkpoint": about.checkpoint,
        "version": about.version,
        "compared with": ", ".join(verdict.name for verdict in verdicts[1:]),
        "data": about.data,
        "labels": about.benchmark,
        "split": about.split,
        "protocol": about.protocol,
        "samples judged": f"{about.test:,}",
        "samples for thresholds": f"{about.validation:,}" if about.validation else "",
        "thresholds": about.thresholds,
        "counted": scoring,
        "date": about.date,
    }
    pairs = ((element("dt", name), element("dd", words)) for name, words in facts.items() if words)
    return element("dl", *(part for pair in pairs for part in pair), class_="facts")


def _notes(notes: Sequence[str]) -> Markup:
    if not notes:
        return Markup("")
    sentences = element("ul", *(element("li", note) for note in notes))
    return element("section", element("h2", "To know"), sentences, class_="concerns")
