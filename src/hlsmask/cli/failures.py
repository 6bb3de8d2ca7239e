"""What failed, kept beside the results."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hlsmask.archive.home import FAILURES
from hlsmask.aside import write_text
from hlsmask.cli import complain
from hlsmask.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


class Failures:
    """What failed, kept in `OUT/failures.jsonl`: a line a source, gone once the source is done."""

    def __init__(self, folder: Path) -> None:
        """Read what earlier runs left in a folder."""
        self._path = folder / FAILURES
        self._kept: dict[str, dict[str, str]] = {}
        self.new = 0
        try:
            for line in self._path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._kept[entry["source"]] = entry
        except (OSError, ValueError, KeyError, TypeError):
            pass  # there is none, or it is not ours: it is written anew

    def add(self, source: str, error: Exception) -> None:
        """Print and keep a failure; `source` is as it may be shown (`Source.place`)."""
        self.keep(source, type(error).__name__, complain(error))

    def keep(self, source: str, kind: str, reason: str) -> None:
        """Keep a failure that was told already."""
        self.new += 1
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._kept[source] = {"source": source, "error": kind, "reason": reason, "time": now}

    def forget(self, source: str) -> None:
        """Drop what was kept of a source that is now done."""
        self._kept.pop(source, None)

    def write(self) -> None:
        """Write them all, or remove the file where there is none."""
        try:
            if self._kept:
                write_text(self._path, "".join(f"{json.dumps(entry)}\n" for entry in self._kept.values()))
            else:
                self._path.unlink(missing_ok=True)
        except OutputError as error:
            complain(error)
