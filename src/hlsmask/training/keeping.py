"""What is kept of a run while it goes on: the log, the latest state, the best weights."""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from math import isfinite, isnan
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl

from hlsmask.aside import aside
from hlsmask.errors import DatasetError, DivergedError, HlsmaskError, OutputError, first_line
from hlsmask.models.publishing import write_published
from hlsmask.models.starting import RUN
from hlsmask.models.weights import save
from hlsmask.training.course import Epoch, write_log, write_published_log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hlsmask.training.kinds import Best
    from hlsmask.training.lesson import Lesson
    from hlsmask.training.tally import Result


@dataclass(frozen=True, slots=True)
class Files:
    """Where the results of a run lie."""

    folder: Path
    """Of all of them."""

    stem: str
    """What their names begin with: start, backbone, head."""

    def path(self, ending: str) -> Path:
        """Return the file with this ending, such as `best.safetensors`."""
        return self.folder / f"{self.stem}_{ending}"

    @property
    def checkpoint(self) -> Path:
        """The latest full state."""
        return self.path("checkpoint.ckpt")

    @property
    def best(self) -> Path:
        """The best weights, with their card."""
        return self.path("best.safetensors")

    @property
    def log(self) -> Path:
        """The log."""
        return self.path("log.csv")

    @property
    def config(self) -> Path:
        """The whole configuration."""
        return self.path("config.toml")


