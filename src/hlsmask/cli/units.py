"""Numbers as people read them."""

from __future__ import annotations

_GIGA = 1e9


def megabytes(size: int) -> str:
    """Return a number of bytes such as `4.9 MB`, or `1.3 GB`."""
    return f"{size / _GIGA:.1f} GB" if size >= _GIGA else f"{size / 1e6:.1f} MB"
