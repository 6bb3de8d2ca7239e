"""What sections of a report are made of."""

from __future__ import annotations

from math import isfinite

from hlsmask.samples.statistics.markup import Markup, element

NONE = "-"
"""What stands where there is no figure."""


def section(title: str, explained: str, *parts: str, class_: str | None = None) -> Markup:
    """Return a section: its title, one sentence that tells how to read it, its content."""
    return element("section", element("h2", title), quiet(explained), *parts, class_=class_)


def quiet(sentence: str) -> Markup:
    """Return a paragraph in the colour of what is said by the way."""
    return element("p", sentence, class_="quiet")


def details(title: str, *parts: str) -> Markup:
    """Return what is seen only when it is asked for."""
    return element("details", element("summary", title), *parts)


def score(value: float | None) -> str:
    """Return a score of 0 to 1 with three digits."""
    return NONE if value is None or not isfinite(value) else f"{value:.3f}"


def interval(ends: tuple[float, float] | None) -> str:
    """Return the ends of an interval; nothing where there is none."""
    return "" if ends is None or not all(map(isfinite, ends)) else f"{ends[0]:.3f} to {ends[1]:.3f}"
