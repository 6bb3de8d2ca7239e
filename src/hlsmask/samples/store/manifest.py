"""The manifest of a store: a Parquet table with one row a sample."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask import __version__
from hlsmask.aside import aside
from hlsmask.errors import DatasetError, first_line
from hlsmask.extras import needing
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask
from hlsmask.samples.sample import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from hlsmask.samples.sample import Sample

NAME: Final = "manifest.parquet"
"""Its name in the store."""

SCHEMA: Final = 1
"""Changes whenever what the columns mean changes."""

METADATA_KEY: Final = b"hlsmask"
"""Where the file keeps schema version, content hash, hlsmask version and the options of the store, as JSON."""

_TYPES: Final = {
    "id": "string", "size": "int32", "split": "string", "granule": "string", "sensor": "string", "platform": "string",
    "tile": "string", "time": "timestamp[us, tz=UTC]", "row": "int32", "col": "int32", "crs": "string",
    "left": "double", "top": "double", "lon": "double", "lat": "double", "terrain_shadow": "string",
    "source": "string",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A sample in a store."""

    record: Record
    """What is known of it."""

    position: int
    """Where it is along the first axis of the arrays of its size."""

    fmask: bool
    """Whether there is an Fmask layer."""

    valid: int
    """Observed pixels."""

    present: tuple[int, ...]
    """Pixels at which each mask is there, in the order of `Mask`."""

    known: tuple[int, ...]
    """Pixels at which each mask is known, in the order of `Mask`."""

    sha256: str
    """Of bands, labels and Fmask layer, as `fingerprint` has it."""

    @classmethod
    def of(cls, sample: Sample, position: int) -> Row:
        """Return the row of a sample that is to lie at `position`."""
        present = tuple(int(np.count_nonzero(mask == PRESENT)) for mask in sample.labels)
        known = tuple(int(np.count_nonzero(mask != NOT_OBSERVED)) for mask in sample.labels)
        valid = int(np.count_nonzero(sample.valid))
        return cls(sample.record, position, sample.fmask is not None, valid, present, known, fingerprint(sample))


def fingerprint(sample: Sample) -> str:
    """Return the SHA-256 (hexadecimal) of a sample's bands, labels and, where there is one, Fmask layer."""
    digest = hashlib.sha256()
    for array in (sample.bands.astype("<i2", copy=False), sample.labels, sample.fmask):
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def content_hash(rows: Iterable[Row]) -> str:
    """Return one SHA-256 for a whole store: of the sorted names and hashes of its samples."""
    lines = sorted(f"{row.record.id} {row.sha256}\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def to_table(rows: Iterable[Row], options: Mapping[str, Any]) -> pa.Table:
    """Return rows as the table that is written; `options` (JSON values) say how the store was made."""
    with needing("samples", "a store of samples"):
        import pyarrow as pa  # noqa: PLC0415 - not there in the light install

    rows = list(rows)
    columns: dict[str, list[Any]] = {
        field.name: [getattr(row.record, field.name) for row in rows] for field in fields(Record)
    }
    types = dict(_TYPES)
    for name, kind in (("position", "int64"), ("fmask", "bool"), ("valid", "int64"), ("sha256", "string")):
        columns[name], types[name] = [getattr(row, name) for row in rows], kind
    for at, mask in enumerate(Mask):
        columns[f"{mask}_present"], types[f"{mask}_present"] = [row.present[at] for row in rows], "int64"
        columns[f"{mask}_known"], types[f"{mask}_known"] = [row.known[at] for row in rows], "int64"
    notes = {"schema": SCHEMA, "content": content_hash(rows), "hlsmask": __version__, "options": dict(options)}
    schema = pa.schema(
        [(name, _arrow_type(pa, types[name])) for name in columns],
        metadata={METADATA_KEY: json.dumps(notes, sort_keys=True).encode()},
    )
    return pa.table(columns, schema=schema)


def _arrow_type(pa: Any, kind: str) -> Any:  # noqa: ANN401 - pyarrow, which may not be there
    return pa.timestamp("us", tz="UTC") if kind.startswith("timestamp") else pa.type_for_alias(kind)


def to_rows(table: pa.Table, *, source: str = "the manifest") -> list[Row]:
    """Return the rows that a table holds.

    Raises
    ------
    DatasetError
        If it lacks a column, or holds what no record can.
    """
    names = [field.name for field in fields(Record)]
    try:
        rows = []
        for values in table.to_pylist():
            time = values["time"]
            values["time"] = None if time is None else time.astimezone(UTC)
            rows.append(
                Row(
                    Record(**{name: values[name] for name in names}),
                    values["position"],
                    values["fmask"],
                    values["valid"],
                    tuple(values[f"{mask}_present"] for mask in Mask),
                    tuple(values[f"{mask}_known"] for mask in Mask),
                    values["sha256"],
                )
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{source} is no manifest of hlsmask samples: {first_line(error)}") from error
    return rows


def notes_of(table: pa.Table, *, source: str = "the manifest") -> dict[str, Any]:
    """Return schema version, content hash, hlsmask version and options that a table carries.

    Raises
    ------
    DatasetError
        If it carries none, or is of a later schema.
    """
    try:
        notes: dict[str, Any] = json.loads((table.schema.metadata or {})[METADATA_KEY])
        schema = notes["schema"]
    except (KeyError, ValueError, TypeError) as error:
        raise DatasetError(f"{source} is no manifest of hlsmask samples: it says no schema version") from error
    if schema != SCHEMA:
        raise DatasetError(f"{source} has schema version {schema}; this hlsmask reads version {SCHEMA}")
    return notes


def read_table(path: Path) -> pa.Table:
    """Return the table in a Parquet file, checked to be of this schema.

    Raises
    ------
    DatasetError
        If it cannot be read, or is no manifest.
    """
    with needing("samples", f"reading {path}"):
        import pyarrow as pa  # noqa: PLC0415 - not there in the light install
        import pyarrow.parquet as pq  # noqa: PLC0415 - the same
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path} cannot be read: {first_line(error)}") from error
    notes_of(table, source=str(path))
    return table


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table, whole or not at all.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - not there in the light install

    with aside(path) as draft:
        pq.write_table(table, draft, compression="zstd")


def read_manifest(store: Path) -> pa.Table:
    """Return the manifest of the store in the folder `store`.

    Raises
    ------
    DatasetError
        If there is none, or it cannot be read.
    """
    return read_table(store / NAME)


def write_manifest(store: Path, table: pa.Table) -> None:
    """Put `table` in place of the manifest of the store in the folder `store`, whole or not at all."""
    write_table(store / NAME, table)
