"""HTML and SVG that cannot be broken by what is written into them."""

from __future__ import annotations

from html import escape
from typing import Final

_VOID: Final = frozenset({"br", "img", "meta"})
"""Elements of HTML without an end."""


class Markup(str):
    """Text that is HTML already; all other text is escaped when it becomes part of an element."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element. An underscore in an attribute's name is a dash, one at its end is dropped; None leaves it out.

    Numbers are written with two decimals at most: a pixel has no more.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value if isinstance(value, str) else _plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*parts: str) -> Markup:
    """Return parts one after the other, escaped where they are not HTML."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def _plain(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
