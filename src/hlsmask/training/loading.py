"""Batches of training and of validation, as pytorch-lightning asks for them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from hlsmask.training.batches import Batches

if TYPE_CHECKING:
    from torch import Tensor

    from hlsmask.training.material import Material
    from hlsmask.training.mixture import Mixture
    from hlsmask.training.options import Data
    from hlsmask.training.placing import Place

_NAMED: Final = 6
"""Samples of a batch that an error names."""


class Loaders(pl.LightningDataModule):
    """Loaders whose samples are those of the epoch that the trainer is in, also where it goes on with an old run."""

    def __init__(self, material: Material, data: Data, place: Place) -> None:
        """Load `material` in batches as `data` says, for the devices of `place`."""
        super().__init__()
        self.material, self.data = material, data
        self._pinned = place.accelerator == "cuda"
        self._workers = ceil(data.workers * place.nodes / place.count)
        self._learned: Batches | None = None

    @property
    def batches(self) -> int:
        """Batches of an epoch, training and validation together."""
        size = self.data.batch_size
        return sum(len(Batches(len(part), size)) for part in (self.material.train, self.material.val))

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the loader of training; it is asked for once, before the first epoch of this run."""
        train = self.material.train
        self._learned = self._shared(train, shuffle=True)
        self.turn(self._trainer.current_epoch)
        return self._loader(train, self._learned)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the loader of validation."""
        return self._loader(self.material.val, self._shared(self.material.val, shuffle=False))

    def on_after_batch_transfer(self, batch: tuple[Tensor, ...], dataloader_idx: int) -> tuple[Tensor, ...]:
        """Simulate on the device that learns, where that is due."""
        del dataloader_idx
        if len(batch) == 2:  # noqa: PLR2004 - bands and labels: nothing is left to be done
            return batch
        items = self.material.train if self._trainer.training else self.material.val
        return items.finish(*batch)

    def turn(self, epoch: int) -> None:
        """Go to another epoch (from 0), in all workers; before its first batch is asked for."""
        self.material.train.set_epoch(epoch)
        if self._learned is not None:
            self._learned.set_epoch(epoch)

    def named(self, batch: int) -> str:
        """Return the names of the samples of a batch of this epoch, over all devices, the first of them at least."""
        if self._learned is None:
            return ""
        numbers = self._learned.whole(batch)
        names = [self.material.train.name(number) for number in numbers[:_NAMED]]
        return ", ".join(names) + (", ..." if len(numbers) > _NAMED else "")

    @property
    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("loaders belong to a trainer")
        return self.trainer

    def _shared(self, items: Mixture, *, shuffle: bool) -> Batches:
        trainer, data = self._trainer, self.data
        return Batches(
            len(items),
            data.batch_size,
            rank=trainer.global_rank,
            devices=trainer.world_size,
            shuffle=shuffle,
            seed=data.seed,
        )

    def _loader(self, items: Mixture, batches: Batches) -> DataLoader[Any]:
        return DataLoader(
            items,
            batch_sampler=batches,
            num_workers=self._workers,
            persistent_workers=self._workers > 0,
            pin_memory=self._pinned,
        )
