"""What `hlsmask extract` does: read sites, ask each granule, write the table and the charts, tell what came of it."""

from __future__ import annotations

import sys
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hlsmask.archive.sites.chart import file_names, write_chart
from hlsmask.archive.sites.extracting import extract
from hlsmask.archive.sites.model import Estimate, estimate, read_model
from hlsmask.archive.sites.reading import read_sites
from hlsmask.archive.sites.results import open_results
from hlsmask.archive.sites.table import check_table, in_order, write_table
from hlsmask.cli import DONE, FAILED, complain, heed_stop
from hlsmask.cli.units import counted
from hlsmask.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hlsmask.archive.sites.extracting import Outcome
    from hlsmask.archive.sites.options import Extraction
    from hlsmask.archive.sites.row import Row
    from hlsmask.archive.sites.site import Site

_NAMED: Final = 10
"""Sites that lie nowhere are named up to this many."""


def run(masks: Path, asked: Extraction) -> int:
    """Extract what `asked` says from the results in `masks`; return the exit code."""
    check_table(asked.out)
    sites = read_sites(asked.sites, radius=asked.radius)
    model = None if asked.ssc_model is None else read_model(asked.ssc_model)
    outcomes = _outcomes(masks, sites, asked)
    failed = sum(1 for outcome in outcomes if outcome.error is not None)
    rows = in_order((row for outcome in outcomes for row in outcome.rows), [site.id for site in sites])
    if not rows:
        if failed:
            return FAILED
        raise DatasetError(
            f"none of the {counted(len(sites), 'site')} in {asked.sites} lies in a scene of {masks}; check their "
            "coordinates (longitude before latitude) and the folder"
        )
    made = None if model is None else estimate(model, rows)
    write_table(asked.out, rows, made)
    _tell(sites, rows, made)
    granules = len({row.granule for row in rows})
    lost = f", {counted(failed, 'granule')} could not be read" if failed else ""
    told = f"{counted(len(rows), 'row')}: {counted(len({row.site for row in rows}), 'site')} in"
    print(f"{told} {counted(granules, 'granule')}{lost} -> {asked.out}")
    if asked.charts is not None:
        count = _write_charts(asked.charts, sites, rows, made, asked)
        print(f"{counted(count, 'chart')} -> {asked.charts}")
    return FAILED if failed else DONE


def _outcomes(masks: Path, sites: Sequence[Site], asked: Extraction) -> list[Outcome]:
    """Return what came of each granule; print why where it could not be read."""
    found = []
    columns = (TextColumn("{task.completed} of {task.total} granules"), BarColumn(), TimeRemainingColumn())
    quiet = not sys.stdout.isatty()
    with (
        open_results(masks) as results,
        Progress(*columns, console=Console(soft_wrap=True), transient=True, disable=quiet) as progress,
    ):
        task = progress.add_task("", total=len(results.folders))
        extracted = extract(results, sites, scenes=asked.scenes, scale=asked.scale, processes=asked.processes)
        with closing(extracted) as each_outcome:
            for outcome in each_outcome:
                heed_stop()
                if outcome.error is not None:
                    complain(outcome.error)
                found.append(outcome)
                progress.advance(task)
    return found


def _tell(sites: Sequence[Site], rows: Sequence[Row], made: Estimate | None) -> None:
    """Print notes on what one would look for in vain."""
    there = {row.site for row in rows}
    nowhere = [site.id for site in sites if site.id not in there]
    for name in nowhere[:_NAMED]:
        print(f"note: site {name} lies in no scene", file=sys.stderr)
    if len(nowhere) > _NAMED:
        print(f"note: {len(nowhere) - _NAMED} more sites lie in no scene", file=sys.stderr)
    if made is not None:
        wanting = sum(1 for row, value in zip(rows, made.values, strict=True) if row.clear_water and value is None)
        if wanting:
            print(
                f"note: {made.name} has no finite value in {counted(wanting, 'row')} with clear water", file=sys.stderr
            )


def _write_charts(
    folder: Path, sites: Sequence[Site], rows: Sequence[Row], made: Estimate | None, asked: Extraction
) -> int:
    """Write a chart of each site that has rows; return how many."""
    there = {row.site for row in rows}
    names = file_names([site.id for site in sites if site.id in there])
    for site, group in groupby(range(len(rows)), lambda at: rows[at].site):  # they are in order of the sites
        heed_stop()
        at = list(group)
        own = None if made is None else Estimate(made.name, made.unit, tuple(made.values[number] for number in at))
        write_chart(folder / names[site], site, [rows[number] for number in at], asked.drawn(), own)
    return len(names)
