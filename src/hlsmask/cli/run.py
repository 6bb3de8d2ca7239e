"""Many sources, one after the other: progress, failures, the collection over all results."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from hlsmask.aside import write_text
from hlsmask.cli import DONE, FAILED, complain, heed_stop
from hlsmask.errors import HlsmaskError, OutputError, UsageError
from hlsmask.granules.source import locate
from hlsmask.hrefs import public_href
from hlsmask.inference.run import open_engine
from hlsmask.masks import Mask
from hlsmask.products.collection import write_collection
from hlsmask.products.palette import LAYERS, TITLES
from hlsmask.products.produce import produce

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.granules.source import Source
    from hlsmask.inference.options import Options
    from hlsmask.products.output import Output
    from hlsmask.products.produce import Produced

FAILURES = "failures.jsonl"


def run(sources: Sequence[str], options: Options, output: Output) -> int:
    """Mask all `sources`; return the exit code."""
    if not sources:
        raise UsageError("name at least one source: a granule folder, a band file, a 6-band raster, a STAC Item")
    engine = open_engine(options)
    failures = Failures(output)
    located = []
    for href in sources:
        try:
            located.append(locate(href))
        except HlsmaskError as error:
            failures.add(href, error)
    _refuse_clashes(located)
    told: set[Mask] = set()
    done = 0
    try:
        with _progress() as bar:
            for source in located:
                heed_stop()
                task = bar.add_task(source.id, total=1.0)
                try:
                    made = produce(source, engine, options, output, progress=partial(_advance, bar, task))
                except Exception as error:  # noqa: BLE001 - one bad source never stops the others
                    failures.add(source.href, error)
                else:
                    done += 1
                    failures.forget(source.href)
                    bar.console.print(_line(made), highlight=False, soft_wrap=True)
                    _tell_unknown(made, told)
                finally:
                    bar.remove_task(task)
    finally:
        if done:
            write_collection(output.out)
        failures.write()
    return FAILED if failures.new else DONE


class Failures:
    """What failed, kept in `OUT/failures.jsonl`: a line a source, gone once the source is done."""

    def __init__(self, output: Output) -> None:
        """Read what earlier runs left."""
        self._path = output.out / FAILURES
        self._kept: dict[str, dict[str, str]] = {}
        self.new = 0
        try:
            for line in self._path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._kept[entry["source"]] = entry
        except (OSError, ValueError, KeyError, TypeError):
            pass  # there is none, or it is not ours: it is written anew

    def add(self, href: str, error: Exception) -> None:
        """Print and keep a failure."""
        self.new += 1
        reason = complain(error)
        source = public_href(href)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._kept[source] = {"source": source, "error": type(error).__name__, "reason": reason, "time": now}

    def forget(self, href: str) -> None:
        """Drop what was kept of a source that is now done."""
        self._kept.pop(public_href(href), None)

    def write(self) -> None:
        """Write them all, or remove the file where there is none."""
        try:
            if self._kept:
                write_text(self._path, "".join(f"{json.dumps(entry)}\n" for entry in self._kept.values()))
            else:
                self._path.unlink(missing_ok=True)
        except OutputError as error:
            complain(error)


def _refuse_clashes(sources: Sequence[Source]) -> None:
    """Raise OutputError if two sources would write the same results."""
    first: dict[str, Source] = {}
    for source in sources:
        other = first.setdefault(source.id, source)
        if other is not source:
            raise OutputError(
                f"{public_href(other.href)} and {public_href(source.href)} share the ID {source.id}, and would "
                "overwrite each other's results; nothing was started: mask them into different folders"
            )


def _progress() -> Progress:
    """Return a bar a source on a terminal; nothing but the plain lines elsewhere."""
    console = Console(soft_wrap=True)
    share = TextColumn("{task.percentage:>3.0f} %")
    columns = (TextColumn("{task.description}"), BarColumn(), share, TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not sys.stdout.isatty())


def _advance(bar: Progress, task: TaskID, share: float) -> None:
    heed_stop()
    bar.update(task, completed=share)


def _line(made: Produced) -> str:
    shares = ", ".join(
        f"{TITLES[layer]} {100 * share:.1f} %" + (_seen(made) if layer == Mask.WATER else "")
        for layer in LAYERS
        if (share := made.shares.get(layer)) is not None
    )
    how = f"{made.seconds:.1f} s" if made.fresh else "already there"
    how += f", in place of those of {made.replaced}" if made.replaced else ""
    return f"{made.id}: {shares} ({how}) -> {made.folder}"


def _seen(made: Produced) -> str:
    return "" if made.water_in_sight is None else f" ({100 * made.water_in_sight:.1f} % in sight)"


def _tell_unknown(made: Produced, told: set[Mask]) -> None:
    """Say once a run why a mask is not known."""
    for mask, why in made.unknown.items():
        if mask not in told:
            told.add(mask)
            print(f"{mask.title} is 255 (not known) in {made.id}: {why}")
