"""Numbers as people read them."""

from __future__ import annotations

_GIGA = 1e9


def counted(number: int, noun: str) -> str:
    """Return a number of things, such as `1 file` or `12 files`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def megabytes(size: int) -> str:
    """Return a number of bytes such as `4.9 MB`, or `1.3 GB`."""
    return f"{size / _GIGA:.1f} GB" if size >= _GIGA else f"{size / 1e6:.1f} MB"


def duration(seconds: float) -> str:
    """Return a time such as `12 s`, `4 min` or `2.5 h`."""
    minute, hour = 60, 3600
    if seconds < 2 * minute:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - one digit is enough
    return f"{seconds / minute:.0f} min" if seconds < 2 * hour else f"{seconds / hour:.1f} h"
