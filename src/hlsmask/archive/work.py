"""What a worker does: mask one source, try again where that may help, and tell what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from hlsmask.archive.bucket import Bucket
from hlsmask.archive.manifest import Entry, State, now
from hlsmask.archive.patience import Patience, may_pass, reason_of
from hlsmask.inference.run import open_engine
from hlsmask.memory import bound
from hlsmask.products.produce import produce

if TYPE_CHECKING:
    from collections.abc import Callable

    from hlsmask.granules.source import Source
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Options
    from hlsmask.products.output import Output

_opening = Lock()


@dataclass(frozen=True, slots=True)
class Orders:
    """What is the same for every source of a run."""

    options: Options
    """How scenes are masked."""

    output: Output
    """Where results go."""

    patience: Patience = field(default_factory=Patience)
    """How often to try."""

    bucket: str = ""
    """Where results go in object storage, such as `s3://bucket/masks`; empty: to the folder `output.out`."""


def mask(source: Source, request: str, orders: Orders) -> Entry:
    """Mask one source in this process; return what became of it. Only what stops the process is raised."""
    started = time.perf_counter()
    entry = Entry(source.id, source.place, request=request)
    tries = 0

    def made(output: Output) -> Path:
        nonlocal tries
        tries += 1
        return produce(source, engine_of(orders.options), orders.options, output).folder

    try:
        entry = replace(entry, state=State.DONE, output=_placed(made, orders))
    except Exception as error:  # noqa: BLE001 - one bad source never stops the others
        kind, reason, passing = type(error).__name__, reason_of(error), may_pass(error)
        entry = replace(entry, state=State.FAILED, request="", error=kind, reason=reason, passing=passing)
    return replace(entry, tries=tries, seconds=round(time.perf_counter() - started, 3), time=now())


def _placed(made: Callable[[Output], Path], orders: Orders) -> str:
    """Have results made and put where they go; return where that is."""
    if not orders.bucket:
        return str(orders.patience.over(lambda: made(orders.output)))
    with TemporaryDirectory(prefix="hlsmask-") as scratch:
        output = replace(orders.output, out=Path(scratch))
        return Bucket(orders.bucket, orders.patience).deliver(orders.patience.over(lambda: made(output)))


def engine_of(options: Options) -> Engine:
    """Return the engine that `options` name, loaded once a process."""
    with _opening:
        return _engine(options)


@lru_cache(maxsize=2)
def _engine(options: Options) -> Engine:
    bound()
    return open_engine(options)
