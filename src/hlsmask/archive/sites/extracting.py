"""Many granules, one after the other or side by side: each gives a row for each site that has pixels in it."""

from __future__ import annotations

import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hlsmask.archive.cluster import cores
from hlsmask.archive.sites.measuring import Measuring
from hlsmask.archive.sites.pixels import pixels_of
from hlsmask.archive.sites.result import read_result
from hlsmask.archive.sites.results import Results, open_results
from hlsmask.errors import HlsmaskError, SourceError
from hlsmask.products.result import files_by_name

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from hlsmask.archive.sites.result import Result
    from hlsmask.archive.sites.row import Row
    from hlsmask.archive.sites.site import Site

_MANY: Final = 64
"""Granules a process from which on the second is well spent in which it starts."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one granule."""

    id: str
    """Its name."""

    rows: tuple[Row, ...] = ()
    """One for each site that has pixels in it, in the order of the sites."""

    error: Exception | None = None
    """Why there are none, if it could not be read."""


@dataclass(frozen=True, slots=True)
class _Job:
    """What is the same for all granules."""

    results: Results
    sites: Sequence[Site]
    moved: Mapping[str, str]
    scale: float | None

    def near(self, result: Result) -> list[Site]:
        """Return the sites that may reach into a granule."""
        return [site for site in self.sites if site.meets(result.bbox)]

    def do(self, result: Result) -> Outcome:
        """Return what one granule tells. Only what stops the process is raised."""
        try:
            with self.results.masks_of(result), Measuring(result, self.moved, self.scale) as measuring:
                placed = ((site, pixels_of(site, measuring.geobox)) for site in self.near(result))
                rows = [measuring.row(site, pixels) for site, pixels in placed if pixels is not None]
        except Exception as error:  # noqa: BLE001 - one bad granule never stops the others
            return Outcome(result.id, error=error)
        return Outcome(result.id, tuple(rows))


def extract(
    out: Path | str | Results,
    sites: Sequence[Site],
    *,
    scenes: Sequence[Path] = (),
    scale: float | None = None,
    processes: int | None = None,
) -> Generator[Outcome]:
    """Return what each granule tells of `sites`, one by one.

    Parameters
    ----------
    out
        Folder that `hlsmask predict` wrote to, or a place such as `s3://bucket/masks`; or that of one scene in it; or
        `Results`, as `open_results` gives them.
    sites
        Places, as `read_sites` gives them.
    scenes
        Folders where the scenes lie now, at any depth, if they are not where they were masked.
    scale
        Reflectance of one stored unit; else what the scene was masked with.
    processes
        How many read side by side. Else one a core where there is much to read. A script that calls this must do so
        below `if __name__ == "__main__":`, as `multiprocessing` demands.

    Raises
    ------
    UnreadableError
        If there are no results in `out`, or a folder cannot be listed. What is wrong with one granule is told in its
        `Outcome`.
    ServiceError
        If object storage does not answer, or refuses.
    """
    with nullcontext(out) if isinstance(out, Results) else open_results(Path(out)) as results:
        yield from _outcomes(_Job(results, tuple(sites), files_by_name(scenes), scale), processes)


def _outcomes(job: _Job, processes: int | None) -> Iterator[Outcome]:
    near: list[Result] = []
    for folder in job.results.folders:
        try:
            result = read_result(folder)
        except SourceError as error:
            yield Outcome(folder.name, error=error)
            continue
        if job.near(result):
            near.append(result)
        else:
            yield Outcome(result.id)
    count = min(len(near), processes or max(1, min(cores(), len(near) // _MANY)))
    yield from map(job.do, near) if count < 2 else _side_by_side(job, near, count)  # noqa: PLR2004 - at least two


def _side_by_side(job: _Job, results: Sequence[Result], processes: int) -> Iterator[Outcome]:
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, (job,))
    try:
        yield from pool.map(_do, results)
    except BrokenProcessPool as error:
        raise HlsmaskError(
            f"one of {processes} processes was ended from outside, perhaps for want of memory; use fewer --processes"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_job: _Job | None = None


def _begin(job: _Job) -> None:
    """Prepare a process."""
    global _job  # noqa: PLW0603 - what is the same for all granules travels once
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it


def _do(result: Result) -> Outcome:
    if _job is None:
        raise RuntimeError("this process was not prepared")
    outcome = _job.do(result)
    if outcome.error is not None and not isinstance(outcome.error, HlsmaskError):  # it might not travel
        told = f"{type(outcome.error).__name__}: {outcome.error}"
        return Outcome(outcome.id, error=RuntimeError(f"{outcome.id}: {told}"))
    return outcome
