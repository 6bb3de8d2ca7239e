"""Files appear whole or not at all: they are made in a hidden folder beside their place, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hlsmask.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX: Final = ".partial"
"""Names of scratch folders begin with a dot and end with this; what a killed run left may be removed."""


def open_scratch(path: Path) -> Path:
    """Make and return a folder `.<name>.<random>.partial` beside `path`, whose own folder is made too.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error


def remove_scratch(folder: Path) -> None:
    """Remove what `open_scratch` made, with all that is in it; never raises."""
    shutil.rmtree(folder, ignore_errors=True)


def settle(finished: Path, path: Path) -> None:
    """Give `finished`, a whole file on the same disk, its final name, once the disk really holds it.

    Raises
    ------
    OutputError
        If the disk refuses; `path` is then what it was before.
    """
    try:
        with finished.open("rb") as stream:
            os.fsync(stream.fileno())  # delayed allocation: only now does a full disk say so
        finished.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Yield a place to write to; it becomes `path` when the block ends well and vanishes when it does not.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    folder = open_scratch(path)
    try:
        draft = folder / path.name
        try:
            draft.touch()
            mode = draft.stat().st_mode
            yield draft
            draft.chmod(mode)  # libraries may make it private
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {reason(error)}") from error
        settle(draft, path)
    finally:
        remove_scratch(folder)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    with aside(path) as draft:
        draft.write_bytes(text.encode())


def reason(error: OSError) -> str:
    """Return what the system says is wrong, such as "No space left on device"."""
    return error.strerror or str(error) or type(error).__name__
