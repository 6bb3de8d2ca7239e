"""Batch norms whose statistics are those of the whole batch, on however many devices it lies.

torch.nn.SyncBatchNorm needs CUDA; these work wherever processes can talk. A norm becomes one by a change of its class
alone: names and tensors stay as they are, so weights and checkpoints fit with and without.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, distributed, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm

from hlsmask.errors import UsageError
from hlsmask.training.tally import devices, everywhere


def synchronize(net: nn.Module) -> None:
    """Make every batch norm of `net` take its statistics over all processes of the default group while it trains.

    Pixels count the same wherever they lie, on a process with more of them too. Gradients are those of the sum of the
    losses of all processes. In evaluation, and in a group of one, norms do what they did before. All processes must
    go through the network, and back, as often as each other.

    Raises
    ------
    UsageError
        If there is a batch norm of a class of its own, of which it is not known what it does.
    """
    _turn(net, _SYNCHRONIZED)


def unsynchronize(net: nn.Module) -> None:
    """Give batch norms their own classes again."""
    _turn(net, {synchronized: plain for plain, synchronized in _SYNCHRONIZED.items()})


class SynchronizedBatchNorm(_BatchNorm):
    """What the norms have in common."""

    def forward(self, values: Tensor) -> Tensor:
        """Return `values`, (n, channels, ...), normalized."""
        if not self.training or devices() == 1:
            return super().forward(values)
        self._check_input_dim(values)  # type: ignore[no-untyped-call]
        mean, variance, count = _statistics(values)
        self._remember(mean, variance, count)
        result: Tensor = _Normalized.apply(values, self.weight, self.bias, mean, variance, count, self.eps)
        return self._finished(result)

    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """Bring the running statistics up to date, as torch does: with the unbiased variance."""
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        factor: float | Tensor = self.momentum or 0.0
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                factor = 1 / self.num_batches_tracked.to(self.running_mean)
        unbiased = variance * (count / (count - 1).clamp(min=1))
        self.running_mean.lerp_(mean.to(self.running_mean), factor)
        self.running_var.lerp_(unbiased.to(self.running_var), factor)

    def _finished(self, values: Tensor) -> Tensor:
        """Do what follows the norm."""
        return values


class SynchronizedBatchNorm1d(SynchronizedBatchNorm, nn.BatchNorm1d):
    """Of (n, channels) or (n, channels, length)."""


class SynchronizedBatchNorm2d(SynchronizedBatchNorm, nn.BatchNorm2d):
    """Of (n, channels, h, w)."""


class SynchronizedBatchNormAct2d(SynchronizedBatchNorm, BatchNormAct2d):
    """Of (n, channels, h, w), followed by an activation, as timm's networks have it."""

    def _finished(self, values: Tensor) -> Tensor:
        result: Tensor = self.act(self.drop(values))
        return result


_SYNCHRONIZED: Final[dict[type[_BatchNorm], type[_BatchNorm]]] = {
    nn.BatchNorm1d: SynchronizedBatchNorm1d,
    nn.BatchNorm2d: SynchronizedBatchNorm2d,
    BatchNormAct2d: SynchronizedBatchNormAct2d,
}
"""Classes of norms, and what each becomes."""


class _Normalized(torch.autograd.Function):
    """Values normalized by statistics that depend on all values of all processes."""

    @staticmethod
    def forward(  # noqa: PLR0917 - torch gives them by position
        ctx: Any,  # noqa: ANN401 - torch's context
        values: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(values, weight, mean, variance, count)
        ctx.eps, ctx.has_bias = eps, bias is not None
        return batch_norm(values, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """Return the gradients (Ioffe & Szegedy 2015, arXiv 1502.03167, section 3).

        That of weight and bias is this process's part: whoever averages gradients over processes adds them up.
        """
        values, weight, mean, variance, count = ctx.saved_tensors
        if values.numel():
            # were the statistics constants: gradient of values, of weight, of bias
            direct, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
                *(gradient, values, weight, mean, variance, None, None),
                train=False,
                eps=ctx.eps,
                output_mask=[True, True, True],
            )
        else:  # torch's kernel divides by their number
            direct, of_weight, of_bias = gradient, torch.zeros_like(mean), torch.zeros_like(mean)
        along, across = everywhere(torch.stack([of_weight, of_bias])) / count
        narrow = torch.rsqrt(variance + ctx.eps)
        scale = narrow if weight is None else narrow * weight
        slope = -scale * narrow * along
        offset = -scale * across - slope * mean
        shape = (-1, *(1 for _ in values.shape[2:]))
        wide = direct.to(slope.dtype).add_(offset.view(shape))
        whole = torch.addcmul(wide, values, slope.view(shape)).to(values.dtype)
        return (
            whole,
            of_weight if weight is not None else None,
            of_bias if ctx.has_bias else None,
            None,
            None,
            None,
            None,
        )


@torch.no_grad()
def _statistics(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean and biased variance of each channel over all processes, and the number of values behind them.

    Those of each process are joined as Chan, Golub & LeVeque 1983 (doi:10.1080/00031305.1983.10483115) do, which
    loses nothing where the mean is large.
    """
    channels = values.shape[1]
    if values.numel():
        mean, variance = torch.batch_norm_update_stats(values, None, None, 0.0)
    else:
        mean = variance = values.new_zeros(channels, dtype=torch.promote_types(values.dtype, torch.float32))
    own = torch.cat([mean, variance, mean.new_tensor([values.numel() // channels])])
    own = own.to(torch.promote_types(own.dtype, torch.float32))
    every = own.new_empty(devices(), own.numel())
    distributed.all_gather(list(every.unbind()), own)
    means, variances, counts = every[:, :channels], every[:, channels:-1], every[:, -1:]
    count = counts.sum()
    mean = (counts * means).sum(0) / count
    variance = (counts * (variances + (means - mean).square())).sum(0) / count
    return mean, variance, count


def _turn(net: nn.Module, classes: dict[type[_BatchNorm], type[_BatchNorm]]) -> None:
    """Change the classes of the batch norms of `net`, all or none."""
    norms = [module for module in net.modules() if isinstance(module, _BatchNorm)]
    known = {*classes, *classes.values()}
    if stranger := next((norm for norm in norms if type(norm) not in known), None):
        raise UsageError(f"{type(stranger).__name__} cannot be synchronized; use BatchNorm1d, BatchNorm2d or timm's")
    for norm in norms:
        norm.__class__ = classes.get(type(norm), type(norm))
