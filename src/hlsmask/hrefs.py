"""Paths and URLs, as they may be shown and kept."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit, urlunsplit


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
