"""From any samples to the compact store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hlsmask.aside import reason
from hlsmask.errors import DatasetError, OutputError, SampleError, UnreadableError
from hlsmask.granules.archive import Archive
from hlsmask.samples.ahead import read_ahead
from hlsmask.samples.lists import SHOWN
from hlsmask.samples.published import PublishedSamples
from hlsmask.samples.store.reading import StoreSamples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hlsmask.samples.sequence import Samples
    from hlsmask.samples.store import StoreWriter


MARKS: Final = "sources.jsonl"
"""File in the store that tells of each converted sample which one it was."""


def convert(
    samples: Samples,
    writer: StoreWriter,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[str, str]]:
    """Write samples into a store; those that it holds already are not read again.

    Parameters
    ----------
    samples
        Published ones, or those of a store.
    writer
        The store; finished by whoever opened it.
    workers
        Threads that read.
    progress
        Called with how many samples are done, of how many.

    Returns
    -------
    Name and reason of each sample that could not be used.

    Raises
    ------
    DatasetError
        If none could, or one that the store holds is another now, or in another split.
    """
    names = [name_of(samples, index) for index in range(len(samples))]
    first: dict[str, int] = {}
    broken: list[tuple[str, str]] = []
    for index, name in enumerate(names):
        kept = first.setdefault(name, index)
        if kept != index:
            lists = f"{split_of(samples, kept)}.npy and {split_of(samples, index)}.npy"
            broken.append((name, f"{name} is in {lists}; it is kept in the first"))
    marks = Marks(writer.path)
    _check_unchanged(samples, first, writer, marks)
    there = writer.ids
    wanted = [index for name, index in first.items() if name not in there]
    done = len(first) - len(wanted)
    for index, read in read_ahead(samples, wanted, workers=workers):
        try:
            if isinstance(read, SampleError):
                raise read
            writer.append(read)
            marks.add(names[index], mark_of(samples, index))
        except SampleError as error:
            broken.append((names[index], str(error)))
        done += 1
        if progress is not None:
            progress(done, len(first))
    if not writer.ids:
        raise DatasetError(f"none of the {len(names)} samples in {samples.path} can be used; the first: {broken[0][1]}")
    return broken


def name_of(samples: Samples, index: int) -> str:
    """Return the id of a sample, without reading it where its file's name tells."""
    return samples.name(index) if isinstance(samples, PublishedSamples) else samples.record(index).id


def split_of(samples: Samples, index: int) -> str:
    """Return the split of a sample, without reading it where a list tells."""
    return samples.files[index][0] if isinstance(samples, PublishedSamples) else samples.record(index).split


def mark_of(samples: Samples, index: int) -> str:
    """Return what tells a sample's content from another's, without reading its pixels."""
    if isinstance(samples, PublishedSamples):
        try:
            with Archive(samples.files[index][1]) as archive:
                return archive.digest()
        except UnreadableError:
            return ""
    return samples.rows[index].sha256 if isinstance(samples, StoreSamples) else ""


class Marks:
    """What told the samples of a store from others, when they were written: a line each, beside the store."""

    def __init__(self, store: Path) -> None:
        """Read what an earlier conversion noted."""
        self._path = store / MARKS
        try:
            lines = [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]
            self.known = {str(line["id"]): str(line["mark"]) for line in lines}
        except (OSError, ValueError, LookupError, TypeError):
            self.known = {}

    def add(self, name: str, mark: str) -> None:
        """Note a sample.

        Raises
        ------
        OutputError
            If the disk refuses.
        """
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"id": name, "mark": mark}) + "\n")
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {reason(error)}") from error


def _check_unchanged(samples: Samples, first: dict[str, int], writer: StoreWriter, marks: Marks) -> None:
    """Raise DatasetError if samples that the store holds are others by now, or in other splits."""
    splits = {row.record.id: row.record.split for row in writer.rows}
    changed = []
    for name, index in first.items():
        if name in splits:
            mark = mark_of(samples, index)
            if split_of(samples, index) != splits[name] or marks.known.get(name, mark) != mark:
                changed.append(name)
    if changed:
        shown = ", ".join(changed[:SHOWN]) + (", ..." if len(changed) > SHOWN else "")
        raise DatasetError(
            f"{len(changed)} samples that {writer.path} holds already are others in {samples.path} by now, or in "
            f"another split ({shown}); name a new folder"
        )


def options_of(samples: Samples, split: str | None) -> dict[str, Any]:
    """Return what a store keeps of how it was made."""
    kind = "published" if isinstance(samples, PublishedSamples) else "store"
    return {"command": "convert", "from": kind, "split": split or "all"}
