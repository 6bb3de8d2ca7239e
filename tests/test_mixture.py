"""Sources as one: each item once, or by shares; others in every epoch, whoever asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from hlsmask import models
from hlsmask.card import Normalization
from hlsmask.inference.pytorch import _at_most
from hlsmask.masks import Mask
from hlsmask.samples import HeldSamples, SimulatedSamples
from hlsmask.training.batches import Batches
from hlsmask.training.material import open_material
from hlsmask.training.mixture import Mixture, Simulated
from hlsmask.training.options import Data
from test_training import make_samples, write_store


class Numbers:
    """A source whose items say where they come from."""

    endless = False

    def __init__(self, name, length):
        self.label, self.length, self.epoch = name, length, 0

    def __len__(self):
        return self.length

    def set_epoch(self, epoch):
        self.epoch = epoch

    def items(self, numbers):
        return [(self.label, number) for number in numbers]

    def name(self, number):
        return f"{self.label}{number}"


class Endless(Numbers):
    endless = True


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_without_shares_every_item_of_every_source_comes_once(lengths):
    mixture = Mixture([Numbers(at, length) for at, length in enumerate(lengths)])
    items = mixture.__getitems__(range(len(mixture)))
    assert items == [(at, number) for at, length in enumerate(lengths) for number in range(length)]


@given(st.integers(0, 3), st.lists(st.integers(0, 59), min_size=1, max_size=8))
def test_items_do_not_depend_on_what_they_are_asked_with(epoch, numbers):
    mixture = Mixture([Numbers("a", 7), Endless("b", 60)], shares=(3, 1), length=60, seed=4)
    mixture.set_epoch(epoch)
    assert mixture.__getitems__(numbers) == [mixture[number] for number in numbers]


def test_shares_are_kept_and_an_endless_source_never_repeats():
    mixture = Mixture([Numbers("a", 5), Endless("b", 4000)], shares=(3, 1), length=4000)
    items = mixture.__getitems__(range(4000))
    simulated = [number for name, number in items if name == "b"]
    assert 900 < len(simulated) < 1100
    assert len(set(simulated)) == len(simulated)
    assert {number for name, number in items if name == "a"} == set(range(5))


def test_another_epoch_draws_others_and_the_same_one_the_same():
    mixture = Mixture([Numbers("a", 50)], length=10, seed=1)
    first = mixture.__getitems__(range(10))
    mixture.set_epoch(1)
    assert mixture.__getitems__(range(10)) != first
    mixture.set_epoch(0)
    assert mixture.__getitems__(range(10)) == first


def test_simulated_items_are_what_the_network_takes_of_the_stream():
    backgrounds = HeldSamples(make_samples(3))
    card = models.create("hlsmask_s").card
    stream = SimulatedSamples(backgrounds, size=64, seed=3)
    source = Simulated(stream, card, (Mask.SNOW_ICE, Mask.WATER), 5)
    source.set_epoch(2)
    items = source.items(range(5))
    parts = [
        stream.batch(numbers) for numbers in (range(10, 14), range(14, 15))
    ]  # as many together as the source makes
    bands, truth = (torch.cat([part[at] for part in parts]) for at in (0, 1))
    blank = bands.isnan()[:, :1].numpy()
    assert blank.any()
    for (taken, labels), reflectance, there, fill in zip(items, bands.numpy(), truth, blank, strict=True):
        np.testing.assert_array_equal(taken.numpy(), np.where(fill, 0, card.normalize(reflectance)))
        assert torch.equal(labels, there[[3, 0]])


def collated(mixture, numbers):
    return torch.utils.data.default_collate(mixture.__getitems__(numbers))


@pytest.mark.parametrize("few", [True, False], ids=["held", "sent"])
@pytest.mark.parametrize("kind", ["linear", "sqrt", "published"])
def test_what_is_simulated_later_is_what_is_simulated_at_once(few, kind):
    """What a GPU makes of clear ground, or of a number alone, is what processes make on the processor."""
    card = replace(models.create("hlsmask_s").card, normalization=Normalization(kind, (0.2,) * 6, (0.4,) * 6))
    stream = SimulatedSamples(HeldSamples(make_samples(3)), size=64, seed=3)
    stream.small = few
    now, later = (
        Mixture([Simulated(stream, card, (Mask.SNOW_ICE, Mask.WATER), 8, later=later) for _ in range(2)])
        for later in (False, True)
    )
    numbers = [3, 12, 0, 9]
    bands, labels = later.finish(*collated(later, numbers))
    wanted_bands, wanted_labels = collated(now, numbers)
    assert later.later
    assert not now.later
    torch.testing.assert_close(bands, wanted_bands, atol=2e-5, rtol=1e-5)
    assert (labels != wanted_labels).float().mean() < 1e-3  # thresholds of what differs by rounding


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_store(tmp_path_factory.mktemp("data") / "samples.store")


def test_workers_change_nothing(store):
    """Two epochs of real and simulated samples, by one process and by two that persist.

    Workers have a thread each, and so has the one process here: some processors round otherwise with more.
    """
    card = models.create("hlsmask_s").card

    def epochs(workers):
        material = open_material(Data((store,), (store,), mix=(1, 1)), card)
        batches = Batches(len(material.train), 4, shuffle=True, seed=0)
        loader = DataLoader(material.train, batch_sampler=batches, num_workers=workers, persistent_workers=workers > 0)
        for epoch in range(2):
            material.train.set_epoch(epoch)
            batches.set_epoch(epoch)
            yield from loader

    with _at_most(1):
        alone = list(epochs(0))
    together = list(epochs(2))
    assert len(alone) == len(together)
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    assert not torch.equal(alone[0][0], alone[len(alone) // 2][0])


def test_validation_sees_every_known_pixel_once_and_the_same_in_every_epoch(store):
    material = open_material(Data((store,), size=32), models.create("hlsmask_s").card)
    known = sum(int((sample.labels != 255).sum()) for sample in make_samples(5, seed=2, split="val"))
    seen = [material.val[number] for number in range(len(material.val))]
    assert sum(int((labels != 255).sum()) for _, labels in seen) == known
    material.train.set_epoch(3)
    again = material.val[0]
    assert torch.equal(again[0], seen[0][0])


def test_simulated_validation_is_over_other_ground_where_there_is_a_split(store, tmp_path):
    card = models.create("hlsmask_s").card
    material = open_material(Data(simulate=(store,), val_samples=3, size=64), card)
    assert (len(material.train), len(material.val)) == (1000, 3)
    assert material.notes == ()
    assert material.terrain_shadow == "shad+cast"
    alone = write_store(tmp_path / "one", train=3, val=0)
    assert any("no split val" in note for note in open_material(Data(simulate=(alone,), size=64), card).notes)
