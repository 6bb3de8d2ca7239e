"""How wrong logits are, mask by mask, where the truth is known."""

from __future__ import annotations

from math import isfinite, log
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import logsigmoid, pad

from hlsmask.errors import UsageError
from hlsmask.masks import NOT_OBSERVED, PRESENT
from hlsmask.training.kinds import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hlsmask.training.kinds import LossName

_PIXELS: Final = (0, 2, 3)
"""Axes of samples, rows and columns."""

_POOL_SHARE: Final = 0.25
"""Weight of what is there in the adaptive max-pool loss; what is not there has the rest of 1."""

_LIMIT: Final = log((1 - 1e-7) / 1e-7)
"""Logit of the probability 1 - 1e-7, at which the adaptive max-pool loss is clipped on both sides."""


class MaskLoss(nn.Module):
    """Losses that add: what it gives for two batches, or on two devices, sums to what it gives for both as one.

    `bce`
        -log p, the mean over known pixels.
    `focal`
        share x (1 - p)^gamma x -log p, the mean over known pixels (Lin et al. 2017, arXiv 1708.02002).
    `adaptive_maxpool`
        loss x the largest loss of the 8 x 8 pixels around it, the mean over known pixels, where loss is
        share x -log p, p clipped to 1e-7 to 1 - 1e-7, share 0.25 of what is there, 0.75 of what is not. That of
        DeepWaterMap (Isikdogan et al. 2020, doi:10.1109/LGRS.2019.2953261), which the improv-mask project offers too.
    `dice`
        1 - Dice's coefficient, the mean over samples (Milletari et al. 2016, arXiv 1606.04797).
    `tversky`
        1 - Tversky's index, the mean over samples (Salehi et al. 2017, arXiv 1706.05721).

    p is the probability that the network gives to what is true. Dice and Tversky are taken of each sample alone that
    has a known pixel, also where it has none of the mask: `smooth` pixels are added above and below, so that to find
    none there costs nothing. (segmentation_models_pytorch takes one index of the whole batch, and 0 where there is none
    of the mask; for one sample with some of it the results are the same.)
    """

    def __init__(
        self,
        kind: str = "bce",
        *,
        gamma: float = 2.0,
        alpha: float | None = 0.25,
        false_positives: float = 0.3,
        false_negatives: float = 0.7,
        smooth: float = 1.0,
    ) -> None:
        """Choose the loss.

        Parameters
        ----------
        kind
            A loss, or several joined by "+".
        gamma
            Of focal: how little pixels count that are nearly right, 0 or more.
        alpha
            Of focal: share of what is there, 0 to 1, what is not there having the rest; None for 1 and 1.
        false_positives, false_negatives
            Of Tversky: what wrong pixels of either sort weigh, 0 or more.
        smooth
            Of Dice and Tversky: pixels added above and below, more than 0.

        Raises
        ------
        UsageError
            If there is no such loss, or a number is outside its range.
        """
        super().__init__()
        self.parts = parts_of(kind)
        _check("gamma", gamma, gamma >= 0, "0 or more")
        _check("alpha", alpha or 0.0, alpha is None or 0 <= alpha <= 1, "0 to 1, or None")
        _check("false_positives", false_positives, false_positives >= 0, "0 or more")
        _check("false_negatives", false_negatives, false_negatives >= 0, "0 or more")
        _check("smooth", smooth, smooth > 0, "more than 0")
        self.gamma, self.alpha, self.smooth = gamma, alpha, smooth
        self.false_positives, self.false_negatives = false_positives, false_negatives

    def forward(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return `total` and `weight`, (parts, masks) each: the loss of a part and mask is total / weight.

        Both are 0 where nothing is known of a mask. All is computed in float32, in float64 if logits are.

        Parameters
        ----------
        logits
            (n, masks, h, w), any float type. Where labels are 255 they may be anything, NaN too, and their gradient
            is 0.
        labels
            (n, masks, h, w), uint8: 1 there, 0 not, 255 not known.

        Raises
        ------
        ValueError
            If the two differ in shape, or have other than four axes.
        """
        if logits.shape != labels.shape or logits.ndim != 4:  # noqa: PLR2004 - (n, mask, row, column)
            raise ValueError(
                f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)} must both be (n, masks, rows, columns)"
            )
        known, there = labels != NOT_OBSERVED, labels == PRESENT
        if logits.dtype != torch.float64:
            logits = logits.float()
        truth = torch.where(known, torch.where(there, logits, -logits), 0.0)
        formulas: dict[LossName, Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]] = {
            "bce": self._bce,
            "focal": self._focal,
            "adaptive_maxpool": self._adaptive_maxpool,
            "dice": self._dice,
            "tversky": self._tversky,
        }
        each = [formulas[part](truth, known, there) for part in self.parts]
        return torch.stack([total for total, _ in each]), torch.stack([weight for _, weight in each])

    def _bce(self, truth: Tensor, known: Tensor, _there: Tensor) -> tuple[Tensor, Tensor]:
        return _summed(-logsigmoid(truth), known)

    def _focal(self, truth: Tensor, known: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        doubt = torch.exp(self.gamma * logsigmoid(-truth))  # as a power its gradient would overflow where it is 0
        loss = doubt * -logsigmoid(truth)
        if self.alpha is not None:
            loss = loss * _shares(there, self.alpha, loss)
        return _summed(loss, known)

    def _adaptive_maxpool(self, truth: Tensor, known: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        shares = _shares(there, _POOL_SHARE, truth) * known
        loss = -logsigmoid(truth.clamp(-_LIMIT, _LIMIT)) * shares
        return _summed(loss * largest_near(loss), known)

    def _dice(self, truth: Tensor, known: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        return self._index(truth, known, there, 0.5, 0.5)

    def _tversky(self, truth: Tensor, known: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        return self._index(truth, known, there, self.false_positives, self.false_negatives)

    def _index(
        self, truth: Tensor, known: Tensor, there: Tensor, positives: float, negatives: float
    ) -> tuple[Tensor, Tensor]:
        """Sum 1 - (hits + smooth) / (hits + positives * false alarms + negatives * misses + smooth) over samples."""
        wrong = torch.sigmoid(-truth)
        misses = (wrong * there).sum((2, 3))
        alarms = (wrong * (known & ~there)).sum((2, 3))
        hits = there.sum((2, 3)) - misses
        costs = positives * alarms + negatives * misses
        counted = known.any(3).any(2)
        loss = torch.where(counted, costs / (hits + costs + self.smooth), 0.0)
        return loss.sum(0), counted.sum(0).to(loss)


def largest_near(values: Tensor) -> Tensor:
    """Return the largest of the 8 x 8 values around each, 3 before it and 4 after it, 0 beyond the edges.

    It is the max pooling of Keras with `padding="same"` and stride 1. `values` is (n, masks, h, w), 0 or more.
    The gradient goes to the first of several that are largest, row by row, as that of torch's max_pool2d does.
    Rows and columns are halved in three steps each, which is many times faster on a CPU than 64 comparisons.
    """
    result: Tensor = _LargestNear.apply(values)
    return result


_STEPS: Final = tuple((axis, step) for axis in (-1, -2) for step in (1, 2, 4))
"""Each doubles the rows or columns over which the largest is known."""


class _LargestNear(torch.autograd.Function):
    """`largest_near`, one sample at a time: what is needed for the way back is found again rather than kept."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ANN401 - torch's context
        ctx.save_for_backward(values)
        result = torch.empty_like(values)
        for sample, into in zip(values, result, strict=True):
            into.copy_(_stages(sample)[-1])
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        (values,) = ctx.saved_tensors
        result = torch.empty_like(values)
        for sample, above, into in zip(values, gradient, result, strict=True):
            flow = above
            for (axis, step), stage in zip(reversed(_STEPS), reversed(_stages(sample)[:-1]), strict=True):
                length = stage.shape[axis] - step
                is_first = stage.narrow(axis, 0, length) >= stage.narrow(axis, step, length)
                first = flow * is_first
                wider = torch.zeros_like(stage)
                wider.narrow(axis, 0, length).copy_(first)
                wider.narrow(axis, step, length).add_(flow).sub_(first)
                flow = wider
            into.copy_(flow[..., 3:-4, 3:-4])
        return result


def _stages(sample: Tensor) -> list[Tensor]:
    """Return (masks, h, w) with its edges, then after each step."""
    stages = [pad(sample, (3, 4, 3, 4))]
    for axis, step in _STEPS:
        last = stages[-1]
        length = last.shape[axis] - step
        stages.append(torch.maximum(last.narrow(axis, 0, length), last.narrow(axis, step, length)))
    return stages


def _summed(loss: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    return torch.where(known, loss, 0.0).sum(_PIXELS), known.sum(_PIXELS).to(loss)


def _shares(there: Tensor, share: float, like: Tensor) -> Tensor:
    return torch.where(there, like.new_tensor(share), like.new_tensor(1 - share))


def _check(name: str, value: float, fits: bool, right: str) -> None:  # noqa: FBT001 - of this file alone
    if not fits or not isfinite(value):
        raise UsageError(f"{name} of the loss is {value}; use {right}")
