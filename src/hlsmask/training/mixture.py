"""Samples of several sources in one row: stored ones and simulated ones, joined or drawn by shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from hlsmask.bands import BANDS
from hlsmask.masks import Mask
from hlsmask.samples.dataset import shared
from hlsmask.training.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.card import Card
    from hlsmask.samples.dataset import SampleDataset
    from hlsmask.samples.simulate import SimulatedSamples

    Item = tuple[Tensor, ...]


class Source(Protocol):
    """Items (bands, labels) by their number, others in each epoch."""

    endless: bool
    """Whether any number has an item of its own, none of which comes again."""

    def __len__(self) -> int:
        """Return how many items an epoch has."""

    def set_epoch(self, epoch: int) -> None:
        """Give the items of another epoch."""

    def items(self, numbers: Sequence[int]) -> list[Item]:
        """Return bands float32 (bands, h, w) as a network takes them, and labels uint8 (masks, h, w), of each."""

    def name(self, number: int) -> str:
        """Return what an item is called where something is wrong with it."""


class Stored:
    """Samples that lie on disk."""

    endless = False

    def __init__(self, dataset: SampleDataset) -> None:
        """Take the items of `dataset`."""
        self.dataset = dataset

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.dataset)

    def set_epoch(self, epoch: int) -> None:
        """Give the items of another epoch."""
        self.dataset.set_epoch(epoch)

    def items(self, numbers: Sequence[int]) -> list[Item]:
        """Return bands and labels of each."""
        return [self.dataset[number] for number in numbers]

    def name(self, number: int) -> str:
        """Return the id of the sample that an item is of."""
        return self.dataset.samples.record(self.dataset.place(number)[0]).id


class Simulated:
    """Samples that are simulated when they are asked for: item i of epoch e is number e * length + i of the stream."""

    endless = True

    def __init__(
        self, stream: SimulatedSamples, card: Card, masks: Sequence[Mask], length: int, *, later: bool = False
    ) -> None:
        """Simulate `length` items an epoch, scaled as `card` says, with the labels of `masks`.

        With `later`, items are the clear ground, its labels and a number; of few backgrounds they are the number alone.
        `finish` makes samples of them, on the device that it is told.
        """
        self.stream, self.card, self.length, self.later = stream, card, length, later
        self._there: SimulatedSamples | None = None
        self._bands = [BANDS.index(band) for band in card.bands]
        self._labels = [list(Mask).index(mask) for mask in masks]
        self._epoch = shared(torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        """Return how many items an epoch has."""
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Give the items of another epoch, in all workers."""
        self._epoch.fill_(epoch)

    def items(self, numbers: Sequence[int]) -> list[Item]:
        """Return bands and labels of each; they are simulated together, a few at a time."""
        first = int(self._epoch) * self.length
        made: list[Item] = []
        for begin in range(0, len(numbers), self.stream.together):
            part = [first + number for number in numbers[begin : begin + self.stream.together]]
            if self.later and self.stream.small:
                made += [(torch.empty(0), torch.empty(0), torch.tensor(number)) for number in part]
                continue
            if self.later:
                bands, labels, _ = self.stream.cuts(part)
                made += [(*pair, torch.tensor(number)) for *pair, number in zip(bands, labels, part, strict=True)]
                continue
            bands, labels, _ = self.stream.batch(part)
            made += [self._taken(*pair) for pair in zip(bands, labels, strict=True)]
        return made

    def name(self, number: int) -> str:
        """Return the number of the simulated sample."""
        return f"simulated sample {int(self._epoch) * self.length + number}"

    def finish(self, bands: Tensor, labels: Tensor, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return (n, bands, h, w) and (n, masks, h, w) as `items` does, of what it gave with `later` for `numbers`.

        All is done where `bands` are.
        """
        if self._there is None or self._there.device != bands.device:
            self._there = self.stream.on(bands.device)
        if bands.numel():
            made, known = self._there.lay(bands, labels, numbers)
        else:
            made, known, _ = self._there.batch(numbers)
        return scaled(made[:, self._bands], self.card.normalization), known[:, self._labels]

    def _taken(self, bands: Tensor, labels: Tensor) -> Item:
        reflectance = bands[self._bands].numpy()
        blank = np.isnan(reflectance[0])
        if blank.all():
            return torch.zeros_like(bands), labels[self._labels].contiguous()
        taken = self.card.normalize(reflectance)
        taken[:, blank] = 0
        return torch.from_numpy(np.ascontiguousarray(taken)), labels[self._labels].contiguous()


class Mixture(Dataset["Item"]):
    """Several sources as one: each item of each once an epoch, or drawn by shares."""

    def __init__(
        self, sources: Sequence[Source], *, shares: Sequence[float] = (), length: int | None = None, seed: int = 0
    ) -> None:
        """Join `sources`.

        Parameters
        ----------
        sources
            Where items come from.
        shares
            Part of the items that each source gives; any scale. None: every item of every source once.
        length
            Items of an epoch. Else as many as the sources hold together. If it is another number, or there are
            shares, items are drawn anew each epoch, within a source at random.
        seed
            From which they are drawn.
        """
        self.sources = tuple(sources)
        self._ends = np.cumsum([len(source) for source in sources])
        held = int(self._ends[-1])
        self.length = held if length is None else length
        self.seed = seed
        drawn = bool(shares) or self.length != held
        parts = np.asarray(shares or [len(source) for source in sources], np.float64)
        self._shares = parts / parts.sum() if drawn else None
        self._epoch = shared(torch.zeros((), dtype=torch.int64))

    def set_epoch(self, epoch: int) -> None:
        """Give the items of another epoch (from 0), in all workers; call it before the loop over the loader begins."""
        self._epoch.fill_(epoch)
        for source in self.sources:
            source.set_epoch(epoch)

    def __len__(self) -> int:
        """Return how many items an epoch has."""
        return self.length

    def __getitem__(self, index: int) -> Item:
        """Return bands and labels of an item."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Return several items; torch's loader asks for a batch at once. Those of a source are made together."""
        places = [self.place(index) for index in indices]
        found: dict[int, Item] = {}
        for at, source in enumerate(self.sources):
            own = [position for position, (owner, _) in enumerate(places) if owner == at]
            if own:
                items = source.items([places[position][1] for position in own])
                if self.later:
                    items = [(*item[:-1], torch.stack([torch.tensor(at), item[-1]])) for item in items]
                found.update(zip(own, items, strict=True))
        return [found[position] for position in range(len(places))]

    @property
    def later(self) -> bool:
        """Whether items are to be finished by `finish`: all sources simulate on the device that learns."""
        return all(getattr(source, "later", False) for source in self.sources)

    def finish(self, bands: Tensor, labels: Tensor, tickets: Tensor) -> tuple[Tensor, Tensor]:
        """Return a batch as a network takes it, of items that are to be finished: the same on any device."""
        pairs: list[tuple[int, int]] = tickets.tolist()
        order, done = [], []
        for at, source in enumerate(self.sources):
            own = [row for row, (owner, _) in enumerate(pairs) if owner == at]
            if own and isinstance(source, Simulated):
                done.append(source.finish(bands[own], labels[own], [pairs[row][1] for row in own]))
                order += own
        back = torch.tensor(order).argsort().to(bands.device)
        first, second = (torch.cat(parts)[back] for parts in zip(*done, strict=True))
        return first, second

    def place(self, index: int) -> tuple[int, int]:
        """Return the source of an item in this epoch, and its number there."""
        if self._shares is None:
            source = int(np.searchsorted(self._ends, index, side="right"))
            return source, index - int(self._ends[source] - len(self.sources[source]))
        rng = np.random.default_rng([self.seed, int(self._epoch), index, 3])
        source = int(rng.choice(len(self.sources), p=self._shares))
        number = int(rng.integers(len(self.sources[source])))
        return source, index if self.sources[source].endless else number

    def name(self, index: int) -> str:
        """Return what an item of this epoch is called."""
        source, number = self.place(index)
        return self.sources[source].name(number)
