"""The tidy table: a row for each site and granule, as Parquet or CSV, whole or not at all."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hlsmask import __version__
from hlsmask.archive.sites.row import COLUMNS, Column
from hlsmask.aside import aside, write_text
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hlsmask.archive.sites.model import Estimate
    from hlsmask.archive.sites.row import Row, Value

_NEVER = datetime.max.replace(tzinfo=UTC)


def check_table(path: Path) -> None:
    """See before anything is read whether such a table can be written.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed, and the table is a Parquet file.
    """
    if path.suffix.lower() != ".csv":
        load("cluster", "pyarrow", f"{path.suffix} (.csv does not)")


def in_order(rows: Iterable[Row], sites: Sequence[str]) -> list[Row]:
    """Return rows by site, in the order of `sites`, then by time, then by granule; those without a time come last."""
    place = {site: at for at, site in enumerate(sites)}
    return sorted(rows, key=lambda row: (place[row.site], row.time or _NEVER, row.granule))


def write_table(path: Path, rows: Sequence[Row], estimate: Estimate | None = None) -> None:
    """Write rows to `path`: CSV if its name ends so, else Parquet. The same rows give the same bytes.

    `estimate`, of the same rows, becomes the last column.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed, and the table is a Parquet file.
    OutputError
        If the folder or the disk refuses.
    """
    columns, told = dict(COLUMNS), [row.values() for row in rows]
    if estimate is not None:
        columns[estimate.name] = Column("estimate", "what the model makes of the reflectance", estimate.unit)
        for values, value in zip(told, estimate.values, strict=True):
            values[estimate.name] = value
    if path.suffix.lower() == ".csv":
        write_text(path, _csv(columns, told))
    else:
        _write_parquet(path, columns, told)


def _csv(columns: dict[str, Column], told: list[dict[str, Value]]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows([_plain(values[name]) for name in columns] for values in told)
    return text.getvalue()


def _plain(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)


def _write_parquet(path: Path, columns: dict[str, Column], told: list[dict[str, Value]]) -> None:
    what = "a Parquet table"
    arrow: Any = load("cluster", "pyarrow", what)
    parquet: Any = load("cluster", "pyarrow.parquet", what)
    kinds = {"text": arrow.string(), "time": arrow.timestamp("ms", tz="UTC"), "count": arrow.int64()}
    fields = [
        arrow.field(name, kinds.get(column.kind, arrow.float64()), metadata=_about(column))
        for name, column in columns.items()
    ]
    schema = arrow.schema(fields, metadata={"hlsmask_version": __version__})
    table = arrow.table({name: [values[name] for values in told] for name in columns}, schema=schema)
    with aside(path) as draft:
        parquet.write_table(table, draft)


def _about(column: Column) -> dict[str, str]:
    return {"description": column.meaning} | ({"unit": column.unit} if column.unit else {})
