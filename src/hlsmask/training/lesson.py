"""One step of training and one of validation, as pytorch-lightning calls them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import pytorch_lightning as pl
import torch

from hlsmask.errors import DivergedError
from hlsmask.models.resuming import take_up
from hlsmask.training.batchnorm import synchronize
from hlsmask.training.schedule import optimizer_of, schedule_of
from hlsmask.training.tally import Tally, devices, everywhere

if TYPE_CHECKING:
    from torch import Tensor

    from hlsmask.models.masknet import MaskNet
    from hlsmask.training.loading import Loaders
    from hlsmask.training.losses import MaskLoss
    from hlsmask.training.options import Learning, Machine
    from hlsmask.training.weighting import Weighting

_WATCHED: Final = 25
"""Steps after which a GPU is asked whether all losses were numbers: to ask is to wait for it."""


_RATES: Final = ("lr", "initial_lr", "max_lr", "min_lr")
"""What optimizers and schedules keep of learning rates in a group of parameters."""


class Lesson(pl.LightningModule):
    """A network, its loss, and what is counted on the way.

    Losses are sums over known pixels divided by their number on all devices, so that gradients, and with them all
    figures, are those of a single device with the whole batch.
    """

    def __init__(
        self, net: MaskNet, loss: MaskLoss, weighting: Weighting, learning: Learning, machine: Machine
    ) -> None:
        """Join what learns and how."""
        super().__init__()
        self.net, self.loss, self.weighting = net, loss, weighting
        self.learning, self.machine = learning, machine
        self.trained, self.validated = Tally(net.card.masks), Tally(net.card.masks)
        self.former: dict[str, Any] | None = None
        """State of the optimizer of a published run that this one goes on with."""
        self.done = 0
        """Epochs of that run."""
        self.former_rate: float | None = None
        """Learning rate that was asked for in the run of ours that this one goes on with."""
        self.seed = 0
        self._first_bad: Tensor | None = None

    def setup(self, stage: str) -> None:
        """Make batch norms one over all devices, and lay weights out for speed: before DDP looks at them."""
        del stage
        if self.trainer.world_size > 1 and self.machine.sync_batchnorm:
            synchronize(self.net)
        if self.machine.channels_last:
            self.net.to(memory_format=torch.channels_last)

    def on_fit_start(self) -> None:
        """Compile, once weights are where they are needed."""
        if self.machine.compile:
            self.net.logits = torch.compile(self.net.logits)  # type: ignore[method-assign]

    def on_train_start(self) -> None:
        """Go on with the learning rate and the decay that are asked for now, whatever was restored."""
        if self.former_rate is None:
            return
        ratio = self.learning.lr / self.former_rate
        for group, decay in zip(self.trainer.optimizers[0].param_groups, self._decays, strict=True):
            group["weight_decay"] = decay
            if ratio != 1:
                group.update({name: group[name] * ratio for name in _RATES if name in group})
        for config in self.trainer.lr_scheduler_configs if ratio != 1 else ():
            schedule: Any = config.scheduler
            schedule.base_lrs = [rate * ratio for rate in schedule.base_lrs]

    def on_train_epoch_start(self) -> None:
        """Draw from the epoch alone, so that a resumed run draws what an unbroken one does."""
        torch.manual_seed(((self.seed * 1_000_003 + self.current_epoch) * 4096 + self.global_rank) % 2**63)
        self._loaders.turn(self.current_epoch)
        self.trained.reset()
        self._first_bad = None

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the loss to go down: this device's, scaled so that the mean over devices is that of the batch."""
        logits, total, weight = self._seen(batch)
        sums = everywhere(torch.stack([total.detach(), weight]))
        self._watch(sums[0], index)
        known = sums[1] > 0
        means = torch.where(known, total * devices() / sums[1].clamp(min=1), 0.0)
        self.trained.add(total, weight, logits.detach(), batch[1])
        loss: Tensor = self.weighting(means.sum(0), known.any(0))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Refuse to judge what has no numbers any more, and begin to count."""
        self._complain()
        self.validated.reset()

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        """Count a batch."""
        logits, total, weight = self._seen(batch)
        self.validated.add(total, weight, logits, batch[1])

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - one of the forms that pytorch-lightning takes
        """Return the optimizer and the course of its learning rate."""
        how = self.learning
        optimizer = optimizer_of(self, name=how.optimizer, lr=how.lr, weight_decay=how.weight_decay)
        self._decays = [float(group["weight_decay"]) for group in optimizer.param_groups]
        if self.former is not None:
            take_up(optimizer, self.former, self.net)
        steps = int(self.trainer.estimated_stepping_batches)
        each = max(1, steps // how.epochs)
        schedule = schedule_of(
            optimizer, name=how.scheduler, steps=steps, warmup=round(how.warmup * each), steps_per_epoch=each
        )
        if schedule is None:
            return optimizer
        if done := self.done * each:
            schedule.load_state_dict({**schedule.state_dict(), "last_epoch": done - 1, "_step_count": done})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that no step came before: it came in the other run
                schedule.step()
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @property
    def _loaders(self) -> Loaders:
        """Where batches come from; asked of the trainer, so that a copy of this holds none of it."""
        loaders: Loaders = self.trainer.datamodule  # type: ignore[attr-defined]
        return loaders

    def _seen(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits, and what the loss makes of them."""
        bands, labels = batch
        if self.machine.channels_last:
            bands = bands.contiguous(memory_format=torch.channels_last)
        logits = self.net(bands)
        return logits, *self.loss(logits, labels)

    def _watch(self, totals: Tensor, index: int) -> None:
        """Remember the first batch whose loss is no number; stop there, or soon after where asking costs time."""
        bad = torch.where(totals.isfinite().all(), -1, index)
        first = bad if self._first_bad is None else torch.where(self._first_bad < 0, bad, self._first_bad)
        self._first_bad = first
        if first.device.type == "cpu" or index % _WATCHED == _WATCHED - 1:
            self._complain()

    def _complain(self) -> None:
        if self._first_bad is None or (index := int(self._first_bad)) < 0:
            return
        raise DivergedError(
            f"the loss of batch {index + 1} of epoch {self.current_epoch + 1} is no number "
            f"({self._loaders.named(index)}); "
            "what was kept before is good: resume from it with a lower --lr or with --clip 1, or look at those samples"
        )
