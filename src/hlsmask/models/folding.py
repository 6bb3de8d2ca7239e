"""The form of a network that is run: same results, fewer steps. Weights in this form are not for training.

Batch norms go into the convolutions before them, and a network may know a shorter way to the same numbers
(`Backbone.shortened`).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from collections.abc import Callable

    from hlsmask.models.masknet import MaskNet


def folded(net: MaskNet) -> MaskNet:
    """Return a copy of `net` to run: in evaluation mode, on the same device, its tensors under other names."""
    shorter = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)
    fold_batch_norms(shorter, lambda: shorter(_small_input(shorter)))
    shorter.backbone, shorter.heads = shorter.backbone.shortened(shorter.heads)
    return shorter


def fold_batch_norms(net: nn.Module, run: Callable[[], object]) -> None:
    """Put every batch norm of `net` that directly follows a convolution into that; `run` runs the network once.

    Which follows which is seen in that run, not guessed from names: a batch norm is folded if what it takes is the
    very tensor that a convolution gave, and nothing else took it.
    """
    gave: dict[int, tuple[nn.Conv2d, Tensor]] = {}
    took: dict[int, int] = {}
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d, int]] = []

    def watch(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        for tensor in inputs:
            if id(tensor) in gave:
                took[id(tensor)] = took.get(id(tensor), 0) + 1
                if isinstance(module, nn.BatchNorm2d):
                    pairs.append((gave[id(tensor)][0], module, id(tensor)))
        if isinstance(module, nn.Conv2d):
            gave[id(output)] = module, output  # the tensor is kept, so that no other gets its id

    leaves = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d) or not any(m.children())]
    hooks = [module.register_forward_hook(watch) for module in leaves]
    try:
        with torch.inference_mode():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    owners = {id(child): (module, name) for module in net.modules() for name, child in module.named_children()}
    for conv, norm, tensor in pairs:
        if took[tensor] == 1:
            module, name = owners[id(conv)]
            setattr(module, name, fuse_conv_bn_eval(conv, norm))
            module, name = owners[id(norm)]
            # timm's batch norms bring their activation with them
            setattr(module, name, getattr(norm, "act", None) or nn.Identity())


def _small_input(net: MaskNet) -> Tensor:
    size = net.backbone.fixed or max(net.backbone.smallest, 2 * net.backbone.multiple)
    like = next(net.parameters())
    return torch.zeros(1, len(net.card.bands), size, size, dtype=like.dtype, device=like.device)
