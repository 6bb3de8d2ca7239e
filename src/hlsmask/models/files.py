"""Files of weights, read and written: one that is written appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from hlsmask.errors import ModelError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PUBLISHED_FILES: Final = (".tar", ".pth", ".pt", ".ckpt")
"""How the names of published checkpoints end, `.pth.tar` first of all."""

TORCH_FILES: Final = (".safetensors", *PUBLISHED_FILES)
"""How the names of files that torch runs end: ours, and published checkpoints."""


def check_readable(path: Path) -> None:
    """Raise ModelError if `path` cannot be opened; libraries say of that what they like.

    Raises
    ------
    ModelError
        If it is not there, a folder, or not ours to read.
    """
    try:
        path.open("rb").close()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; what was written there is moved to `path` if nothing goes wrong.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    near = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        near.touch()
        mode = near.stat().st_mode
        yield near
        near.chmod(mode)  # libraries may make it private
        near.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            near.unlink()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hexadecimal) of a file of weights.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
