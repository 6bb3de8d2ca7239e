"""Many sources, one after the other: progress, failures, the collection over all results."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from hlsmask.archive.listing import Listing, holds_many
from hlsmask.cli import DONE, FAILED, heed_stop
from hlsmask.cli.failures import Failures
from hlsmask.errors import HlsmaskError, UsageError
from hlsmask.granules.source import locate
from hlsmask.hrefs import public_href
from hlsmask.inference.run import open_engine
from hlsmask.masks import Mask
from hlsmask.products.collection import write_collection
from hlsmask.products.palette import LAYERS, TITLES
from hlsmask.products.produce import produce

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.inference.options import Options
    from hlsmask.products.output import Output
    from hlsmask.products.produce import Produced

_MANY = 8
"""Sources from which on the seconds are well spent in which processes start."""


def run(sources: Sequence[str], options: Options, output: Output) -> int:
    """Mask all `sources`; return the exit code."""
    if not sources:
        raise UsageError("name at least one source: a granule folder, a band file, a 6-band raster, a STAC Item")
    engine = open_engine(options)
    failures = Failures(output.out)
    listing = Listing()
    for href in sources:
        try:
            source = locate(href)
        except HlsmaskError as error:
            failures.add(public_href(href), error)
        else:
            listing.add(source)
    told: set[Mask] = set()
    done = 0
    try:
        with _progress() as bar:
            for source in listing.sources:
                heed_stop()
                task = bar.add_task(source.id, total=1.0)
                try:
                    made = produce(source, engine, options, output, progress=partial(_advance, bar, task))
                except Exception as error:  # noqa: BLE001 - one bad source never stops the others
                    failures.add(source.place, error)
                else:
                    done += 1
                    failures.forget(source.place)
                    bar.console.print(_line(made), highlight=False, soft_wrap=True)
                    _tell_unknown(made, told)
                finally:
                    bar.remove_task(task)
    finally:
        if done:
            write_collection(output.out)
        failures.write()
    return FAILED if failures.new else DONE


def is_many(sources: Sequence[str]) -> bool:
    """Return whether a source holds many, or enough are named to mask them side by side, where that can be done."""
    side_by_side = all(find_spec(package) for package in ("distributed", "pyarrow"))
    return any(map(holds_many, sources)) or (side_by_side and len(sources) >= _MANY)


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
