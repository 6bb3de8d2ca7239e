"""Files of weights: what they are called, whether they can be read, which one it is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from hlsmask.errors import ModelError

if TYPE_CHECKING:
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
