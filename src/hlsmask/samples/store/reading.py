"""The compact store, read: a Zarr v3 group of sharded arrays with a Parquet manifest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from hlsmask.errors import DatasetError, SampleError, first_line
from hlsmask.extras import needing
from hlsmask.masks import Mask
from hlsmask.samples.sample import Sample
from hlsmask.samples.sequence import Samples
from hlsmask.samples.store import manifest
from hlsmask.samples.store.layout import STORE, from_differences, group_name, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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
    return (path / "zarr.json").is_file() or (path / manifest.NAME).is_file()


def open_group(path: Path, mode: Literal["r", "r+"] = "r") -> Any:  # noqa: ANN401 - zarr, which may not be there
    """Return the zarr group of the store at `path`.

    Raises
    ------
    DatasetError
        If it is no store of this version.
    """
    with needing("samples", f"opening {path}"), quiet():
        import zarr  # noqa: PLC0415 - not there in the light install

        try:
            group = zarr.open_group(path, mode=mode, zarr_format=3)
            about: Any = group.attrs[ATTRIBUTE]
            version = about["store"]
        except (OSError, LookupError, ValueError, TypeError) as error:
            raise DatasetError(
                f"{path} is no store of samples, or a part of it is lost: {first_line(error)}"
            ) from error
    if version != STORE:
        raise DatasetError(f"{path} is a store of version {version}; this hlsmask reads version {STORE}")
    return group


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
        self._arrays: dict[str, Any] = {}
        self._process = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it opens the files itself."""
        return {**self.__dict__, "_arrays": {}, "_process": 0}

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
        fmask = self._read(row, "fmask", (slice(None), slice(None))) if row.fmask else None
        return Sample(row.record, bands, labels, fmask)

    def stored(self, index: int, window: Window | None = None) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a sample, or of a window that lies within it."""
        row = self.rows[index]
        place = (slice(None), slice(None), slice(None))
        if window is not None:
            place = (slice(None), slice(window.row, window.bottom), slice(window.col, window.right))
        bands = from_differences(self._read(row, "differences", place))
        return bands, self._read(row, "labels", place)

    def _read(self, row: Row, name: str, place: tuple[slice, ...]) -> NDArray[Any]:
        try:
            array = self._array(f"{group_name(row.record.size)}/{name}")
            pixels = np.asarray(array[(row.position, *place)])
        except DatasetError:
            raise
        except Exception as error:  # codecs raise what they like
            raise SampleError(f"{self.path}: sample {row.record.id} cannot be read: {first_line(error)}") from error
        if name == "differences" and row.valid and not self._shard(array, row).is_file():
            raise SampleError(f"{self.path}: sample {row.record.id} is lost: there is no {self._shard(array, row)}")
        return pixels

    def _array(self, key: str) -> Any:  # noqa: ANN401 - zarr, which may not be there
        if self._process != os.getpid():  # an open store does not survive a fork
            self._arrays, self._process = {}, os.getpid()
        if key not in self._arrays:
            with quiet():
                self._arrays[key] = open_group(self.path)[key]
        return self._arrays[key]

    def _shard(self, array: Any, row: Row) -> Path:  # noqa: ANN401 - zarr, which may not be there
        """Return the file of a sample: where there is none, zarr takes the sample for fill."""
        place = (row.position // array.shards[0], *(0 for _ in array.shape[1:]))
        return self.path / str(array.path) / str(array.metadata.encode_chunk_key(place))


def masks_of(rows: Sequence[Row]) -> dict[Mask, tuple[int, int, int]]:
    """Return for each mask, over all rows, how many pixels it is present at, absent at, and not known at."""
    pixels = sum(row.record.size**2 for row in rows)
    counts = {}
    for at, mask in enumerate(Mask):
        present, known = sum(row.present[at] for row in rows), sum(row.known[at] for row in rows)
        counts[mask] = (present, known - present, pixels - known)
    return counts
