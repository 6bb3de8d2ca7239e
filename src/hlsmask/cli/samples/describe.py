"""Gathers statistics of a dataset, prints them as tables, writes the page and the figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hlsmask.aside import write_text
from hlsmask.bands import BANDS
from hlsmask.cli import DONE, FAILED, complain
from hlsmask.cli.samples.pictures import pictures
from hlsmask.cli.samples.progress import progress
from hlsmask.errors import DatasetError, SampleError
from hlsmask.masks import Mask
from hlsmask.products.palette import hint
from hlsmask.samples.opening import open_samples
from hlsmask.samples.statistics.charts import counted, percent, ratio
from hlsmask.samples.statistics.concerns import concerns
from hlsmask.samples.statistics.counts import PERCENTILES
from hlsmask.samples.statistics.figures import figures
from hlsmask.samples.statistics.gather import gather
from hlsmask.samples.statistics.page import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hlsmask.samples.statistics.gather import Statistics

_NAMED: Final = 5
"""Samples that cannot be read and are named; the page names more, the JSON file all."""


def describe(
    folder: Path, *, split: str | None, out: Path, as_json: Path | None, every: int, workers: int | None
) -> int:
    """Do what `hlsmask samples stats` says; return the exit code."""
    samples = open_samples(folder, split, missing="skip")
    missing = samples.missing  # of a published list
    with progress("reading") as advance:
        statistics = gather(samples, every=every, workers=workers, progress=advance)
    if not statistics.samples:
        number, first = len(statistics.broken), statistics.broken[0].reason
        raise DatasetError(f"{folder}: no sample of {number:,} can be read; the first: {first}")
    console = Console()
    _print(console, statistics)
    for sentence in concerns(statistics):
        console.print(f"! {escape(sentence)}", highlight=False)
    for broken in statistics.broken[:_NAMED]:
        complain(SampleError(broken.reason))
    if len(statistics.broken) > _NAMED:
        complain(DatasetError(f"{folder}: and {len(statistics.broken) - _NAMED:,} more cannot be read"))
    note = _note(len(samples), split, every)
    if missing:
        complain(DatasetError(f"{folder}: the lists name {_absent(len(missing))}, such as {missing[0][1]}"))
        note = f"{note} The lists name {_absent(len(missing))}.".strip()
    title = folder.resolve().name or str(folder)
    colours = {mask: f"#{hint(mask)}" for mask in Mask}
    shown = pictures(samples, statistics.richest)
    write_text(out, render(statistics, title=title, colours=colours, pictures=shown, note=note))
    if as_json is not None:
        write_text(as_json, json.dumps({"dataset": title, "every": every, **figures(statistics)}, indent=1) + "\n")
        console.print(f"figures: {escape(str(as_json))}", highlight=False, soft_wrap=True)
    console.print(f"page: {escape(str(out))}", highlight=False, soft_wrap=True)
    return FAILED if statistics.broken or missing else DONE


def _absent(number: int) -> str:
    return f"{counted(number, 'sample')} that {'is' if number == 1 else 'are'} not there"


def _note(count: int, split: str | None, every: int) -> str:
    parts = [f"The split {split}."] if split else []
    if every > 1:
        read = len(range(0, count, every))
        parts.append(f"One sample in {every:,} was read: {read:,} of {count:,}.")
    return " ".join(parts)


def _print(console: Console, statistics: Statistics) -> None:
    coverage = statistics.coverage
    total = statistics.total
    when = f", {coverage.first:%Y-%m-%d} to {coverage.last:%Y-%m-%d}" if coverage.first and coverage.last else ""
    tiles = len([tile for tile in coverage.tiles() if tile])
    console.print(
        f"{counted(total.samples, 'sample')}, {counted(total.pixels, 'pixel')}, "
        f"{percent(ratio(total.observed, total.pixels))} observed, "
        f"{counted(tiles, 'tile')}{when}",
        highlight=False,
        soft_wrap=True,
    )
    splits = statistics.in_order()
    rows = []
    for split, counts in splits.items():
        kinds = coverage.count("split", "sensor")
        sensors = ", ".join(f"{name or 'not known'} {n:,}" for (which, name), n in kinds.items() if which == split)
        fill = percent(ratio(counts.pixels - counts.observed, counts.pixels))
        rows.append([split or "no split", f"{counts.samples:,}", fill, sensors])
    console.print(_table("", ["split", "samples", "fill", "sensors"], rows))
    rows = []
    for mask in Mask:
        for split, counts in splits.items():
            summary, observed = counts.mask(mask), counts.observed
            shares = [percent(ratio(number, observed)) for number in (summary.present, summary.absent, summary.unknown)]
            rows.append([mask.title, split or "no split", *shares, f"{summary.samples:,}"])
    head = ["mask", "split", "there", "not there", "not known", "samples with it"]
    console.print(_table("Share of observed pixels", head, rows))
    rows = []
    for index, band in enumerate(BANDS):
        if found := total.band(index):
            values = [found.mean, found.std, found.min, *found.percentiles.values(), found.max]
            rows.append([band.value, *(f"{value:.3f}" for value in values)])
    head = ["band", "mean", "std", "min", *(f"{at} %" for at in PERCENTILES), "max"]
    console.print(_table("Reflectance of observed pixels", head, rows))


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title or None, title_justify="left", title_style="", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in head:
        table.add_column(
            name, justify="left" if name in ("split", "mask", "band", "sensors") else "right", no_wrap=name != "sensors"
        )
    for row in rows:
        table.add_row(*(escape(value) for value in row))
    return table
