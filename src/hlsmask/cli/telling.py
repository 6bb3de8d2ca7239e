"""How a run over many sources goes: a bar for people, a JSON object a line for machines."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hlsmask.archive.manifest import Entry, State
from hlsmask.archive.plan import Need
from hlsmask.cli.units import duration, megabytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hlsmask.archive.plan import Plan

_WORDS = {
    Need.MISSING: "new",
    Need.STALE: "stale (another model, other options, or a newer source)",
    Need.FAILED: "failed before",
    Need.AGAIN: "again, as --overwrite asks",
}


class Teller(Protocol):
    """Tells how a run goes."""

    def plan(self, plan: Plan, workers: int, client: Any = None) -> None:  # noqa: ANN401 - distributed has no types
        """Tell what will be done."""

    def entry(self, entry: Entry) -> None:
        """Tell what became of a source."""

    def ended(self, collection: str) -> None:
        """Tell what came of it all."""


@contextmanager
def open_teller(*, as_json: bool) -> Iterator[Teller]:
    """Yield what tells, and end it."""
    if as_json:
        yield Lines()
    else:
        console = Console(soft_wrap=True)
        columns = (
            TextColumn("{task.completed} of {task.total}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True, disable=not sys.stdout.isatty()) as progress:
            yield Bar(progress)


class Counts:
    """How many were done, how many failed, and since when."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.done = self.failed = 0
        self._since = monotonic()

    def add(self, entry: Entry) -> None:
        """Count a source."""
        if entry.state is State.FAILED:
            self.failed += 1
        else:
            self.done += 1

    @property
    def seconds(self) -> float:
        """Since the first."""
        return monotonic() - self._since

    @property
    def rate(self) -> float:
        """Sources a second."""
        return (self.done + self.failed) / max(self.seconds, 1e-3)


class Bar:
    """For people: what will be done, one bar over all, each failure, and a summary."""

    def __init__(self, progress: Progress) -> None:
        """Tell on a bar of rich."""
        self._progress, self._counts = progress, Counts()
        self._task: Any = None

    def plan(self, plan: Plan, workers: int, client: Any = None) -> None:  # noqa: ANN401 - as above
        """Print what will be done."""
        print(said_of(plan, workers))
        if client is not None and (dashboard := client.dashboard_link):
            print(f"how the workers do: {dashboard}")
        if plan.jobs:
            self._task = self._progress.add_task("", total=len(plan.jobs), told="")
            self._counts = Counts()

    def entry(self, entry: Entry) -> None:
        """Move the bar; print the source if it failed, or where there is no bar."""
        self._counts.add(entry)
        if entry.state is State.FAILED:
            print(f"hlsmask: {entry.reason}", file=sys.stderr)
        elif self._progress.disable:
            print(f"{entry.id}: {entry.seconds:.1f} s -> {entry.output}")
        failed = f", {self._counts.failed} failed" if self._counts.failed else ""
        self._progress.update(self._task, advance=1, told=f"{self._counts.rate:.2f}/s{failed}")

    def ended(self, collection: str) -> None:
        """Print the summary."""
        counts = self._counts
        failed = f", {counts.failed} failed: run the same command again to try them" if counts.failed else ""
        print(f"{counts.done} masked in {duration(counts.seconds)}{failed} -> {collection}")


class Lines:
    """For machines: a JSON object a line."""

    def __init__(self) -> None:
        """Begin."""
        self._counts = Counts()

    def plan(self, plan: Plan, workers: int, client: Any = None) -> None:  # noqa: ANN401 - as above
        """Print what will be done."""
        told = {need.value: count for need, count in plan.counts.items()}
        seconds = plan.seconds(workers)
        dashboard = None if client is None else client.dashboard_link
        _line(
            "plan",
            sources=len(plan.jobs),
            done=len(plan.done),
            **told,
            bytes=plan.size,
            workers=workers,
            seconds=seconds,
            dashboard=dashboard,
        )
        self._counts = Counts()

    def entry(self, entry: Entry) -> None:
        """Print the source."""
        self._counts.add(entry)
        _line("source", **asdict(entry))

    def ended(self, collection: str) -> None:
        """Print the summary."""
        counts = self._counts
        seconds = round(counts.seconds, 3)
        _line("end", done=counts.done, failed=counts.failed, seconds=seconds, collection=collection)


def said_of(plan: Plan, workers: int) -> str:
    """Return what a plan will do, in one line."""
    if not plan.jobs:
        return f"nothing to do: {len(plan.done)} there already"
    needs = ", ".join(f"{count} {_WORDS[need]}" for need, count in plan.counts.items())
    size = megabytes(plan.size) + (f" and {plan.unsized} of unknown size" if plan.unsized else "")
    seconds = plan.seconds(workers)
    time = f"about {duration(seconds)} on {workers} at once" if seconds is not None else f"{workers} at once"
    return f"{len(plan.jobs)} to mask ({needs}), {len(plan.done)} there already; {size} to read, {time}"


def _line(event: str, **values: Any) -> None:  # noqa: ANN401 - JSON
    print(json.dumps({"event": event, **values}), flush=True)
