"""The container of CloudSEN12+: many files in one, with a table of where each lies.

TACO version 1, as `tacoreader.v1` reads it (https://github.com/tacofoundation/tacoreader): two bytes, `WX` or `#y`;
offset and length of the table, 8 bytes each, little-endian; the files; the table, in Parquet. What the table says of a
file of the format `TORTILLA` is a container again, whose offsets count from its own start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hlsmask.errors import SampleError, first_line
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OFFSET: Final = "tortilla:offset"
"""Column: first byte of a file, from the start of the outermost container."""

LENGTH: Final = "tortilla:length"
"""Column: bytes of a file."""

ID: Final = "tortilla:id"
"""Column: name of a file."""

_MAGIC: Final = (b"WX", b"#y")
_HEADER: Final = 18


def table(path: Path, needed: Sequence[str], others: Sequence[str] = (), start: int = 0) -> list[dict[str, Any]]:
    """Return the rows of the container that begins at byte `start` of a file.

    Parameters
    ----------
    path
        The outermost container.
    needed
        Columns that it must have, beside offset and length.
    others
        Columns that are given where it has them.
    start
        First byte of a container within it.

    Raises
    ------
    SampleError
        If it is none, is cut off, or lacks a column.
    MissingPackageError
        If pyarrow is not installed.
    """
    parquet = load("samples", "pyarrow.parquet", "reading CloudSEN12+")
    arrow = load("samples", "pyarrow", "reading CloudSEN12+")
    try:
        with path.open("rb") as file:
            file.seek(start)
            header = file.read(_HEADER)
            if header[:2] not in _MAGIC or len(header) < _HEADER:
                raise SampleError(f"{path} is no TACO file of version 1, or part of it is lost (byte {start})")
            offset, length = (int.from_bytes(part, "little") for part in (header[2:10], header[10:18]))
            if start + offset + length > path.stat().st_size:
                raise SampleError(f"{path} is cut off or corrupt: its table (byte {start + offset}) is not there")
            file.seek(start + offset)
            footer = file.read(length)
        whole = parquet.ParquetFile(arrow.BufferReader(footer))
        there = whole.schema_arrow.names
        if lacking := [name for name in (OFFSET, LENGTH, *needed) if name not in there]:
            raise SampleError(
                f"{path} does not tell {', '.join(lacking)} of what it holds; use TACO files of version 1"
            )
        columns = [OFFSET, LENGTH, *needed, *(name for name in others if name in there)]
        rows: list[dict[str, Any]] = whole.read(columns).to_pylist()
    except (OSError, arrow.ArrowException) as error:
        raise SampleError(f"{path} is cut off or corrupt: {first_line(error)}") from error
    for row in rows:
        row[OFFSET] += start
    return rows


def address(path: Path, row: dict[str, Any]) -> str:
    """Return the name by which GDAL opens the raster file that a row tells of."""
    return f"/vsisubfile/{row[OFFSET]}_{row[LENGTH]},{path}"
