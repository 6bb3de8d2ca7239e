"""The heads of all masks as one: a grouped convolution does at once what one convolution a mask does in turn."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def shared(inputs: int, outputs: int, masks: int, kernel: int, *, bias: bool = True) -> nn.Conv2d:
    """Return the first layer of all heads: every head sees the same `inputs` channels and has `outputs` of its own."""
    return nn.Conv2d(inputs, masks * outputs, kernel, padding=kernel // 2, bias=bias)


def apart(inputs: int, outputs: int, masks: int, kernel: int) -> nn.Conv2d:
    """Return a later layer of all heads: each sees the `inputs` channels that are its own."""
    return nn.Conv2d(masks * inputs, masks * outputs, kernel, padding=kernel // 2, groups=masks)


def merged(first: nn.Conv2d, then: nn.Conv2d) -> nn.Conv2d:
    """Return one convolution that does what two do of which the second is 1 x 1, with nothing between them.

    Both may be grouped; the one that is returned is not, which runs faster than groups of one output each.
    """
    before, after = dense(first), dense(then)
    mix = after.weight[:, :, 0, 0]
    weight = torch.einsum("oi,ikrc->okrc", mix, before.weight)
    bias = after.bias
    if before.bias is not None:
        bias = mix @ before.bias if bias is None else bias + mix @ before.bias
    return _with(before, weight, bias)


def dense(grouped: nn.Conv2d) -> nn.Conv2d:
    """Return the convolution without groups that does what `grouped` does: zeros where it had no weights."""
    outputs, inputs = grouped.out_channels, grouped.in_channels
    each_out, each_in = outputs // grouped.groups, inputs // grouped.groups
    weight = torch.zeros(outputs, inputs, *grouped.kernel_size, dtype=grouped.weight.dtype)
    for group in range(grouped.groups):
        own = slice(group * each_out, (group + 1) * each_out)
        weight[own, group * each_in : (group + 1) * each_in] = grouped.weight[own]
    return _with(grouped, weight, grouped.bias)


def parted(conv: nn.Conv2d, inputs: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    """Return two convolutions whose sum is `conv`: of its first `inputs` channels, with the bias, and of the rest."""
    return _with(conv, conv.weight[:, :inputs], conv.bias), _with(conv, conv.weight[:, inputs:], None)


def split(conv: nn.Conv2d, parts: int) -> list[nn.Conv2d]:
    """Return one convolution for each mask of a convolution for all, grouped or not; what each takes is its own."""
    weights = conv.weight.chunk(parts)
    biases = [None] * parts if conv.bias is None else conv.bias.chunk(parts)
    return [_with(conv, weight, bias) for weight, bias in zip(weights, biases, strict=True)]


def doubled(small: Tensor) -> Tensor:
    """Return `small` (n, c, h, w) brought to (n, c, 2h, 2w), pixel centres in their places."""
    return functional.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)


def _with(like: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    outputs, inputs = weight.shape[:2]
    conv = nn.Conv2d(inputs, outputs, like.kernel_size, like.stride, like.padding, like.dilation, bias=bias is not None)  # type: ignore[arg-type]
    conv.weight = nn.Parameter(weight.detach(), requires_grad=False)
    conv.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
    return conv
