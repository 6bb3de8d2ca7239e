"""What a worker does: mask one source, try again where that may help, and tell what came of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final

from hlsmask.archive.manifest import Entry, State, now
from hlsmask.errors import HlsmaskError, OutputError, ServiceError, SourceError, first_line
from hlsmask.hrefs import public_href
from hlsmask.inference.run import open_engine
from hlsmask.products.produce import produce

if TYPE_CHECKING:
    from hlsmask.granules.source import Source
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Options
    from hlsmask.products.output import Output

_PASSING: Final = re.compile(
    r"\b(408|425|429|50[0234])\b|timed? ?out|temporar|connection (was )?(reset|refused|closed|aborted)"
    r"|could not resolve|slow ?down|throttl|incomplete ?read|transfer closed|broken pipe",
    re.IGNORECASE,
)
"""What a server, or the way to it, says of troubles that may pass."""

_opening = Lock()


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a trouble that may pass is faced again."""

    tries: int = 4
    """Times that a source is tried."""

    wait: float = 2.0
    """Seconds before the second try, doubled each time."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What is the same for every source of a run."""

    options: Options
    """How scenes are masked."""

    output: Output
    """Where results go."""

    patience: Patience = Patience()
    """How often to try."""


def mask(source: Source, request: str, orders: Orders) -> Entry:
    """Mask one source in this process; return what became of it. Only what stops the process is raised."""
    started = time.perf_counter()
    entry = Entry(source.id, public_href(source.href), request=request)
    tries = 0
    while True:
        tries += 1
        try:
            made = produce(source, engine_of(orders.options), orders.options, orders.output)
        except Exception as error:  # noqa: BLE001 - one bad source never stops the others
            passing = may_pass(error)
            if passing and tries < orders.patience.tries:
                time.sleep(orders.patience.wait * 2 ** (tries - 1))
                continue
            kind, reason = type(error).__name__, reason_of(error)
            entry = replace(entry, state=State.FAILED, request="", error=kind, reason=reason, passing=passing)
        else:
            entry = replace(entry, state=State.DONE, output=str(made.folder))
        return replace(entry, tries=tries, seconds=round(time.perf_counter() - started, 3), time=now())


def engine_of(options: Options) -> Engine:
    """Return the engine that `options` name, loaded once a process."""
    with _opening:
        return _engine(options)


@lru_cache(maxsize=2)
def _engine(options: Options) -> Engine:
    return open_engine(options)


def may_pass(error: BaseException) -> bool:
    """Return whether the same may go well a little later: a server that is busy, a connection that broke."""
    if isinstance(error, OutputError) or not isinstance(error, (SourceError, ServiceError, OSError)):
        return False
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return any(isinstance(each, (TimeoutError, ConnectionError)) or _PASSING.search(str(each)) for each in chain)


def reason_of(error: BaseException) -> str:
    """Return an error as one sentence."""
    if isinstance(error, HlsmaskError):
        return str(error)
    return f"{type(error).__name__}: {first_line(error) if isinstance(error, Exception) else error}"
