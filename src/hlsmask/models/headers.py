"""The header of a .safetensors file, read and written as the format is defined: that needs no package.

Eight bytes, little end first, give the length of the JSON that follows, which spaces may fill up; the tensors lie
after it, and the JSON counts their bytes from there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hlsmask.errors import ModelError
from hlsmask.models.files import check_readable

if TYPE_CHECKING:
    from pathlib import Path

_COUNT: Final = 8
"""Bytes that give the length of the JSON; what follows it is aligned to as many."""

_METADATA: Final = "__metadata__"


@dataclass(frozen=True, slots=True)
class Header:
    """What a .safetensors file says of itself and its tensors."""

    metadata: dict[str, str]
    """What its writer noted."""

    tensors: dict[str, dict[str, Any]]
    """Type, shape and place of each tensor, by name."""

    end: int
    """Bytes of the file before its tensors."""

    def to_bytes(self) -> bytes:
        """Return what a file begins with whose tensors follow."""
        text = json.dumps({_METADATA: self.metadata, **self.tensors}, separators=(",", ":")).encode()
        text += b" " * (-len(text) % _COUNT)
        return len(text).to_bytes(_COUNT, "little") + text


def read_header(path: Path) -> Header:
    """Return the header of `path`, whose tensors are all there.

    Raises
    ------
    ModelError
        If the file cannot be read, is cut off, or is no .safetensors file.
    """
    check_readable(path)
    try:
        return _read(path)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is cut off or no .safetensors file ({error})") from error


def tensors_sha256(path: Path) -> str:
    """Return the SHA-256 (hexadecimal) of the tensors of a .safetensors file, which stays whatever its card says.

    Raises
    ------
    ModelError
        If the file cannot be read, is cut off, or is no .safetensors file.
    """
    end = read_header(path).end
    with path.open("rb") as file:
        file.seek(end)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> Header:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_COUNT), "little")
        if _COUNT + length > size:
            raise ValueError(f"{size} bytes are fewer than its header")
        tensors: dict[str, Any] = json.loads(file.read(length))
    metadata = dict(tensors.pop(_METADATA, {}))
    end = _COUNT + length
    whole = end + max((tensor["data_offsets"][1] for tensor in tensors.values()), default=0)
    if size != whole:
        raise ValueError(f"{size} bytes instead of {whole}")
    return Header(metadata, tensors, end)
