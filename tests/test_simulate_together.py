"""A GPU works on all windows at once, and cuts them from backgrounds it holds: the same as one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hlsmask.errors import SampleError
from hlsmask.samples import HeldSamples, SimulatedSamples, Simulation
from hlsmask.samples.simulate import clouds, fields
from hlsmask.samples.simulate.backgrounds import cut
from hlsmask.samples.simulate.fields import Canvas, shift
from hlsmask.samples.simulate.ground import Relief
from hlsmask.samples.simulate.held import Held, can_be_held
from test_training import make_samples


def all_at_once(field, down, right, *, mirrored=None):
    return fields._shift_together(field, down, right, [False] * len(field) if mirrored is None else mirrored)


def test_windows_together_are_windows_one_by_one(monkeypatch):
    simulation = Simulation(relief=Relief(share=0.6))
    stream = SimulatedSamples(HeldSamples(make_samples(3)), simulation, size=64, seed=4, together=12)
    apart = stream.batch(range(12))
    monkeypatch.setattr(Canvas, "together", property(lambda _: True))
    monkeypatch.setattr(clouds, "shift", all_at_once)
    together = stream.batch(range(12))
    torch.testing.assert_close(apart[0], together[0], equal_nan=True)
    assert (apart[1] != together[1]).float().mean() < 1e-3
    assert (apart[1][:, 4] == 1).any()  # there was relief to be compared


@pytest.mark.parametrize("mirrored", [None, [True, False, True]])
def test_windows_are_shifted_together_as_alone(mirrored):
    field = torch.arange(3 * 20 * 24.0).view(3, 20, 24)
    down, right = [0, 7, -33], [-5, 60, 24]
    assert torch.equal(shift(field, down, right, mirrored=mirrored), all_at_once(field, down, right, mirrored=mirrored))


@pytest.mark.parametrize("size", [32, 64, 96])
def test_windows_cut_from_what_is_held_are_those_cut_from_disk(size):
    samples = HeldSamples(make_samples(4))
    held = Held.hold(samples, "shad+cast", torch.device("cpu"))
    bands, labels, found = held.cut(size, [np.random.default_rng([5, number]) for number in range(24)])
    for number in range(24):
        alone = cut(samples, size, np.random.default_rng([5, number]), "shad+cast")
        both = bands[number].isfinite() & alone[0].isfinite()  # beside fill, rounding says what is still interpolated
        torch.testing.assert_close(bands[number][both], alone[0][both])
        assert (bands[number].isfinite() != alone[0].isfinite()).float().mean() < 0.01
        assert (labels[number] != alone[1]).float().mean() < 0.01
        assert found[number] == alone[2]


def test_only_few_samples_of_one_size_are_held():
    samples = list(make_samples(3))
    small = next(make_samples(1, seed=9, side=32))
    assert can_be_held(HeldSamples(samples))
    assert not can_be_held(HeldSamples([*samples, small]))


def test_samples_of_fill_alone_are_no_ground():
    blank = [replace(one, bands=np.full_like(one.bands, -9999)) for one in make_samples(2)]
    held = Held.hold(HeldSamples(blank), "shad+cast", torch.device("cpu"))
    with pytest.raises(SampleError, match="show nothing but fill"):
        held.cut(64, [np.random.default_rng(0)])
