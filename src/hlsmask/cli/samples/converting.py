"""What `hlsmask samples convert` does: read, write, compare sizes, print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hlsmask.cli import DONE, FAILED
from hlsmask.cli.samples.progress import progress
from hlsmask.cli.samples.workers import check_workers
from hlsmask.cli.units import megabytes
from hlsmask.errors import UsageError
from hlsmask.samples.conversion import convert, options_of
from hlsmask.samples.opening import open_samples
from hlsmask.samples.published import PublishedSamples
from hlsmask.samples.store import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, out: Path, split: str | None, missing: str, workers: int) -> int:
    """Convert the samples in `folder` into the store `out`; return the exit code."""
    check_workers(workers)
    if out.resolve() == folder.resolve():
        raise UsageError(f"{folder} cannot be converted into itself; name another folder with --out")
    samples = open_samples(folder, split, missing=missing)
    with StoreWriter(out, options=options_of(samples, split)) as writer, progress("converting") as advance:
        before = len(writer.ids)
        broken = convert(samples, writer, workers=workers, progress=advance)
    for name, reason in broken:
        print(f"left out: {reason if name in reason else f'{name}: {reason}'}", file=sys.stderr)
    absent = samples.missing if isinstance(samples, PublishedSamples) else ()
    for part, name in absent:
        print(f"missing in {part}: {name}", file=sys.stderr)
    there = f"; {before} were there already" if before else ""
    print(f"{len(writer.rows)} samples in {out}, {megabytes(size_of(out))}{there}")
    if isinstance(samples, PublishedSamples):
        read = sum(path.stat().st_size for _, path in samples.files)
        print(f"the published files take {megabytes(read)}")
    return FAILED if broken or absent else DONE


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
