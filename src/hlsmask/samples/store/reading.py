"""The compact store, read: a Zarr v3 group of sharded arrays with a Parquet manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hlsmask.errors import DatasetError, SampleError, first_line
from hlsmask.masks import Mask
from hlsmask.samples.lists import there
from hlsmask.samples.sample import Sample
from hlsmask.samples.sequence import Samples
from hlsmask.samples.store import manifest
from hlsmask.samples.store.layout import STORE, from_differences, group_name
from hlsmask.samples.store.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hlsmask.samples.sample import Record
    from hlsmask.samples.store.manifest import Row
    from hlsmask.windows import Window

PARTS: Final = "parts"
"""Folder of what is written but not yet in the manifest; gone once a store is finished."""

ATTRIBUTE: Final = "hlsmask"
"""Attribute of the group that says what it is."""


def is_store(path: Path) -> bool:
    """Say whether the folder at `path` looks like a store, finished or not."""
    return there(path / "zarr.json", Path.is_file) or there(path / manifest.NAME, Path.is_file)


def check_version(path: Path) -> dict[str, Any]:
    """Return what the store at `path` says of itself: its version, and the options it was made with.

    Raises
    ------
    DatasetError
        If it is no store of this version.
    """
    try:
        about: dict[str, Any] = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"][ATTRIBUTE]
        version = about["store"]
    except (OSError, LookupError, ValueError, TypeError) as error:
        raise DatasetError(f"{path} is no store of samples, or part of it is lost: {first_line(error)}") from error
    if version != STORE:
        raise DatasetError(f"{path} is a store of version {version}; this hlsmask reads version {STORE}")
    return about


class StoreSamples(Samples):
    """The samples of a store, or of one split of it."""

    def __init__(self, path: Path, split: str | None = None) -> None:
        """Open the store in the folder `path`; `split` None takes all samples, "" those of no split.

        Raises
        ------
        DatasetError
            If it is no store, was not finished, or the split is empty.
        """
        self.path = path
        check_version(path)
        if parts := sorted((path / PARTS).glob("*.parquet")):
            whole = sum(manifest.read_table(part).num_rows for part in parts)
            raise DatasetError(
                f"{path} was cut off while it was written: {whole} samples lie beside its manifest; "
                "run the command that wrote it again, which goes on where it stopped"
            )
        if not (path / manifest.NAME).is_file():
            raise DatasetError(
                f"{path} was cut off before its first samples were whole, or has lost {manifest.NAME}; "
                "run the command that wrote it again"
            )
        table = manifest.read_manifest(path)
        self.notes = manifest.notes_of(table, source=str(path))
        rows = manifest.to_rows(table, source=str(path / manifest.NAME))
        self.rows: Sequence[Row] = [row for row in rows if split is None or row.record.split == split]
        if split is not None and not self.rows:
            there = ", ".join(sorted({row.record.split or "none" for row in rows})) or "no samples at all"
            raise DatasetError(f"{path} has no samples in the split {split!r}; it has {there}")
        self._arrays: dict[str, Shards] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it opens the files itself."""
        return {**self.__dict__, "_arrays": {}}

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.rows)

    def record(self, index: int) -> Record:
        """Return what is known of a sample but its pixels."""
        return self.rows[index].record

    def sample(self, index: int) -> Sample:
        """Return a whole sample."""
        row = self.rows[index]
        bands, labels = self.stored(index)
        fmask = self._read(row, "fmask", None) if row.fmask else None
        return Sample(row.record, bands, labels, fmask)

    def stored(self, index: int, window: Window | None = None) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a sample, or of a window that lies within it."""
        row = self.rows[index]
        bands = from_differences(self._read(row, "differences", window))
        return bands, self._read(row, "labels", window)

    def _read(self, row: Row, name: str, window: Window | None) -> NDArray[Any]:
        key = f"{group_name(row.record.size)}/{name}"
        try:
            if key not in self._arrays:
                self._arrays[key] = Shards(self.path / key)
            return self._arrays[key].read(row.position, window)
        except DatasetError as error:
            raise SampleError(f"sample {row.record.id} of {self.path}: {error}") from error


def masks_of(rows: Sequence[Row]) -> dict[Mask, tuple[int, int, int]]:
    """Return for each mask, over all rows, how many pixels it is present at, absent at, and not known at."""
    pixels = sum(row.record.size**2 for row in rows)
    counts = {}
    for at, mask in enumerate(Mask):
        present, known = sum(row.present[at] for row in rows), sum(row.known[at] for row in rows)
        counts[mask] = (present, known - present, pixels - known)
    return counts
