"""Every sample once, whatever the number of devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlsmask.errors import DatasetError
from hlsmask.training.batches import Batches

LENGTHS = st.integers(1, 200)
SIZES = st.integers(1, 40)
DEVICES = st.integers(1, 8)


def shared(length, size, devices, **options):
    return [list(Batches(length, size, rank=rank, devices=devices, **options)) for rank in range(devices)]


@given(LENGTHS, SIZES, DEVICES, st.booleans())
def test_every_sample_is_in_exactly_one_batch_of_one_device(length, size, devices, shuffle):
    if length < devices:
        with pytest.raises(DatasetError, match="fewer devices"):
            Batches(length, size, devices=devices)
        return
    parts = shared(length, size, devices, shuffle=shuffle)
    numbers = [number for part in parts for batch in part for number in batch]
    assert sorted(numbers) == list(range(length))


@given(LENGTHS, SIZES, DEVICES, st.integers(0, 5))
def test_all_devices_have_as_many_batches_none_empty_and_together_those_of_one(length, size, devices, epoch):
    if length < devices:
        return
    samplers = [Batches(length, size, rank=rank, devices=devices, shuffle=True, seed=3) for rank in range(devices)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    parts = [list(sampler) for sampler in samplers]
    assert {len(part) for part in parts} == {len(samplers[0])}
    assert all(batch for part in parts for batch in part)
    for at, batches in enumerate(zip(*parts, strict=True)):
        assert sorted(number for batch in batches for number in batch) == sorted(samplers[0].whole(at))


@given(LENGTHS, SIZES, DEVICES)
def test_no_batch_is_larger_than_asked_for_but_for_want_of_samples_nor_small(length, size, devices):
    if length < devices:
        return
    sizes = [
        sum(batch)
        for batch in zip(*([len(batch) for batch in part] for part in shared(length, size, devices)), strict=True)
    ]
    size = max(size, devices)
    assert all(each == size for each in sizes[:-2])
    assert max(sizes) <= size + max(2, devices) - 1
    if len(sizes) > 1:
        assert min(sizes) >= max(devices, size // 2)


@given(LENGTHS, st.integers(4, 40), st.integers(1, 2))
def test_batches_are_those_of_one_device_where_there_are_two_samples_for_each(length, size, devices):
    if length >= devices:
        many = [
            sorted(batch[0] + batch[-1]) if devices == 2 else sorted(batch[0])
            for batch in zip(*shared(length, size, devices, shuffle=True), strict=True)
        ]
        assert many == [sorted(batch) for batch in Batches(length, size, shuffle=True)]


def test_two_devices_take_the_batches_of_one():
    one = Batches(21, 8, shuffle=True, seed=5)
    two = shared(21, 8, 2, shuffle=True, seed=5)
    for whole, left, right in zip(one, *two, strict=True):
        assert sorted(whole) == sorted(left + right)


def test_a_last_batch_that_is_too_small_shares_with_the_one_before():
    assert [len(batch) for batch in Batches(17, 8)] == [8, 5, 4]
    assert [len(batch) for batch in Batches(20, 8)] == [8, 8, 4]
    assert [len(batch) for batch in Batches(3, 2)] == [3]
    assert [len(batch) for batch in Batches(3, 1)] == [1, 1, 1]


def test_epochs_differ_and_come_again():
    sampler = Batches(50, 8, shuffle=True, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    sampler.set_epoch(0)
    assert list(sampler) == first
