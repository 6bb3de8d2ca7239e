"""How weights follow their gradients: the optimizer, and the course of its learning rate."""

from __future__ import annotations

from functools import partial
from math import cos, pi
from typing import TYPE_CHECKING, Any, Final, get_args

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from hlsmask.errors import UsageError
from hlsmask.training.kinds import OptimizerName, SchedulerName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_HALVED: Final = 100
"""Epochs after which the published schedule halves the learning rate."""

_RISE: Final = 0.3
"""Share of a one-cycle run in which the rate rises unless a warm-up says otherwise, as torch has it."""

_NORMS: Final = (nn.LayerNorm, nn.RMSNorm)
"""Norms whose weights may have several axes; those of all others have one."""


def optimizer_of(
    parameters: nn.Module | Iterable[nn.Parameter], *, name: str, lr: float, weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """Return the optimizer of what can learn, that is of parameters with `requires_grad`.

    Parameters
    ----------
    parameters
        A network, or parameters.
    name
        `adam`: one group in the order given, as published; its decay is part of the gradient of all parameters.
        `adamw` (Loshchilov & Hutter 2019, arXiv 1711.05101): norms, biases and what has one axis do not decay.
    lr
        Learning rate.
    weight_decay
        Decay of weights.

    Raises
    ------
    UsageError
        If there is no such optimizer, or nothing can learn.
    """
    if name not in get_args(OptimizerName):
        raise UsageError(f"there is no optimizer {name!r}; use {' or '.join(get_args(OptimizerName))}")
    still: set[int] = set()
    if isinstance(parameters, nn.Module):
        still = _without_decay(parameters)
        parameters = parameters.parameters()
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    if not learning:
        raise UsageError("not one weight can learn: all are frozen")
    if name == "adam":
        return torch.optim.Adam(learning, lr=lr, weight_decay=weight_decay)
    still |= {id(each) for each in learning if each.ndim <= 1}
    decaying = [each for each in learning if id(each) not in still]
    others = [each for each in learning if id(each) in still]
    groups = [{"params": decaying, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr)


def schedule_of(
    optimizer: torch.optim.Optimizer, *, name: str, steps: int, warmup: int = 0, steps_per_epoch: int = 1
) -> LRScheduler | None:
    """Return the course of the learning rate, to be stepped after each step of the optimizer; None if it is constant.

    The rate of `optimizer` is the highest. A run that is resumed with another number of steps follows the course of
    its new length.

    Parameters
    ----------
    optimizer
        Whose rate it is.
    name
        `none`: constant. `steplr`: halved every 100 epochs. `cosine`: half a cosine down to 0 at the end (Loshchilov
        & Hutter 2017, arXiv 1608.03983). `onecycle`: up, then down to almost nothing (Smith & Topin 2019, arXiv
        1708.07120), as torch's OneCycleLR has it; the warm-up is its rise, 30 % of the steps if there is none.
    steps
        Steps of the whole run.
    warmup
        First steps, in which the rate rises evenly (in `onecycle` along a cosine).
    steps_per_epoch
        Steps of an epoch.

    Raises
    ------
    UsageError
        If there is no such course.
    """
    if name not in get_args(SchedulerName):
        raise UsageError(f"there is no course of the learning rate {name!r}; use {', '.join(get_args(SchedulerName))}")
    if name == "onecycle":
        return _OneCycle(optimizer, steps, warmup)
    if name == "none" and not warmup:
        return None
    courses: dict[str, Callable[[int], float]] = {
        "none": _constant,
        "steplr": partial(_halved, every=_HALVED * steps_per_epoch),
        "cosine": partial(_cosine, begin=warmup, end=steps),
    }
    return LambdaLR(optimizer, partial(_warmed, warmup=warmup, course=courses[name]))


class _OneCycle(OneCycleLR):
    """torch's, for runs of any length, few steps included, which may be another when they go on."""

    def __init__(self, optimizer: torch.optim.Optimizer, steps: int, warmup: int) -> None:
        steps = max(steps, 2)  # torch divides by the length of each part, less one
        rise = min(max(warmup, 2), steps) / steps if warmup else _RISE
        super().__init__(optimizer, [group["lr"] for group in optimizer.param_groups], steps, pct_start=rise)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rate of each group; after the last step the lowest."""
        if self.last_epoch < self.total_steps:
            return super().get_lr()
        return [group["min_lr"] for group in self.optimizer.param_groups]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state, with the length of this run."""
        own = {name: self.__dict__[name] for name in ("total_steps", "_schedule_phases")}
        super().load_state_dict({**state_dict, **own})


def _warmed(step: int, *, warmup: int, course: Callable[[int], float]) -> float:
    """Return the share of the rate in step `step`, counted from 0."""
    return course(step) * min(1.0, (step + 1) / (warmup + 1))


def _constant(_step: int) -> float:
    return 1.0


def _halved(step: int, *, every: int) -> float:
    return 0.5 ** (step // every)


def _cosine(step: int, *, begin: int, end: int) -> float:
    done = (step - begin) / max(1, end - begin)
    return (1 + cos(pi * min(max(done, 0.0), 1.0))) / 2


def _without_decay(net: nn.Module) -> set[int]:
    """Return the identities of the parameters of norms, and of those that are biases by their names."""
    norms = {
        id(each) for module in net.modules() if isinstance(module, _NORMS) for each in module.parameters(recurse=False)
    }
    return norms | {id(each) for name, each in net.named_parameters() if "bias" in name.rpartition(".")[2]}
