"""The compact store, written: shard by shard, each checked, so that what was cut off goes on."""

from __future__ import annotations

import json
import shutil
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final, Self

import numpy as np

from hlsmask.aside import reason
from hlsmask.errors import DatasetError, OutputError, SampleError, UsageError
from hlsmask.extras import load
from hlsmask.samples.sample import Sample
from hlsmask.samples.store import manifest
from hlsmask.samples.store.layout import (
    STORE,
    from_differences,
    group_name,
    make_arrays,
    per_shard,
    quiet,
    to_differences,
)
from hlsmask.samples.store.reading import ATTRIBUTE, PARTS, check_version
from hlsmask.samples.store.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from hlsmask.samples.store.manifest import Row

LOCK: Final = ".lock"
"""File that is locked while somebody writes."""


class StoreWriter:
    """Writes samples into a store; leaving its `with` block without an error finishes the store.

    What was written whole stays, whatever happens; the same command again goes on from there.
    """

    def __init__(self, path: Path, *, options: Mapping[str, Any] | None = None, resume: bool = True) -> None:
        """Make the store in the folder `path`, or go on with it.

        Parameters
        ----------
        path
            A folder that is not there, is empty, or holds a store.
        options
            How the samples are made, as JSON values; a store that is gone on with must have the same.
        resume
            Whether a store that is there is gone on with.

        Raises
        ------
        UsageError
            If the folder holds something else, or a store though `resume` is False, or one made otherwise.
        OutputError
            If it cannot be written.
        """
        self.path = path
        self.options = json.loads(json.dumps(dict(options or {}), sort_keys=True, default=str))
        self._buffers: dict[int, list[Sample]] = {}
        self._held: set[str] = set()
        self._lock: IO[Any] | None = None
        for name in ("zarr", "pyarrow.parquet"):  # before anything is made
            load("samples", name, f"writing {path}")
        self._made = not path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
            there = {item.name for item in path.iterdir()} - {LOCK, "report.json"}
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {reason(error)}") from error
        if there and "zarr.json" not in there:
            raise UsageError(f"{path} holds something that is no store of samples; name a new or empty folder")
        if there and not resume:
            raise UsageError(f"{path} is there already; name a new folder, or go on with it")
        self._lock = lock(path)
        self._fresh = not there
        try:
            self._group = self._go_on() if there else self._begin()
            self._rows = self._known_rows()
        except BaseException:
            self.close()
            raise
        self._ids = {row.record.id for row in self._rows}

    @property
    def ids(self) -> frozenset[str]:
        """Names of the samples that the store holds, those that are not yet written included."""
        return frozenset(self._ids | self._held)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The samples that are written."""
        return tuple(self._rows)

    def append(self, sample: Sample) -> None:
        """Take a sample; it is on disk once a file of its size is full, or the store is finished.

        Raises
        ------
        SampleError
            If there is one of its name already.
        OutputError
            If the disk refuses, or gives back something else than was written.
        """
        name = sample.record.id
        if name in self._ids or name in self._held:
            raise SampleError(f"{self.path} holds a sample called {name} already")
        size = sample.record.size
        buffer = self._buffers.setdefault(size, [])
        buffer.append(sample)
        self._held.add(name)
        if len(buffer) == per_shard(size):
            self._flush(size)

    def finish(self) -> None:
        """Write what is left, and the manifest."""
        for size in list(self._buffers):
            self._flush(size)
        manifest.write_manifest(self.path, manifest.to_table(self._rows, self.options))
        shutil.rmtree(self.path / PARTS, ignore_errors=True)

    def close(self) -> None:
        """Let others write; what is not on disk is forgotten."""
        self._buffers.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
            elif self._fresh and not self._rows:
                self._undo()
        finally:
            self.close()

    def _undo(self) -> None:
        """Remove what was made of a store in which there is nothing, and the folder if it was made too."""
        if self._made:
            shutil.rmtree(self.path, ignore_errors=True)
            return
        for item in (*self.path.glob("size-*"), self.path / PARTS):
            shutil.rmtree(item, ignore_errors=True)
        for name in ("zarr.json", LOCK):
            (self.path / name).unlink(missing_ok=True)

    def _begin(self) -> Any:  # noqa: ANN401 - zarr, which may not be there
        import zarr  # noqa: PLC0415 - not there in the light install

        try:
            return zarr.create_group(
                self.path, zarr_format=3, attributes={ATTRIBUTE: {"store": STORE, "options": self.options}}
            )
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {reason(error)}") from error

    def _go_on(self) -> Any:  # noqa: ANN401 - zarr, which may not be there
        import zarr  # noqa: PLC0415 - not there in the light install

        before = check_version(self.path).get("options", {})
        if before != self.options:
            names = sorted(set(before) | set(self.options))
            differing = [f"{name}={before.get(name)}" for name in names if before.get(name) != self.options.get(name)]
            raise UsageError(f"{self.path} was made with {', '.join(differing)}; name a new folder, or use the same")
        with quiet():
            return zarr.open_group(self.path, mode="r+", zarr_format=3)

    def _known_rows(self) -> list[Row]:
        rows: dict[str, Row] = {}
        files = [self.path / manifest.NAME, *sorted((self.path / PARTS).glob("*.parquet"))]
        for file in files:
            if file.is_file():
                for row in manifest.to_rows(manifest.read_table(file), source=str(file)):
                    rows.setdefault(row.record.id, row)
        return list(rows.values())

    def _flush(self, size: int) -> None:
        """Write the samples of one size that are held, read them back, and note them as written."""
        samples = self._buffers.get(size, [])
        if not samples:
            return
        count = per_shard(size)
        used = [row.position for row in self._rows if row.record.size == size]
        first = -(-(max(used, default=-1) + 1) // count) * count  # each flush begins a file
        try:
            self._write(size, first, samples)
            rows = [manifest.Row.of(sample, first + at) for at, sample in enumerate(samples)]
            self._check(size, rows)
            name = f"{size:05d}-{first:09d}.parquet"
            manifest.write_table(self.path / PARTS / name, manifest.to_table(rows, self.options))
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{self.path} cannot be written: {reason(error)}") from error
        self._rows += rows
        self._ids |= {row.record.id for row in rows}
        self._held -= self._ids
        self._buffers[size] = []

    def _write(self, size: int, first: int, samples: list[Sample]) -> None:
        import zarr  # noqa: PLC0415 - not there in the light install

        with quiet(), zarr.config.set({"array.write_empty_chunks": True}):  # a file that is not there is lost
            name = group_name(size)
            part = self._group[name] if name in self._group else make_arrays(self._group, size)
            stack = {
                "differences": to_differences(np.stack([sample.bands for sample in samples])),
                "labels": np.stack([sample.labels for sample in samples]),
                "fmask": np.stack(
                    [np.full((size, size), 255, np.uint8) if s.fmask is None else s.fmask for s in samples]
                ),
            }
            for key, values in stack.items():
                array = part[key]
                array.resize((first + len(samples), *array.shape[1:]))
                array[first : first + len(samples)] = values

    def _check(self, size: int, rows: list[Row]) -> None:
        """Read samples back, as they will be read: not by what wrote them."""
        part = self.path / group_name(size)
        stored, labels, fmasks = (Shards(part / name) for name in ("differences", "labels", "fmask"))
        for row in rows:
            bands = from_differences(stored.read(row.position))
            fmask = fmasks.read(row.position) if row.fmask else None
            again = Sample(row.record, bands, labels.read(row.position), fmask)
            if manifest.fingerprint(again) != row.sha256:
                raise OutputError(f"{self.path} does not give back what was written of {row.record.id}; check the disk")


def lock(path: Path) -> IO[Any]:
    """Lock the store at `path` against other writers, for as long as the file that is returned stays open.

    Raises
    ------
    DatasetError
        If another process writes it.
    OutputError
        If the folder cannot be written.
    """
    try:
        import fcntl  # noqa: PLC0415 - not there on Windows
    except ModuleNotFoundError:
        return BytesIO()  # nothing to lock with
    try:
        file = (path / LOCK).open("a")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise DatasetError(f"{path} is being written by another process; wait until it is done") from error
    return file
