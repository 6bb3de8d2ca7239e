"""Fetching many files: side by side, one failure stopping none of the others."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Protocol

from hlsmask.errors import HlsmaskError, OutputError
from hlsmask.granules.transfer.fetch import fetch, is_whole, size_of
from hlsmask.granules.transfer.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path
    from typing import TypeVar

    from hlsmask.granules.transfer.fetch import Watch
    from hlsmask.granules.transfer.wanted import Wanted

    T = TypeVar("T")


class Sink(Protocol):
    """Who is told of each file."""

    def __call__(self, wanted: Wanted, failure: Exception | None, /) -> None:
        """Take note that a file is there now, or of why it is not."""


@dataclass(slots=True)
class Report:
    """What a download did."""

    fetched: list[Wanted] = field(default_factory=list)
    """Files that came."""

    present: list[Wanted] = field(default_factory=list)
    """Files that were there already."""

    failed: list[Wanted] = field(default_factory=list)
    """Files that did not come."""

    bytes: int = 0
    """That came."""

    def take(self, wanted: Wanted, done: Future[int]) -> HlsmaskError | None:
        """Count in what came of a file; return why it did not come, if so.

        Raises
        ------
        OutputError
            If the folder or the disk refuses.
        """
        try:
            self.bytes += done.result()
        except OutputError:
            raise
        except HlsmaskError as error:
            self.failed.append(wanted)
            return error
        self.fetched.append(wanted)
        return None


def download(
    files: Sequence[Wanted],
    out: Path,
    *,
    workers: int = 4,
    verify: bool = False,
    watch: Watch | None = None,
    sink: Sink | None = None,
) -> Report:
    """Fetch `files` to `out/<id>/<file>`; what is there and whole stays.

    Without `verify`, files that are there are judged by their size and their blocks; with it by checksums too.

    Raises
    ------
    ServiceError
        If a login is needed and there is none: nothing is started.
    OutputError
        If the folder or the disk refuses: the others would fail alike.
    """
    report = Report()
    missing = []
    for wanted in files:
        if is_whole(out / wanted.place, wanted, checksum=verify):
            report.present.append(wanted)
            if sink:
                sink(wanted, None)
        else:
            missing.append(wanted)
    if not missing:
        return report
    stop = Event()

    def one(wanted: Wanted) -> int:
        return fetch(wanted, out, sessions, watch=watch or _unwatched, stop=stop)

    with _prepared(missing) as sessions, closing(_side_by_side(one, missing, workers, stop)) as results:
        for wanted, done in results:
            failure = report.take(wanted, done)
            if sink:
                sink(wanted, failure)
    return report


def sizes(
    files: Sequence[Wanted], out: Path, *, workers: int = 4, sink: Sink | None = None
) -> dict[Wanted, int | None]:
    """Return the bytes of each file that is not at its place below `out`; None where no one knows.

    Raises
    ------
    ServiceError
        If a login is needed and there is none.
    """
    missing = [wanted for wanted in files if not is_whole(out / wanted.place, wanted, checksum=False)]
    asked = [wanted for wanted in missing if wanted.size is None]
    found = {wanted: wanted.size for wanted in missing}
    if not asked:
        return found

    def one(wanted: Wanted) -> int | None:
        return size_of(wanted, sessions)

    with _prepared(asked) as sessions, closing(_side_by_side(one, asked, workers, Event())) as results:
        for wanted, done in results:
            try:
                found[wanted] = done.result()
            except HlsmaskError as error:
                if sink:
                    sink(wanted, error)
    return found


@contextmanager
def _prepared(files: Sequence[Wanted]) -> Iterator[Sessions]:
    """Yield sessions that are logged in where `files` need it."""
    sessions = Sessions()
    sessions.prepare(wanted.href for wanted in files)
    try:
        yield sessions
    finally:
        sessions.close()


def _side_by_side(
    work: Callable[[Wanted], T], files: Sequence[Wanted], workers: int, stop: Event
) -> Generator[tuple[Wanted, Future[T]]]:
    """Yield each file with its result as it comes; on the way out, whatever the reason, the rest is called off."""
    with ThreadPoolExecutor(max(workers, 1), thread_name_prefix="download") as pool:
        running = {pool.submit(work, wanted): wanted for wanted in files}
        try:
            for done in as_completed(running):
                yield running[done], done
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            stop.set()


def _unwatched(_count: int, /) -> None:
    """Nobody looks on."""
