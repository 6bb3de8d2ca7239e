"""Dates as people write them: a day, a month, a year, a range, open ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from hlsmask.errors import UsageError

_FORMS: Final = "2024, 2024-06, 2024-06-01, 2024-06-01/2024-06-30, 2024-06-01/.. or ../2024-06-30"
_FIRST: Final = datetime(2013, 1, 1, tzinfo=UTC)
"""Before the first HLS granule, of 2013-04-11 (HLS v2.0 User Guide): an open begin."""
_LAST: Final = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
"""An open end: services differ in what they make of `..`."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time; both ends are within it."""

    start: datetime = _FIRST
    """First moment, UTC."""

    end: datetime = _LAST
    """Last moment, UTC."""

    @classmethod
    def parse(cls, text: str) -> Span:
        """Return the time that `text` names.

        Raises
        ------
        UsageError
            If it names none, or ends before it begins.
        """
        first, slash, last = (part.strip() for part in text.strip().partition("/"))
        span = cls(
            _ends(first, text)[0] if first not in {"", ".."} else _FIRST,
            _ends(last if slash else first, text)[1] if (last if slash else first) not in {"", ".."} else _LAST,
        )
        if not slash and first in {"", ".."}:
            raise UsageError(f"--dates is {text!r}, which names no date; use {_FORMS}")
        if span.end < span.start:
            raise UsageError(f"--dates is {text!r}, which ends before it begins; use the earlier date first")
        return span

    def __str__(self) -> str:
        return f"{_written(self.start)}/{_written(self.end)}"


def _ends(text: str, whole: str) -> tuple[datetime, datetime]:
    """Return the first and the last second of a year, month, day or moment."""
    try:
        if re.fullmatch(r"\d{4}", text):
            start = datetime(int(text), 1, 1, tzinfo=UTC)
            return start, datetime(start.year, 12, 31, 23, 59, 59, tzinfo=UTC)
        if re.fullmatch(r"\d{4}-\d{2}", text):
            start = datetime(int(text[:4]), int(text[5:]), 1, tzinfo=UTC)
            following = (start + timedelta(days=31)).replace(day=1)
            return start, following - timedelta(seconds=1)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            start = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return start, start + timedelta(days=1, seconds=-1)
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]", text):
            raise ValueError("unknown form")  # noqa: TRY301 - all that is wrong is said below
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--dates is {whole!r}, and {text!r} is no date; use {_FORMS}") from error
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment, moment


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
