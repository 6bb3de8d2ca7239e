"""The axis of time: where a date stands, and which dates are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST: Final = 13
"""Dates that are written along an axis."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_EDGE: Final = 0.02
"""Share of the time that is left free at each end."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A date that is written."""

    x: float
    """Where."""

    label: str
    """Day, month or year."""

    year: str = ""
    """Written below it, where another year begins."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Time from left to right."""

    first: datetime
    """At the left end."""

    last: datetime
    """At the right end."""

    left: float
    """Where the one is."""

    right: float
    """Where the other is."""

    @classmethod
    def over(cls, times: Sequence[datetime], left: float, right: float) -> Timeline:
        """Return the axis that holds all of `times`, of which there is at least one."""
        first, last = min(times), max(times)
        edge = max((last - first) * _EDGE, timedelta(days=2))
        return cls(first - edge, last + edge, left, right)

    def x(self, time: datetime) -> float:
        """Return where a time stands."""
        return self.left + (time - self.first) / (self.last - self.first) * (self.right - self.left)

    def ticks(self) -> list[Tick]:
        """Return the dates to write: days, months or years, whichever are few enough."""
        for step in (1, 2, 5, 10):
            if (self.last - self.first).days <= step * _MOST:
                days = [time for time in self._days() if (time - datetime(1970, 1, 1, tzinfo=UTC)).days % step == 0]
                return self._written(days, [f"{time.day} {_MONTHS[time.month - 1]}" for time in days])
        for step in (1, 2, 3, 6):
            months = [time for time in self._months() if (time.month - 1) % step == 0]
            if len(months) <= _MOST:
                return self._written(months, [_MONTHS[time.month - 1] for time in months])
        years = [time for time in self._months() if time.month == 1]
        step = -(-len(years) // _MOST)
        kept = [time for time in years if time.year % step == 0]
        return [Tick(self.x(time), str(time.year)) for time in kept]

    def _written(self, times: Sequence[datetime], labels: Sequence[str]) -> list[Tick]:
        found: list[Tick] = []
        year = None
        for time, label in zip(times, labels, strict=True):
            found.append(Tick(self.x(time), label, str(time.year) if time.year != year else ""))
            year = time.year
        return found

    def _days(self) -> Iterator[datetime]:
        time = self.first.replace(hour=0, minute=0, second=0, microsecond=0)
        while (time := time + timedelta(days=1)) <= self.last:
            yield time

    def _months(self) -> Iterator[datetime]:
        year, month = self.first.year, self.first.month
        while True:
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - December
            time = datetime(year, month, 1, tzinfo=UTC)
            if time > self.last:
                return
            yield time
