"""`hlsmask samples stats`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def stats(
    folder: Path,
    /,
    *,
    split: str | None = None,
    out: Path = Path("stats.html"),
    as_json: Annotated[Path | None, Parameter(name="--json")] = None,
    every: int = 1,
    workers: int | None = None,
) -> int:
    """Say what a dataset holds: class balance, reflectance, sensors, dates and places, as tables and one HTML page.

    All samples are read once, whatever the size of the dataset. A sample that cannot be read is named, the others
    are counted, and the exit code is 1.

    Parameters
    ----------
    folder
        A store of samples, or a folder in the published layout.
    split
        Count only `train`, `val` or `test`.
    out
        The page; it needs no network and no other file.
    as_json
        Also write all figures to this file, as JSON.
    every
        Read every N-th sample only: a quick look at a large dataset.
    workers
        Processes that read. Else one a core, or one for few samples.
    """
    from hlsmask.cli.samples.describe import describe  # noqa: PLC0415 - --help answers without scipy

    return describe(folder, split=split, out=out, as_json=as_json, every=every, workers=workers)
