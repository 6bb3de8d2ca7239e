"""A run, from its options to its files."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, EMAWeightAveraging

from hlsmask.errors import DatasetError, HlsmaskError, SampleError, UsageError
from hlsmask.masks import Mask
from hlsmask.models.publishing import notes as published_notes
from hlsmask.models.registry import NETWORKS, find
from hlsmask.training import config
from hlsmask.training.keeping import Files, Keeper
from hlsmask.training.lesson import Lesson
from hlsmask.training.loading import Loaders
from hlsmask.training.losses import MaskLoss
from hlsmask.training.material import open_material
from hlsmask.training.placing import choose_place, leaving_no_trace, trainer_options
from hlsmask.training.starting import check_kept, start
from hlsmask.training.weighting import weighting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hlsmask.training.course import Epoch
    from hlsmask.training.material import Material
    from hlsmask.training.options import Options
    from hlsmask.training.placing import Place
    from hlsmask.training.starting import Start


_LONELY: Final = "Expected more than 1 value per channel"
"""What torch says of a batch norm over a single value."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has made."""

    files: Files
    """Where it lies."""

    epochs: Sequence[Epoch]
    """How each epoch went, those before a resumed run was stopped included."""

    notes: Sequence[str]
    """What whoever trains should know, a sentence each."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how a run goes; on the first of several processes alone."""

    begun: Callable[[Files, Material, Sequence[str]], None] = lambda *_: None
    """Before the first step: where files will lie, what is learned from, notes."""

    step: Callable[[int, int, int], None] = lambda *_: None
    """After each batch: epoch, from 1; batches done; batches of an epoch."""

    epoch: Callable[[Epoch], None] = lambda _: None
    """After each epoch, when its files are written."""

    ended: Callable[[Outcome], None] = lambda _: None
    """After the last one."""


def train(options: Options, listener: Listener | None = None, *, expected: Mapping[str, str] | None = None) -> Outcome:
    """Train a network, and write what `Files` names after each epoch.

    Parameters
    ----------
    options
        What was chosen.
    listener
        Who is told how it goes.
    expected
        Hashes of the data of a run that this one repeats; where they differ, a note says so.

    Raises
    ------
    UsageError
        If options do not go together, or the devices are not there.
    DatasetError
        If there is nothing to train on or to validate on, or a sample cannot be read.
    ModelError
        If weights cannot be had, or a run to go on with is one of another network.
    DivergedError
        If a loss is no number any more; what was kept before stays.
    OutputError
        If results cannot be written; what was kept before stays.
    """
    listener = listener or Listener()
    place = choose_place(options.machine)
    if options.records.published_files and not find(options.network.backbone).published:
        names = ", ".join(network.backbone for network in NETWORKS.values() if network.published)
        raise UsageError(f"--published-files: {options.network.backbone} was never published; these were: {names}")
    begun = start(options.network, options.data.seed)
    check_kept(begun, config.chosen(options))
    if begun.epoch >= options.learning.epochs:
        raise UsageError(f"the run to go on with has done {begun.epoch} epochs; name more of them with --epochs")
    material = open_material(options.data, begun.net.card, later=place.accelerator == "cuda")
    _check_shared(material, place)
    run = _Run(options, place, begun, material, listener)
    notes = [*begun.notes, *_not_held(options, begun), *material.notes, *_other_data(expected, material)]
    if options.records.published_files:
        notes += [f"published files: {note}" for note in published_notes(run.begun.net)]
    return run.fit(notes)


