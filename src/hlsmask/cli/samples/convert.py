"""`hlsmask samples convert`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations


def convert(folder: Path, /, *, out: Path, split: str | None = None, missing: str = "raise", workers: int = 2) -> int:
    """Write samples into the compact store, which is several times smaller and faster to read.

    What is written is read back and compared. A conversion that was stopped goes on where it stopped when the same
    command is given again. Samples that are broken are named and left out.

    Parameters
    ----------
    folder
        Samples in the published layout (the folder of train.npy), or another store.
    out
        The store's folder: new, empty, or the one to go on with.
    split
        train, val or test alone; all of them if it is not given.
    missing
        What happens where a list names files that are not there: raise (nothing is written), or skip them.
    workers
        Threads that read.
    """
    from hlsmask.cli.samples.converting import run  # noqa: PLC0415 - --help answers at once

    return run(folder, out, split, missing, workers)
