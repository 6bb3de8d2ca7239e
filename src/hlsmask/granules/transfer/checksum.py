"""Checksums as catalogues write them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CODES: Final = {0xD5: "md5", 0x11: "sha1", 0x12: "sha256", 0x13: "sha512", 0x20: "sha384"}
"""Codes of multihashes (github.com/multiformats/multicodec, table.csv)."""
_LENGTHS: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
"""Bytes of a digest."""
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file's bytes must add up to."""

    algorithm: str
    """As hashlib calls it."""

    digest: str
    """Lower-case hexadecimal."""

    @classmethod
    def of_asset(cls, asset: Mapping[str, Any]) -> Checksum | None:
        """Return the checksum of a STAC asset; None where there is none that we can compute.

        Read are `file:checksum` and `checksum:multihash` (multihashes), and `checksum` as CMR's records have it:
        `{"value": ..., "algorithm": "SHA-512"}` or a plain MD5 or SHA.
        """
        for key in ("file:checksum", "checksum:multihash"):
            if isinstance(text := asset.get(key), str) and (found := cls.of_multihash(text)):
                return found
        value, name = asset.get("checksum"), ""
        if isinstance(value, dict):
            parts = {str(key).lower(): str(part) for key, part in value.items()}
            value, name = parts.get("value"), parts.get("algorithm", "")
        if not isinstance(value, str):
            return None
        return cls.of_multihash(value) or cls._plain(value, name)

    @classmethod
    def of_multihash(cls, text: str) -> Checksum | None:
        """Return the checksum of a multihash in hexadecimal, if it is one."""
        try:
            data = bytes.fromhex(text)
        except ValueError:
            return None
        code, rest = _varint(data)
        length, digest = _varint(rest)
        algorithm = _CODES.get(code, "")
        if not algorithm or not length == len(digest) == _LENGTHS[algorithm]:
            return None
        return cls(algorithm, digest.hex())

    @classmethod
    def _plain(cls, value: str, name: str) -> Checksum | None:
        before, _, value = value.strip().lower().rpartition(":")
        algorithm = (name or before).lower().replace("-", "").replace("_", "")
        length = len(value) // 2
        if not algorithm:
            algorithm = next((known for known, bytes_ in _LENGTHS.items() if bytes_ == length), "")
        try:
            fits = len(bytes.fromhex(value)) == _LENGTHS.get(algorithm)
        except ValueError:
            fits = False
        return cls(algorithm, value) if fits else None

    def fits(self, path: Path) -> bool:
        """Say whether the file at `path` has it."""
        state = hashlib.new(self.algorithm, usedforsecurity=False)
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                state.update(chunk)
        return state.hexdigest() == self.digest


def _varint(data: bytes) -> tuple[int, bytes]:
    """Return the unsigned variable-length integer at the start of `data`, and what follows."""
    value = 0
    for at, byte in enumerate(data):
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:  # noqa: PLR2004 - the last has its top bit clear
            return value, data[at + 1 :]
    return -1, b""
