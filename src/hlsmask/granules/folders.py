"""Which files lie at and below a folder."""

from __future__ import annotations

import os
from pathlib import Path

from hlsmask.errors import UnreadableError


def files_below(folder: Path | str) -> list[Path]:
    """Return all files at and below `folder`, sorted, through links too, each folder once.

    Hidden files and folders are left out: half-written results lie in such.

    Raises
    ------
    UnreadableError
        If `folder` or one below it cannot be listed.
    """
    top = Path(folder)
    if not top.is_dir():
        raise UnreadableError(f"{top} is {'no folder' if top.exists() else 'not there'}; name the folder to look in")
    found: list[Path] = []
    seen: set[str] = set()
    for home, inner, names in os.walk(top, onerror=_refuse, followlinks=True):
        real = os.path.realpath(home)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        found += [Path(home, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise UnreadableError(f"{error.filename} cannot be listed: {error.strerror or error}") from error
