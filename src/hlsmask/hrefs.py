"""Paths and URLs, as they may be shown and kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit, urlunsplit

if TYPE_CHECKING:
    from pathlib import Path


def public_href(href: str) -> str:
    """Return `href` without what only its owner may know: query, fragment, user name and password.

    Applies to URLs and to GDAL's `/vsi...` spellings of them; other paths are returned as they are.
    """
    virtual = re.match(r"(/vsi\w+)\?(.*)", href)
    if virtual:
        inner = parse_qs(virtual[2]).get("url", [""])[0]
        return f"{virtual[1]}/{public_href(inner)}"
    inside = re.match(r"((?:/vsi\w+/)+)(\w[\w+.-]*://.*)", href)
    if inside:
        return inside[1] + public_href(inside[2])
    if href.startswith("/vsi"):
        return href.split("?", 1)[0]
    if not re.match(r"[A-Za-z][\w+.-]*://", href):
        return href
    parts = urlsplit(href)
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, "", ""))


def is_local(href: str) -> bool:
    """Return whether `href` is a path of this machine rather than a URL or one of GDAL's virtual files."""
    return "://" not in href and not href.startswith("/vsi")


def url_of(path: Path) -> str:
    """Return the URL that was taken for a path, which makes one slash of two; empty where it is a path."""
    found = re.fullmatch(r"([A-Za-z][\w+.-]+):/+(.*)", path.as_posix())
    return f"{found[1].lower()}://{'/' if found[1].lower() == 'file' else ''}{found[2]}" if found else ""
