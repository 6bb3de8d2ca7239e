"""The table of Items that a run over an archive leaves: one file to read in place of thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from hlsmask.products.collection import TABLE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

Row: TypeAlias = tuple["datetime", tuple[float, ...] | None]
"""Time and bounding box of an Item."""

_COLUMNS: Final = ("id", "datetime", "bbox")
_CORNERS: Final = ("xmin", "ymin", "xmax", "ymax")


def read_table(out: Path) -> tuple[int, dict[str, Row]]:
    """Return when the table in `out` was written, in nanoseconds, and what it tells of each Item, by its id.

    0 and nothing where there is no table, or none that can be read: the Items themselves tell the same.
    """
    path = out / TABLE
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - of another extra: it only saves time
    except ModuleNotFoundError:
        return 0, {}
    try:
        written = path.stat().st_mtime_ns
        table = parquet.read_table(path, columns=list(_COLUMNS))
        names, times, boxes = (table.column(name).to_pylist() for name in _COLUMNS)
        rows = {name: (time, _corners(box)) for name, time, box in zip(names, times, boxes, strict=True)}
    except (OSError, ValueError, KeyError, TypeError, ArrowException):
        return 0, {}
    return written, rows


def _corners(box: dict[str, float] | None) -> tuple[float, ...] | None:
    if box is None or box["xmin"] is None:
        return None
    return tuple(box[name] for name in _CORNERS)
