"""Workers: the cores of this machine, or those that a Dask scheduler has."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from hlsmask import __version__
from hlsmask.errors import ServiceError, first_line
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHAT: Final = "a run on many workers"
_WAIT: Final = 30
"""Seconds for a scheduler to answer, and to have a worker."""


@contextmanager
def local(processes: int) -> Iterator[Any]:
    """Yield a Dask client of so many processes of this machine, of one thread each.

    Raises
    ------
    MissingPackageError
        If Dask's scheduler is not installed.
    """
    distributed = load("cluster", "distributed", _WHAT)
    with (
        distributed.LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            memory_limit=None,  # what a worker holds is bounded by its windows, whatever the scene
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@contextmanager
def remote(scheduler: str) -> Iterator[Any]:
    """Yield a Dask client of the scheduler at an address.

    Raises
    ------
    MissingPackageError
        If Dask's scheduler is not installed.
    ServiceError
        If no scheduler answers, it has no workers, or they have another version of hlsmask.
    """
    distributed = load("cluster", "distributed", _WHAT)
    try:
        client = distributed.Client(scheduler, timeout=_WAIT)
    except (OSError, ValueError, TimeoutError) as error:
        raise ServiceError(
            f"no Dask scheduler answers at {scheduler}: {first_line(error)}; start one with `dask scheduler`, or leave "
            "out --scheduler for the cores of this machine"
        ) from error
    with client:
        check_workers(client, scheduler)
        yield client


def check_workers(client: Any, scheduler: str) -> None:  # noqa: ANN401 - distributed has no types
    """See whether there are workers, and whether they have this version of hlsmask.

    Raises
    ------
    ServiceError
        If not.
    """
    try:
        client.wait_for_workers(1, timeout=_WAIT)
    except TimeoutError as error:
        raise ServiceError(f"the Dask scheduler at {scheduler} has no worker; start some with `dask worker`") from error
    answers = client.run(version_here, on_error="return")  # without hlsmask it cannot even be read there
    found = {worker: answer if isinstance(answer, str) else "" for worker, answer in answers.items()}
    wrong = {worker: version for worker, version in found.items() if version != __version__}
    if wrong:
        worker, version = next(iter(wrong.items()))
        has = f"hlsmask {version}" if version else "no hlsmask"
        raise ServiceError(
            f"{len(wrong)} of {len(found)} workers differ: {worker} has {has}, this is hlsmask {__version__}; install "
            "the same on all"
        )


def version_here() -> str:
    """Return the version of hlsmask where this runs."""
    from hlsmask import __version__ as version  # noqa: PLC0415 - on the worker

    return version


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
