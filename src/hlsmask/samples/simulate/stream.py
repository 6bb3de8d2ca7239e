"""Simulated samples without end, for training."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from hlsmask.errors import UsageError
from hlsmask.samples.simulate.backgrounds import cut, patches
from hlsmask.samples.simulate.held import Held, can_be_held
from hlsmask.samples.simulate.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hlsmask.samples.sequence import Samples
    from hlsmask.samples.simulate.parameters import Simulation


class SimulatedSamples(IterableDataset[tuple[Tensor, Tensor]]):
    """An endless row of (bands, labels) over backgrounds, number k always the same for one seed.

    Bands are float32 (6, size, size), NaN where not observed, labels uint8 (5, size, size). With w workers, worker v
    makes the numbers v, v + w, v + 2 w, ..., so that no two make the same. Each pass over it begins anew at `start`.
    """

    def __init__(
        self,
        backgrounds: Samples,
        simulation: Simulation | None = None,
        *,
        size: int = 256,
        seed: int = 0,
        start: int = 0,
        together: int = 4,
        device: torch.device | str = "cpu",
    ) -> None:
        """Prepare to simulate.

        Parameters
        ----------
        backgrounds
            Clear samples to simulate over.
        simulation
            Its parameters; else the defaults.
        size
            Rows and columns.
        seed
            A whole number of 0 or more.
        start
            Number of the first sample: go on with a later one to see other samples in a next epoch.
        together
            Samples that are simulated at once: few fit the caches of a processor, more keep a GPU busy.
        device
            Where to simulate.

        Raises
        ------
        UsageError
            If there are no backgrounds, or a number is out of range.
        """
        if len(backgrounds) == 0:
            raise UsageError(f"{backgrounds.path} holds no samples to simulate over; name one that does")
        if seed < 0 or start < 0 or together < 1:
            raise UsageError(f"seed {seed}, start {start}, together {together}: use 0 or more, 0 or more, 1 or more")
        self.backgrounds = backgrounds
        self.simulator = Simulator(simulation, device)
        self.size, self.seed, self.start, self.together = size, seed, start, together
        self._held: Held | None = None

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield samples without end."""
        worker = get_worker_info()
        step = 1 if worker is None else worker.num_workers
        first = self.start + (0 if worker is None else worker.id)
        while True:
            numbers = range(first, first + step * self.together, step)
            bands, labels, _ = self.batch(numbers)
            yield from zip(bands, labels, strict=True)
            first = numbers.stop

    @property
    def device(self) -> torch.device:
        """Where it simulates."""
        return self.simulator.device

    @cached_property
    def small(self) -> bool:
        """Whether the backgrounds are few enough to be held on a GPU, where windows are then cut too."""
        return can_be_held(self.backgrounds)

    def on(self, device: torch.device) -> SimulatedSamples:
        """Return the same samples, simulated on another device."""
        return SimulatedSamples(
            self.backgrounds,
            self.simulator.simulation,
            size=self.size,
            seed=self.seed,
            start=self.start,
            together=self.together,
            device=device,
        )

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor, list[int]]:
        """Return bands (n, 6, size, size) and labels (n, 5, size, size) of these `numbers`, and their backgrounds."""
        bands, labels, found = self.cuts(numbers)
        return *self.lay(bands, labels, numbers), found

    def cuts(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor, list[int]]:
        """Return the clear windows that these `numbers` are simulated over, their labels, and their backgrounds."""
        meaning = self.simulator.simulation.relief.meaning
        dice = [np.random.default_rng([self.seed, number, 1]) for number in numbers]
        bands, labels, found = self._cut(dice, meaning)
        share = self.simulator.simulation.ground.patchwork
        mixed = [place for place, one in enumerate(dice) if share and one.random() < share]
        if mixed:
            others, known, _ = self._cut([dice[place] for place in mixed], meaning)
            there = torch.stack([patches(self.size, dice[place]) for place in mixed])[:, None].to(bands.device)
            bands[mixed] = torch.where(there, others, bands[mixed])
            labels[mixed] = torch.where(there, known, labels[mixed])
        return bands, labels, found

    def _cut(self, dice: Sequence[np.random.Generator], meaning: str) -> tuple[Tensor, Tensor, list[int]]:
        """Return a window of one background for each of the `dice`."""
        if self.device.type != "cpu" and self._held is None and self.small:
            self._held = Held.hold(self.backgrounds, meaning, self.device)
        if self._held is not None:
            return self._held.cut(self.size, dice)
        found = [cut(self.backgrounds, self.size, one, meaning) for one in dice]
        return torch.stack([one[0] for one in found]), torch.stack([one[1] for one in found]), [one[2] for one in found]

    def lay(self, bands: Tensor, labels: Tensor, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Simulate over what `cuts` gave for these `numbers`."""
        return self.simulator(bands, labels, seed=[[self.seed, number] for number in numbers])
