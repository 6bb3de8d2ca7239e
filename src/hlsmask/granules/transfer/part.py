"""A file that is on its way: what has come so far, and what the server said of it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final, Self

from hlsmask.aside import reason, settle
from hlsmask.errors import OutputError, ServiceError
from hlsmask.locks import lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PART: Final = ".part"
"""What is on its way is called NAME.part, with NAME.part.json beside it."""


class Part:
    """`NAME.part`, open for writing by us alone, until the file is whole and gets its name."""

    def __init__(self, target: Path) -> None:
        """Open what an earlier download left, or begin.

        Raises
        ------
        OutputError
            If the folder cannot be written to.
        ServiceError
            If another download is at work on it.
        """
        self.target = target
        self.path = target.with_name(target.name + PART)
        self._note = self.path.with_name(self.path.name + ".json")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._stream: IO[bytes] = self.path.open("ab")
        except OSError as error:
            raise OutputError(f"{target} cannot be written: {reason(error)}") from error
        if not lock(self._stream, wait=False):
            self._stream.close()
            raise ServiceError(f"{target} is being fetched by another download")
        self.size = self._stream.tell()

    @property
    def validator(self) -> str | None:
        """What tells this version of the file from others, for If-Range: a strong ETag, else a date."""
        try:
            known = json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            return None
        value = known.get("validator") if isinstance(known, dict) else None
        return value if isinstance(value, str) and value else None

    def begin(self, headers: Mapping[str, str]) -> None:
        """Drop what has come so far; keep what the server says of the file that now comes.

        Raises
        ------
        OutputError
            If the disk refuses.
        """
        try:
            self._stream.truncate(0)
            self._note.write_text(json.dumps({"validator": validator_of(headers)}), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{self.target} cannot be written: {reason(error)}") from error
        self.size = 0

    def write(self, data: bytes) -> None:
        """Write what came.

        Raises
        ------
        OutputError
            If the disk refuses; what came before stays, to go on from.
        """
        try:
            self._stream.write(data)
        except OSError as error:
            raise OutputError(f"{self.target} cannot be written: {reason(error)}") from error
        self.size += len(data)

    def flush(self) -> None:
        """Hand all that came to the disk.

        Raises
        ------
        OutputError
            If it refuses.
        """
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(f"{self.target} cannot be written: {reason(error)}") from error

    def finish(self) -> None:
        """Give the file its name.

        Raises
        ------
        OutputError
            If the disk refuses.
        """
        settle(self.path, self.target)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; one of which nothing came is removed."""
        with suppress(OSError):  # a full disk has said so before
            self._stream.close()
        if not self.size:
            self._note.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def validator_of(headers: Mapping[str, Any]) -> str | None:
    """Return what If-Range takes: a strong ETag, else the date of the last change; weak ETags do not say enough."""
    tag = headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    changed = headers.get("Last-Modified")
    return str(changed) if changed else None
