"""Optimizers and the course of their learning rate, with torch's own as judges."""

from __future__ import annotations

import io
from math import cos, pi

import pytest
import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, StepLR

from hlsmask.errors import UsageError
from hlsmask.training.schedule import optimizer_of, schedule_of

NAMES = ("none", "steplr", "cosine", "onecycle")


def small(lr: float = 0.1, name: str = "adam") -> torch.optim.Optimizer:
    return optimizer_of(nn.Linear(2, 2), name=name, lr=lr)


def rates(optimizer, schedule, steps: int) -> list[float]:
    """Return the rate of each step, and take them."""
    found = []
    for _ in range(steps):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if schedule is not None:
            schedule.step()
    return found


def course(name: str, steps: int, **options: int) -> list[float]:
    optimizer = small()
    return rates(optimizer, schedule_of(optimizer, name=name, steps=steps, **options), steps)


def theirs(make, steps: int) -> list[float]:
    optimizer = small()
    return rates(optimizer, make(optimizer), steps)


def test_without_a_course_the_rate_stays():
    assert schedule_of(small(), name="none", steps=9) is None
    assert course("none", 9) == [0.1] * 9


def test_steplr_halves_every_hundred_epochs():
    assert course("steplr", 800, steps_per_epoch=3) == pytest.approx(theirs(lambda o: StepLR(o, 300, 0.5), 800))


def test_cosine_is_that_of_torch_and_ends_near_nothing():
    found = course("cosine", 200)
    assert found == pytest.approx(theirs(lambda o: CosineAnnealingLR(o, 200), 200), rel=1e-6, abs=1e-12)
    assert found[-1] < 1e-4 * found[0]


@pytest.mark.parametrize("warmup", [0, 2, 7, 39])
def test_onecycle_is_that_of_torch(warmup):
    wanted = theirs(lambda o: OneCycleLR(o, 0.1, 40, pct_start=warmup / 40 or 0.3), 40)
    assert course("onecycle", 40, warmup=warmup) == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["none", "steplr", "cosine"])
def test_warming_up_rises_evenly_and_then_goes_as_without(name):
    found = course(name, 20, warmup=4, steps_per_epoch=1)
    assert found[:5] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    if name == "cosine":
        assert found[4:] == pytest.approx([0.05 * (1 + cos(pi * step / 16)) for step in range(16)])
    else:
        assert found[4:] == pytest.approx([0.1] * 16)


def test_halving_counts_the_epochs_of_warming_up():
    found = course("steplr", 210, warmup=10)
    assert (found[99], found[100], found[199], found[200]) == pytest.approx((0.1, 0.05, 0.05, 0.025))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
@pytest.mark.parametrize("warmup", [0, 1, 2, 5, 9])
def test_a_run_of_any_length_has_a_rate_at_each_step_and_none_after(name, steps, warmup):
    optimizer = small()
    schedule = schedule_of(optimizer, name=name, steps=steps, warmup=warmup)
    assert all(0 < rate <= 0.1 + 1e-9 for rate in rates(optimizer, schedule, steps))
    assert all(0 <= rate <= 0.1 + 1e-9 for rate in rates(optimizer, schedule, 3))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_resumed_goes_on_as_if_it_had_not_stopped(name):
    whole = course(name, 30, warmup=6)
    first = small()
    schedule = schedule_of(first, name=name, steps=30, warmup=6)
    begun = rates(first, schedule, 11)
    kept = io.BytesIO()
    torch.save([first.state_dict(), schedule.state_dict()], kept)
    kept.seek(0)
    states = torch.load(kept, weights_only=True)
    second = small()
    goes_on = schedule_of(second, name=name, steps=30, warmup=6)
    second.load_state_dict(states[0])
    goes_on.load_state_dict(states[1])
    assert begun + rates(second, goes_on, 19) == pytest.approx(whole)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_resumed_may_be_longer(name):
    first = small()
    schedule = schedule_of(first, name=name, steps=10, warmup=2)
    rates(first, schedule, 10)
    second = small()
    longer = schedule_of(second, name=name, steps=30, warmup=2)
    second.load_state_dict(first.state_dict())
    longer.load_state_dict(schedule.state_dict())
    assert rates(second, longer, 20)[1:] == pytest.approx(course(name, 30, warmup=2)[11:])


class Net(nn.Module):
    """What decays, and what does not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = BatchNormAct2d(4)
        self.wide = nn.LayerNorm((4, 5))
        self.frozen = nn.Linear(4, 4).requires_grad_(requires_grad=False)
        self.linear = nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.ones(4))
        self.relative_position_bias_table = nn.Parameter(torch.ones(9, 2))


def test_adamw_lets_convolutions_and_matrices_alone_decay():
    net = Net()
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    optimizer = optimizer_of(net, name="adamw", lr=0.1, weight_decay=0.05)
    groups = {group["weight_decay"]: [names[id(each)] for each in group["params"]] for group in optimizer.param_groups}
    assert groups == {
        0.05: ["conv.weight", "linear.weight"],
        0.0: [
            *("scale", "relative_position_bias_table", "conv.bias", "norm.weight", "norm.bias"),
            *("wide.weight", "wide.bias", "linear.bias"),
        ],
    }
    before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    changed = {name for name, parameter in net.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed == set(groups[0.05])


def test_adam_has_one_group_in_the_order_of_the_network():
    net = Net()
    optimizer = optimizer_of(net, name="adam", lr=0.1, weight_decay=0.05)
    (group,) = optimizer.param_groups
    wanted = [parameter for parameter in net.parameters() if parameter.requires_grad]
    assert [id(each) for each in group["params"]] == [id(each) for each in wanted]
    assert (group["lr"], group["weight_decay"], type(optimizer)) == (0.1, 0.05, torch.optim.Adam)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_parameters_may_be_given_as_they_are(name):
    net = Net()
    optimizer = optimizer_of(net.parameters(), name=name, lr=0.1)
    given = {id(each) for group in optimizer.param_groups for each in group["params"]}
    assert given == {id(each) for each in net.parameters() if each.requires_grad}


def test_a_group_without_parameters_is_left_out():
    assert len(optimizer_of([nn.Parameter(torch.ones(3))], name="adamw", lr=0.1).param_groups) == 1


def test_what_there_is_not_is_refused():
    with pytest.raises(UsageError, match="use adam or adamw"):
        small(name="sgd")
    with pytest.raises(UsageError, match="frozen"):
        optimizer_of(nn.Linear(2, 2).requires_grad_(requires_grad=False), name="adam", lr=0.1)
    with pytest.raises(UsageError, match="use none, steplr, cosine, onecycle"):
        schedule_of(small(), name="linear", steps=3)
