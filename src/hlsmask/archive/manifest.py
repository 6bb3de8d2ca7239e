"""What became of each source of a run: one Parquet table beside the results, whole at any moment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from hlsmask.aside import aside
from hlsmask.errors import OutputError
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FILE: Final = "manifest.parquet"
_WHAT: Final = "a run over many sources"


class State(StrEnum):
    """What a source is at."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One source. Nothing secret is in it: URLs lack their signatures."""

    id: str
    """Name of its results."""

    source: str
    """Where it is read from."""

    state: State = State.PLANNED
    """What it is at."""

    seconds: float = 0.0
    """Wall time of the last try, of the worker."""

    output: str = ""
    """Where its results lie, if it is done."""

    request: str = ""
    """Hash of source, model and options that its results answer; empty where there are none."""

    error: str = ""
    """Kind of error, if it failed."""

    reason: str = ""
    """Why, in one sentence."""

    tries: int = 0
    """How often it was tried in the last run."""

    passing: bool = False
    """Whether it failed for a reason that may pass: a server that did not answer."""

    time: str = ""
    """When this was found, UTC, ISO 8601."""


class Manifest:
    """The entries of all runs into one folder, by ID."""

    def __init__(self, path: Path, kept: Callable[[], None] | None = None) -> None:
        """Read what earlier runs left at `path`; `kept` is called whenever it is written.

        Raises
        ------
        MissingPackageError
            If pyarrow is not installed.
        OutputError
            If there is a file that is no manifest.
        """
        self.path = path
        self._kept = kept
        self.entries: dict[str, Entry] = {}
        self._arrow = load("cluster", "pyarrow", _WHAT)
        self._parquet = load("cluster", "pyarrow.parquet", _WHAT)
        if path.exists():
            self._read()

    def _read(self) -> None:
        try:
            table = self._parquet.read_table(self.path)
            rows = [Entry(**{**row, "state": State(row["state"])}) for row in table.to_pylist()]
        except (OSError, ValueError, TypeError, KeyError, self._arrow.ArrowException) as error:
            raise OutputError(
                f"{self.path} is no manifest of this hlsmask; remove it: what is done is known from the results"
            ) from error
        self.put(rows)

    def put(self, entries: Iterable[Entry]) -> None:
        """Take entries, in place of those of the same ID."""
        self.entries.update((entry.id, entry) for entry in entries)

    def write(self) -> None:
        """Write all entries, whole or not at all.

        Raises
        ------
        OutputError
            If the folder or the disk refuses.
        """
        kinds = {"float": self._arrow.float64(), "int": self._arrow.int32(), "bool": self._arrow.bool_()}
        columns = [(field.name, kinds.get(str(field.type), self._arrow.string())) for field in fields(Entry)]
        schema = self._arrow.schema(columns)
        values: dict[str, list[Any]] = {
            name: [getattr(entry, name) for entry in self.entries.values()] for name, _ in columns
        }
        with aside(self.path) as draft:
            self._parquet.write_table(self._arrow.table(values, schema=schema), draft)
        if self._kept is not None:
            self._kept()


def now() -> str:
    """Return the time, UTC, ISO 8601, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
