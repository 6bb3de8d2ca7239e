"""A plan is carried out: jobs go to workers, what became of them comes back and is kept."""

from __future__ import annotations

import asyncio
import time
from concurrent import futures
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from hlsmask.archive.manifest import Entry, State, now
from hlsmask.archive.patience import reason_of
from hlsmask.archive.work import mask
from hlsmask.errors import ServiceError
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from hlsmask.archive.manifest import Manifest
    from hlsmask.archive.plan import Job, Plan
    from hlsmask.archive.work import Orders

AHEAD: Final = 4
"""Jobs that a worker thread has waiting: what is sent to a cluster stays small, however many sources there are."""
_KILLED: Final = "KilledWorker"
"""Dask's error for what died with several workers."""
_GONE: Final = (OSError, futures.CancelledError, asyncio.CancelledError)
"""What Dask's client raises where its scheduler went away: of connections, of waiting too, of what was waited for."""
KEEP_EVERY: Final = 10.0
"""Seconds between two writings of the manifest."""


def carry_out(
    plan: Plan,
    orders: Orders,
    manifest: Manifest,
    client: Any = None,  # noqa: ANN401 - distributed has no types
    *,
    work: Callable[..., Entry] = mask,
) -> Generator[Entry]:
    """Mask all jobs of `plan`, in this process or by the workers of a Dask `client`; yield what became of each.

    The manifest is written at the start, every few seconds, and when the generator is closed, come what may. What is in
    flight then is planned again by the next run.

    Raises
    ------
    ServiceError
        If the scheduler is lost.
    OutputError
        If the manifest cannot be written.
    """
    manifest.put(plan.done)
    manifest.put(Entry(job.source.id, job.source.place) for job in plan.jobs)
    manifest.write()
    kept = time.monotonic()
    try:
        for entry in _here(plan, orders, work) if client is None else _there(plan, orders, client, work):
            manifest.put([entry])
            yield entry
            if time.monotonic() - kept > KEEP_EVERY:
                manifest.write()
                kept = time.monotonic()
    finally:
        manifest.write()


def _here(plan: Plan, orders: Orders, work: Callable[..., Entry]) -> Iterator[Entry]:
    for job in plan.jobs:
        yield work(job.source, job.request, orders)


def _there(plan: Plan, orders: Orders, client: Any, work: Callable[..., Entry]) -> Iterator[Entry]:  # noqa: ANN401 - as above
    """Yield entries as they come.

    Where a worker dies, all that was sent to it is suspect. What died with several workers is tried once more at the
    end, alone, so that only what really kills is blamed.
    """
    suspects: list[Job] = []
    for job, entry in _sent(plan.jobs, orders, client, work, ahead=AHEAD):
        if entry.error == _KILLED:
            suspects.append(job)
        else:
            yield entry
    for _, entry in _sent(suspects, orders, client, work, ahead=0):
        yield entry


def _sent(
    jobs: Iterable[Job],
    orders: Orders,
    client: Any,  # noqa: ANN401 - as above
    work: Callable[..., Entry],
    *,
    ahead: int,
) -> Iterator[tuple[Job, Entry]]:
    """Yield jobs with their entries as they come; `ahead` jobs a worker thread are under way at once, or one in all."""
    distributed = load("cluster", "distributed", "a run on many workers")
    waiting = iter(jobs)
    sent: dict[str, Job] = {}
    coming = distributed.as_completed(loop=client.loop)

    def send(job: Job) -> None:
        future = client.submit(work, job.source, job.request, orders, pure=False)
        sent[future.key] = job
        coming.add(future)

    def fill() -> None:
        most = max(1, ahead * sum(client.nthreads().values()))
        for job in islice(waiting, max(0, most - len(sent))):
            send(job)

    try:
        with _telling_of_loss(sent):
            fill()
            for future in coming:
                job = sent.pop(future.key)
                if future.status == "finished":
                    yield job, future.result()
                elif future.status == "error":
                    yield job, _failed(job, future.exception())
                elif client.status == "running":  # its worker died with what it had to tell: what it masked is there
                    send(job)
                else:
                    raise ConnectionError("the scheduler has closed the connection")
                fill()
    finally:
        with suppress(*_GONE):
            for key in sent:
                distributed.Future(key, client).cancel()


@contextmanager
def _telling_of_loss(sent: Mapping[str, Job]) -> Iterator[None]:
    """Say in one sentence that the scheduler was lost, be it in the midst of an answer or of a question.

    Raises
    ------
    ServiceError
        If Dask's client raises in the block; `sent`, and one that came, are then in flight.
    """
    try:
        yield
    except _GONE as error:
        raise ServiceError(
            f"the Dask scheduler was lost with {len(sent) + 1} sources in flight; run the same command again: what is "
            "done is kept"
        ) from error


def _failed(job: Job, error: BaseException) -> Entry:
    """Return the entry of a job whose worker could not even tell: it died, again and again."""
    place = job.source.place
    if type(error).__name__ == _KILLED:
        why = f"{place}: the worker died each time it was tried; it may need more memory than there is"
    else:
        why = reason_of(error)
    return Entry(job.source.id, place, State.FAILED, error=type(error).__name__, reason=why, time=now())
