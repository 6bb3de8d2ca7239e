"""What `hlsmask train` shows: a bar on a terminal, a line each epoch, and what came of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from hlsmask.cli import DONE, heed_stop
from hlsmask.extras import needing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hlsmask.training.course import Epoch
    from hlsmask.training.fitting import Outcome
    from hlsmask.training.keeping import Files
    from hlsmask.training.material import Material
    from hlsmask.training.options import Options


def run(options: Options, config: Path | None) -> int:
    """Train as `options` say; return the exit code."""
    with needing("train", "training"):
        from hlsmask.training.config import read  # noqa: PLC0415 - not in the light install
        from hlsmask.training.fitting import Listener, train  # noqa: PLC0415 - the same

        expected: Mapping[str, str] | None = None
        if config is not None:
            _, made = read(config)
            expected = made.get("data") if isinstance(made.get("data"), dict) else None
        show = _Show(options)
        with show.bar:
            train(options, Listener(show.begun, show.step, show.epoch, show.ended), expected=expected)
    return DONE


@dataclass
class _Show:
    """What a person sees of a run."""

    options: Options
    console: Console = field(default_factory=lambda: Console(stderr=True, soft_wrap=True, highlight=False))
    bar: Progress = field(init=False)

    def __post_init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(
            *columns,
            console=self.console,
            transient=True,
            disable=not sys.stderr.isatty(),
            redirect_stdout=sys.stdout.isatty(),  # lines for a file go there, not to the terminal of the bar
        )
        self._task = self.bar.add_task("starting", total=None)

    def begun(self, files: Files, material: Material, notes: Sequence[str]) -> None:
        """Say what is learned from, and where results go."""
        size = f"{material.size} x {material.size} pixels"
        network = self.options.network
        print(f"{network.backbone} learns {', '.join(mask.title for mask in network.masks())}")
        print(f"training: {len(material.train)} samples an epoch; validation: {len(material.val)}; {size} each")
        print(f"results: {files.folder / files.stem}_*")
        for note in notes:
            print(f"note: {note}")
        sys.stdout.flush()

    def step(self, epoch: int, done: int, batches: int) -> None:
        """Move the bar."""
        heed_stop()
        self.bar.update(
            self._task, description=f"epoch {epoch}/{self.options.learning.epochs}", completed=done, total=batches
        )

    def epoch(self, epoch: Epoch) -> None:
        """Print the line of an epoch."""
        scores = "  ".join(f"{mask.title} {_score(counts.f1)}" for mask, counts in epoch.val.counts.items())
        print(
            f"epoch {epoch.number}/{self.options.learning.epochs}  {epoch.seconds:.1f} s  lr {epoch.rate:.3g}  "
            f"loss {epoch.train.loss:.4f}, validation {epoch.val.loss:.4f}{' (best)' if epoch.best else ''}  "
            f"F1: {scores}",
            flush=True,
        )

    def ended(self, outcome: Outcome) -> None:
        """Print how the best epoch validates, and what to do with it."""
        self.bar.stop()
        best = next((epoch for epoch in reversed(outcome.epochs) if epoch.best), None)
        if best is not None:
            Console(soft_wrap=True, highlight=False).print(_table(best))
        for note in outcome.notes:
            print(f"note: {note}")
        if outcome.files.best.exists():
            print(f"best weights: {outcome.files.best}")
        print(f"latest state: {outcome.files.checkpoint}")
        print(f"log: {outcome.files.log}")


def _table(best: Epoch) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption=f"validation at the threshold 0.5, after epoch {best.number}, the best")
    table.add_column("mask")
    for name in ("loss", "F1", "precision", "recall", "IoU"):
        table.add_column(name, justify="right")
    for mask, counts in best.val.counts.items():
        scores = (counts.f1, counts.precision, counts.recall, counts.iou)
        table.add_row(mask.title, _score(best.val.losses[mask], 4), *(_score(score) for score in scores))
    return table


def _score(value: float, digits: int = 3) -> str:
    return "-" if isnan(value) else f"{value:.{digits}f}"
