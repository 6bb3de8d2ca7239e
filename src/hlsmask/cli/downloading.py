"""What `hlsmask download` does: fetch files, tell how it goes, print what failed."""

from __future__ import annotations

import sys
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from hlsmask.cli import DONE, FAILED, complain, heed_stop
from hlsmask.cli.units import counted
from hlsmask.errors import UsageError
from hlsmask.granules.transfer.download import download, sizes
from hlsmask.granules.transfer.wanted import read_wishes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hlsmask.granules.transfer.download import Report
    from hlsmask.granules.transfer.wanted import Wanted, Wishes


def run(sources: Sequence[str], out: Path, *, layers: Sequence[str], workers: int, verify: bool, dry_run: bool) -> int:
    """Fetch what `sources` name; return the exit code."""
    if not sources:
        raise UsageError("name what to fetch: a file that hlsmask search made, or URLs")
    if workers < 1:
        raise UsageError(f"--workers is {workers}; use 1 or more")
    wishes = read_wishes(sources, layers)
    for problem in wishes.problems:
        print(f"hlsmask: {problem}", file=sys.stderr)
    failed = _say_sizes(wishes, out, workers) if dry_run else _fetch(wishes, out, workers, verify=verify)
    return FAILED if failed or wishes.problems else DONE


def _fetch(wishes: Wishes, out: Path, workers: int, *, verify: bool) -> bool:
    with _Bar(len(wishes.files)) as bar:
        report = download(wishes.files, out, workers=workers, verify=verify, watch=bar.watch, sink=bar.sink)
    print(_summary(report, out))
    return bool(report.failed)


class _Bar:
    """A bar of files on a terminal, with the bytes that came and how fast; elsewhere failures alone are printed.

    Catalogues do not tell sizes, so that bytes have no end to count towards.
    """

    def __init__(self, count: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[moved]}"))
        console = Console(soft_wrap=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not sys.stdout.isatty())
        self._count, self._done, self._bytes = count, 0, 0
        self._since = monotonic()
        self._lock = Lock()
        self._task = self._bar.add_task(_files(0, count), total=count, moved="")

    def watch(self, count: int, /) -> None:
        """Count bytes; called by many threads."""
        with self._lock:
            self._bytes += count
        speed = self._bytes / max(monotonic() - self._since, 0.1)
        self._bar.update(self._task, moved=f"{_bytes(self._bytes)}, {_bytes(int(speed))}/s")

    def sink(self, _wanted: Wanted, failure: Exception | None, /) -> None:
        """Count a file, and print why it failed if it did."""
        heed_stop()
        self._done += 1
        self._bar.update(self._task, completed=self._done, description=_files(self._done, self._count))
        if failure is not None:
            complain(failure)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _say_sizes(wishes: Wishes, out: Path, workers: int) -> bool:
    failed = False

    def sink(_wanted: Wanted, failure: Exception | None, /) -> None:
        nonlocal failed
        if failure is not None:
            failed = True
            complain(failure)

    found = sizes(wishes.files, out, workers=workers, sink=sink)
    known = [size for size in found.values() if size is not None]
    said = f"{counted(len(found), 'file')} to fetch, {_bytes(sum(known))}"
    if len(known) < len(found):
        said += f" and {counted(len(found) - len(known), 'file')} of unknown size"
    print(f"{said}; {len(wishes.files) - len(found)} there already -> {out}")
    return failed


def _summary(report: Report, out: Path) -> str:
    said = f"{counted(len(report.fetched), 'file')} fetched ({_bytes(report.bytes)})"
    said += f", {len(report.present)} there already"
    if report.failed:
        said += f", {len(report.failed)} failed: run the same command again to go on"
    return f"{said} -> {out}"


def _files(done: int, count: int) -> str:
    return f"{done} of {counted(count, 'file')}"


def _bytes(count: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"
