"""What `hlsmask evaluate` does: judge, then print who did how well, and where the rest lies."""

from __future__ import annotations

import sys
from math import isnan
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from hlsmask.cli import DONE
from hlsmask.cli.samples.progress import progress
from hlsmask.evaluation.judged import judged
from hlsmask.evaluation.results import told_kept
from hlsmask.evaluation.run import evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.evaluation.options import Options
    from hlsmask.evaluation.run import Evaluation
    from hlsmask.evaluation.verdict import Verdict
    from hlsmask.masks import Mask

_HEADS = ("mask", "F1", "95 % interval", "recall", "precision", "accuracy", "IoU", "outline F1", "threshold")

_NARROW = {
    "95 % interval": "95 %",
    "precision": "prec.",
    "accuracy": "acc.",
    "outline F1": "outline",
    "threshold": "thr.",
}
"""Heads of a table that fits 80 columns."""


def run(checkpoint: Path, options: Options) -> int:
    """Judge a checkpoint and print what came out; return the exit code."""
    with progress("judging") as advance:
        found = evaluate(checkpoint, options, progress=advance)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for line in _heading(found):
        console.print(line)
    for verdict in found.verdicts:
        if not judged([verdict]):
            continue  # a note says so
        if sys.stdout.isatty():
            console.print(_table(verdict))
        else:
            for line in _lines(verdict):
                console.print(line)
    for note in found.account.notes:
        console.print(f"note: {note}")
    if found.card is not None:
        console.print(f"  card: {found.card}")
    for path in found.files:
        console.print(f"  {path}")
    return DONE


def _heading(found: Evaluation) -> list[str]:
    account = found.account
    if account.benchmark is not None:
        title = f"{account.data}: {account.test} samples of {account.benchmark.title}"
        return [title, account.benchmark.protocol, "thresholds: those of the checkpoint"]
    scoring = ", scored as the paper does" if account.options.published_scoring else ""
    kept = account.kept
    chosen = "  ".join(f"{mask} {value:g}" for mask, value in found.verdict.thresholds.items() if mask not in kept)
    return [
        f"{account.data}: {account.validation} samples of val, {account.test} of test{scoring}",
        "; ".join(filter(None, (f"thresholds of highest F1 on val: {chosen or 'none'}", told_kept(kept)))),
    ]


def _table(verdict: Verdict) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        title=verdict.name,
        caption="outline: F1 of outlines within 60 m; thr.: threshold",
        pad_edge=False,
        collapse_padding=True,
    )
    for head in _HEADS:
        table.add_column(_NARROW.get(head, head), justify="left" if head == "mask" else "right", no_wrap=True)
    for mask in judged([verdict]):
        table.add_row(mask.title, *_figures(verdict, mask))
    return table


def _lines(verdict: Verdict) -> list[str]:
    lines = []
    for mask in judged([verdict]):
        pairs = zip(_HEADS[1:], _figures(verdict, mask), strict=True)
        told = "  ".join(f"{head} {figure}" for head, figure in pairs if figure)
        lines.append(f"{verdict.name}: {mask.title}: {told}")
    return lines


def _figures(verdict: Verdict, mask: Mask) -> list[str]:
    counts = verdict.counts[mask]
    low, high = verdict.intervals[mask]["f1"]
    scores = (counts.recall, counts.precision, counts.accuracy, counts.iou, verdict.boundary[mask])
    threshold = verdict.thresholds.get(mask)
    return [
        _figure(counts.f1),
        "" if isnan(low) else f"{low:.3f}-{high:.3f}",
        *(_figure(score) for score in scores),
        "" if threshold is None else f"{threshold:g}",
    ]


def _figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"