class _Run:
    """One run."""

    def __init__(self, options: Options, place: Place, begun: Start, material: Material, listener: Listener) -> None:
        self.options, self.place, self.begun = options, place, begun
        self.material, self.listener = material, listener
        now = datetime.now(UTC)
        net = begun.net
        net.card = replace(net.card, definitions=_definitions(net.card.masks, material))
        self.files = _files(options.records.out, begun, now)
        self.record: dict[str, Any] = {
            "started": now.isoformat(timespec="seconds"),
            "versions": config.versions(),
            "data": dict(material.hashes),
            "devices": place.count,
            "accelerator": place.accelerator,
        }

    def fit(self, notes: list[str]) -> Outcome:
        """Train."""
        options, how = self.options, self.options.learning
        lesson = self._lesson()
        keeper = self._keeper()
        callbacks: list[pl.Callback] = [keeper]
        if how.ema:
            callbacks.append(EMAWeightAveraging(decay=how.ema))
        if how.patience:
            callbacks.append(EarlyStopping("val_loss", patience=how.patience, mode="min"))
        with _quiet(), leaving_no_trace():
            trainer = pl.Trainer(
                **trainer_options(self.place, options.machine),
                max_epochs=how.epochs,
                accumulate_grad_batches=how.accumulate,
                gradient_clip_val=how.clip or None,
                callbacks=callbacks,
                logger=self._logger(),
                default_root_dir=self.files.folder,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
                use_distributed_sampler=False,
                log_every_n_steps=1,
            )
            loaders = Loaders(self.material, options.data, self.place)
            keeper.batches = loaders.batches
            keeper.begun = lambda: self._begin(keeper, notes)
            if self.begun.checkpoint is None and self.begun.epoch:
                _go_on(trainer, self.begun.epoch)
            _fit(trainer, lesson, loaders, keeper, self.begun.checkpoint)
        if self.material.broken:
            notes.append(f"{self.material.broken} samples could not be read and were left out")
        notes += _not_learned(keeper.epochs)
        outcome = Outcome(self.files, keeper.epochs, notes)
        if trainer.is_global_zero:
            self.listener.ended(outcome)
        return outcome

    def _begin(self, keeper: Keeper, notes: list[str]) -> None:
        """Write the configuration, once all is restored, and tell who listens."""
        history = keeper.history
        record = {**self.record, "resumed": list(history["resumed"])} if history["resumed"] else self.record
        config.write(self.files.config, {**history["recipe"], "epochs": self.options.learning.epochs}, record)
        self.listener.begun(self.files, self.material, notes)

    def _history(self) -> dict[str, Any]:
        """Return the options that repeat the whole run, and how it was gone on with."""
        now, begun = config.chosen(self.options), self.begun
        if begun.checkpoint is None:
            return {"recipe": now, "resumed": []}
        ours = {"ckpt-path", "out", "epochs"}
        changed = {name: value for name, value in now.items() if begun.recipe.get(name) != value and name not in ours}
        step = {"after-epoch": begun.epoch, **changed}
        return {"recipe": dict(begun.recipe), "resumed": [*begun.resumed, step]}

    def _lesson(self) -> Lesson:
        how, masks = self.options.learning, self.begun.net.card.masks
        weights = how.weights()
        kind = "fixed" if weights else how.weight
        lesson = Lesson(
            self.begun.net, MaskLoss(how.loss_type), weighting(kind, masks, weights or None), how, self.options.machine
        )
        lesson.seed = self.options.data.seed
        if self.begun.checkpoint is None:
            lesson.former, lesson.done = self.begun.optimizer, self.begun.epoch
        else:
            lesson.former_rate = float({**self.begun.recipe, **dict(*self.begun.resumed[-1:])}["lr"])
        return lesson

    def _keeper(self) -> Keeper:
        options = self.options
        provenance = {
            **self.begun.net.card.provenance,
            "recipe": config.chosen(options),
            **self.record,
        }
        keeper = Keeper(
            self.files,
            provenance,
            best=options.learning.best,
            published=options.records.published_files,
            on_epoch=self.listener.epoch,
            on_step=self.listener.step,
        )
        keeper.history = self._history()
        return keeper

    def _logger(self) -> Any:  # noqa: ANN401 - a logger, or none
        if not self.options.records.tensorboard:
            return False
        from pytorch_lightning.loggers import TensorBoardLogger  # noqa: PLC0415 - only where it is asked for

        return TensorBoardLogger(self.files.folder, name="tensorboard", version=self.files.stem)


