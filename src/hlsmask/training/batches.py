"""Which samples make which batch: the same on any number of devices, none left out, none taken twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from torch.utils.data import Sampler

from hlsmask.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


_FEWEST: Final = 2
"""Samples of a batch that batch norms over a single pixel need."""


class Batches(Sampler[list[int]]):
    """The batches of one of several devices: batch k of all devices together is batch k of a single one.

    Where the last batch would be smaller than half of the others, it and the one before share their samples evenly:
    batch norms need several samples, and each device one. What is too few for that joins the batch before.
    """

    def __init__(
        self, length: int, batch_size: int, *, rank: int = 0, devices: int = 1, shuffle: bool = False, seed: int = 0
    ) -> None:
        """Divide `length` samples into batches of `batch_size`, of which device `rank` gets its part.

        Parameters
        ----------
        length
            Number of samples.
        batch_size
            Samples of a batch, over all devices.
        rank
            Number of the device, from 0.
        devices
            How many devices there are.
        shuffle
            Take them in another order each epoch.
        seed
            From which the order is drawn.

        Raises
        ------
        DatasetError
            If there are fewer samples than devices.
        """
        if length < devices:
            raise DatasetError(f"{length} samples cannot be shared by {devices} devices; use fewer devices")
        size = max(batch_size, devices)
        fewest = max(min(_FEWEST, size), devices)
        ends = [*range(size, length, size), length]
        if len(ends) > 1 and 2 * (rest := ends[-1] - ends[-2]) < max(size, 2 * fewest):
            less = (size + rest) // 2
            if less < fewest:
                del ends[-2]
            else:
                ends[-2] = length - less
        self._bounds = list(zip([0, *ends[:-1]], ends, strict=True))
        self.length, self.rank, self.devices, self.shuffle, self.seed = length, rank, devices, shuffle, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Give the batches of another epoch, from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of batches, the same on all devices."""
        return len(self._bounds)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the numbers of the samples of each batch that are this device's."""
        order = self._order()
        for begin, end in self._bounds:
            yield [int(number) for number in order[begin:end][self.rank :: self.devices]]

    def whole(self, batch: int) -> list[int]:
        """Return the numbers of all samples of a batch, over all devices, in this epoch."""
        begin, end = self._bounds[batch]
        return [int(number) for number in self._order()[begin:end]]

    def _order(self) -> NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(self.length)
        return np.random.default_rng([self.seed, self.epoch, 2]).permutation(self.length)
