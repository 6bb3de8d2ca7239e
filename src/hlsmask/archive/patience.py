"""Troubles that may pass: told from those that stay, and faced again."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from hlsmask.errors import HlsmaskError, OutputError, ServiceError, SourceError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")

_PASSING: Final = re.compile(
    r"\b(408|425|429|50[0234])\b|timed? ?out|temporar|connection (was )?(reset|refused|closed|aborted)"
    r"|could not resolve|slow ?down|throttl|incomplete ?read|transfer closed|broken pipe|reduce your request rate"
    r"|service ?unavailable|internal ?error|could not connect",
    re.IGNORECASE,
)
"""What a server, or the way to it, says of troubles that may pass."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a trouble that may pass is faced again."""

    tries: int = 4
    """Times that a source is tried."""

    wait: float = 2.0
    """Seconds before the second try, doubled each time."""

    def rest(self, tries: int) -> None:
        """Wait, after so many tries."""
        time.sleep(self.wait * 2 ** (tries - 1))

    def over(self, work: Callable[[], _T]) -> _T:
        """Return what `work` does, tried again where its trouble may pass.

        Raises
        ------
        Exception
            What `work` raised last.
        """
        tries = 1
        while True:
            try:
                return work()
            except Exception as error:
                if tries >= self.tries or not may_pass(error):
                    raise
                self.rest(tries)
                tries += 1


def may_pass(error: BaseException) -> bool:
    """Return whether the same may go well a little later: a server that is busy, a connection that broke."""
    if isinstance(error, OutputError) or not isinstance(error, (SourceError, ServiceError, OSError)):
        return False
    return any(
        isinstance(each, (TimeoutError, ConnectionError)) or _PASSING.search(str(each)) for each in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        seen.append(link)
        yield link
        link = link.__cause__ or link.__context__


def reason_of(error: BaseException) -> str:
    """Return an error as one sentence."""
    if isinstance(error, HlsmaskError):
        return str(error)
    return f"{type(error).__name__}: {first_line(error) if isinstance(error, Exception) else error}"