def _go_on(trainer: pl.Trainer, done: int) -> None:
    """Begin after the epochs that a published run has done."""
    state = trainer.fit_loop.epoch_progress.state_dict()
    for counts in (state["current"], state["total"]):
        counts.update(dict.fromkeys(counts, done))
    trainer.fit_loop.epoch_progress.load_state_dict(state)


def _fit(trainer: pl.Trainer, lesson: Lesson, loaders: Loaders, keeper: Keeper, checkpoint: Path | None) -> None:
    """Train; errors that libraries have wrapped come out as ours."""
    try:
        trainer.fit(
            lesson, datamodule=loaders, ckpt_path=None if checkpoint is None else str(checkpoint), weights_only=True
        )
    except SystemExit as end:  # what the library makes of Ctrl-C
        raise KeyboardInterrupt from end
    except SampleError as error:  # from a worker: torch puts its traceback before the sentence
        sentence = str(error).strip().splitlines()[-1].partition("SampleError: ")
        raise SampleError(sentence[2] or sentence[0]) from error
    except HlsmaskError:
        raise
    except Exception as error:
        if keeper.interrupted:  # the others were stopped while this one spoke to them
            raise KeyboardInterrupt from error
        if _LONELY in str(error):
            said = f"{lesson.net.card.backbone} cannot learn from one sample of this size at a time"
            raise UsageError(f"{said}; use a larger --batch-size, or --size") from error
        raise


def _files(folder: Path, begun: Start, now: datetime) -> Files:
    """Return the files of a run that goes on, or new ones: of two runs in one second the later gets the next."""
    if begun.stem:
        return Files(folder, begun.stem)
    names = f"{begun.net.card.backbone}_{begun.net.card.head}"
    stems = (f"{now + timedelta(seconds=late):%Y%m%d-%H%M%S}_{names}" for late in count())
    return next(files for files in (Files(folder, stem) for stem in stems) if not files.config.exists())


def _not_held(options: Options, begun: Start) -> list[str]:
    """Return a note where a published checkpoint lacks a part of what is gone on with."""
    how = options.learning
    parts = ["the averaged weights"] if how.ema else []
    parts += ["the learned weights of the masks"] if how.weight in ("uncertainty", "uncert") else []
    if begun.checkpoint is not None or not begun.epoch or not parts:
        return []
    return [f"published checkpoints do not hold {' and '.join(parts)}, which begin anew"]


def _check_shared(material: Material, place: Place) -> None:
    """Raise DatasetError if there are fewer samples than devices."""
    for name, items in (("training", material.train), ("validation", material.val)):
        if len(items) < place.count:
            number = f"{len(items)} sample{'s' if len(items) != 1 else ''}"
            raise DatasetError(f"{name} has {number}, too few for {place.count} devices; use fewer devices")


def _not_learned(epochs: Sequence[Epoch]) -> list[str]:
    """Return a note for each mask that could not be learned, or not judged."""
    said = []
    for mask, counts in epochs[-1].train.counts.items() if epochs else ():
        if not counts.count:
            said.append(f"{mask.title}: not one pixel of training has a known label; what is given of it means nothing")
        elif not counts.hits + counts.misses:
            said.append(f"{mask.title}: it is nowhere there in the last epoch of training")
    for mask, counts in epochs[-1].val.counts.items() if epochs else ():
        if not counts.hits + counts.misses:
            said.append(f"{mask.title}: it is nowhere there in validation")
    return said


def _definitions(masks: Sequence[Mask], material: Material) -> dict[Mask, str]:
    return {Mask.TERRAIN_SHADOW: material.terrain_shadow} if Mask.TERRAIN_SHADOW in masks else {}


def _other_data(expected: Mapping[str, str] | None, material: Material) -> list[str]:
    """Return a note for each place whose data are others than they were."""
    return [
        f"{place}: its samples are not those of the run that is repeated, or its hash is not known there"
        for place, digest in material.hashes.items()
        if expected is not None and expected.get(place) != digest
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from telling what the log and the listener tell, and from advice on workers."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            advising = "pytorch_lightning|lightning_fabric|lightning_utilities|torch.utils.data"
            warnings.filterwarnings("ignore", module=advising)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