class Keeper(pl.Callback):
    """Writes the log, the latest state and the best weights after each epoch, each file whole or not at all.

    It must come before a callback that averages weights, so that it finds the averaged ones during validation.
    """

    def __init__(
        self,
        files: Files,
        provenance: Mapping[str, Any],
        *,
        best: Best = "loss",
        published: bool = False,
        batches: int = 0,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
        on_step: Callable[[int, int, int], None] = lambda *_: None,
    ) -> None:
        """Keep a run.

        Parameters
        ----------
        files
            Where.
        provenance
            What the card of the best weights says of where they come from.
        best
            Which epoch's weights are the best.
        published
            Whether to write the files of the improv-mask project too.
        batches
            Of an epoch, training and validation together.
        on_epoch
            Told of each epoch when its files are written.
        on_step
            Told of epoch (from 1), batches done, and batches of an epoch, after each batch.
        """
        self.files, self.provenance, self.rule, self.published = files, provenance, best, published
        self.batches, self.on_epoch, self.on_step = batches, on_epoch, on_step
        self.history: dict[str, Any] = {}
        """What else a checkpoint says of the run: its options and how it was resumed."""
        self.begun: Callable[[], None] = lambda: None
        """Called on the first device when all is restored and the first step comes."""
        self.interrupted = False
        """Whether a person or a cluster stopped the run."""
        self.epochs: list[Epoch] = []
        self.best = float("inf")
        """How far from good the best epoch is by the rule; the lower, the better."""
        self._val: Result | None = None
        self._is_best = False
        self._began = 0.0
        self._done = 0

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds of it."""
        return {"epochs": [epoch.plain() for epoch in self.epochs], "best": self.best, "rule": self.rule}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what a checkpoint holds."""
        self.epochs = [Epoch.of_plain(values) for values in state_dict["epochs"]]
        same = state_dict.get("rule", "loss") == self.rule and self.files.best.exists()  # or gone on with elsewhere
        self.best = state_dict["best"] if same else float("inf")

    def on_train_start(self, trainer: pl.Trainer, lesson: Lesson) -> None:  # type: ignore[override]
        """Begin."""
        del lesson
        if trainer.is_global_zero:
            self.begun()

    def on_exception(self, trainer: pl.Trainer, lesson: pl.LightningModule, exception: BaseException) -> None:
        """Stop the processes that this one has started, before it waits for them."""
        del lesson
        self.interrupted = isinstance(exception, KeyboardInterrupt)
        launcher = trainer.strategy.launcher
        if self.interrupted and launcher is not None:
            launcher.kill(signal.SIGKILL)

    def on_train_epoch_start(self, trainer: pl.Trainer, lesson: Lesson) -> None:  # type: ignore[override]
        """Begin to measure."""
        del trainer, lesson
        self._began, self._done, self._val = monotonic(), 0, None

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:  # noqa: ANN401 - what else the library gives
        """Tell of the step."""
        self._step(trainer)

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:  # noqa: ANN401 - as above
        """Tell of the step."""
        self._step(trainer)

    def on_validation_epoch_end(self, trainer: pl.Trainer, lesson: Lesson) -> None:  # type: ignore[override]
        """Keep the weights if they are the best so far; averaged ones where weights are averaged."""
        self._val = result = lesson.validated.result()
        if not isfinite(result.loss):
            if any(counts.count for counts in result.counts.values()):
                raise DivergedError(
                    f"the validation loss of epoch {trainer.current_epoch + 1} is {result.loss}: the weights have left "
                    "the numbers; start again with a lower --lr, or with --clip 1"
                )
            raise DatasetError("validation cannot tell which weights are best: none of its pixels has a known label")
        lesson.log("val_loss", result.loss, batch_size=1, logger=False)
        badness = {"loss": result.loss, "f1": -_mean_f1(result), "last": -float(trainer.current_epoch)}[self.rule]
        self._is_best = badness < self.best
        if not self._is_best:
            return
        self.best = badness
        if trainer.is_global_zero:
            net = lesson.net
            number = trainer.current_epoch + 1
            scores = {mask.value: counts.f1 for mask, counts in result.counts.items()}
            kept = {**self.provenance, "epoch": number, "val_loss": result.loss, "val_f1": _known(scores)}
            card = net.card
            net.card = replace(card, version=f"{self.files.stem.partition('_')[0]}-e{number}", provenance=kept)
            try:
                save(net, self.files.best)
            finally:
                net.card = card
            if self.published:
                self._write_published(trainer, lesson, "best.pth.tar")

    def on_train_epoch_end(self, trainer: pl.Trainer, lesson: Lesson) -> None:  # type: ignore[override]
        """Write the log and the latest state."""
        if self._val is None:
            raise RuntimeError("an epoch ended without validation")
        train = lesson.trained.result()
        if not any(counts.count for counts in train.counts.values()):
            raise DatasetError("there is nothing to learn: not one pixel of training has a known label")
        number = trainer.current_epoch + 1
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        seconds = monotonic() - self._began
        weights = lesson.weighting.current()
        self.epochs.append(Epoch(number, seconds, rate, train, self._val, weights, self._is_best))
        if trainer.logger is not None:
            row = self.epochs[-1].row()
            figures = {name: float(value) for name, value in row.items() if value and name not in ("epoch", "best")}
            trainer.logger.log_metrics(figures, step=number)
        self._write_state(trainer)
        if trainer.is_global_zero:
            write_log(self.files.log, self.epochs)
            if self.published:
                self._write_published(trainer, lesson, "checkpoint.pth.tar")
                write_published_log(self.files.path("log.txt"), self.epochs, lesson.net.card.masks)
            self.on_epoch(self.epochs[-1])

    def on_save_checkpoint(self, trainer: pl.Trainer, lesson: Lesson, checkpoint: dict[str, Any]) -> None:  # type: ignore[override]
        """Say in the checkpoint of which network it is."""
        del trainer
        checkpoint[RUN] = {"card": lesson.net.card.to_json(), "stem": self.files.stem, **self.history}

    def _step(self, trainer: pl.Trainer) -> None:
        self._done += 1
        if trainer.is_global_zero:
            self.on_step(trainer.current_epoch + 1, self._done, self.batches)

    def _write_state(self, trainer: pl.Trainer) -> None:
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.files.checkpoint)  # takes part, writes nothing
            return
        with aside(self.files.checkpoint) as draft:
            try:
                trainer.save_checkpoint(draft)
            except HlsmaskError:
                raise
            except (OSError, RuntimeError) as error:  # torch says of a full disk that it failed to write
                said = f"{self.files.checkpoint} cannot be written, the disk may be full: {first_line(error)}"
                raise OutputError(said) from error

    def _write_published(self, trainer: pl.Trainer, lesson: Lesson, ending: str) -> None:
        state, number = trainer.optimizers[0].state_dict(), trainer.current_epoch + 1
        lowest = min([*(epoch.val.loss for epoch in self.epochs), *([self._val.loss] if self._val else [])])
        write_published(lesson.net, self.files.path(ending), epoch=number, best_performance=lowest, optimizer=state)


def _mean_f1(result: Result) -> float:
    known = [counts.f1 for counts in result.counts.values() if not isnan(counts.f1)]
    return sum(known) / len(known) if known else 0.0


def _known(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: score for name, score in scores.items() if not isnan(score)}
