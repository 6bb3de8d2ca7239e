"""The samples of a store are divided into splits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hlsmask.errors import DatasetError
from hlsmask.extras import needing
from hlsmask.samples.division.splits import assign
from hlsmask.samples.store.manifest import read_manifest, to_rows, write_manifest
from hlsmask.samples.store.reading import StoreSamples, is_store
from hlsmask.samples.store.writing import lock

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.samples.division.shares import By, Shares
    from hlsmask.samples.division.splits import Division
    from hlsmask.samples.store.manifest import Row


def divide(store: Path, *, by: By, shares: Shares, again: bool = False) -> tuple[Division, list[Row]]:
    """Divide the samples of a store, and note it in its manifest; return how, and the rows as they are now.

    Samples that have a split keep it, unless they are to be divided `again`.

    Raises
    ------
    DatasetError
        If there is no store, it is being written or was cut off, or its samples cannot be divided so.
    OutputError
        If the manifest cannot be written; it is then what it was.
    """
    if not is_store(store):
        raise DatasetError(f"{store} is no store of samples; make one with `hlsmask samples build` or `convert`")
    StoreSamples(store)  # says what is wrong with a store that was cut off
    with needing("samples", "dividing a store"):
        import pyarrow as pa  # noqa: PLC0415 - not there in the light install

    with lock(store):
        table = read_manifest(store)
        rows = to_rows(table, source=str(store))
        records = [replace(row.record, split="") if again else row.record for row in rows]
        shape = (len(rows), -1) if rows else (0, 0)
        present = np.array([row.present for row in rows], np.int64).reshape(shape)
        known = np.array([row.known for row in rows], np.int64).reshape(shape)
        try:
            division = assign(records, present, known, by=by, shares=shares)
        except DatasetError as error:
            raise DatasetError(f"{store}: {error}") from error
        if list(division.splits) != [row.record.split for row in rows]:
            at = table.schema.get_field_index("split")
            column = pa.array(division.splits, table.schema.field(at).type)
            write_manifest(store, table.set_column(at, table.schema.field(at), column))
    rows = [
        replace(row, record=replace(row.record, split=split)) for row, split in zip(rows, division.splits, strict=True)
    ]
    return division, rows
