"""A backbone that keeps its weights while the heads learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsmask.models.masknet import MaskNet


def freeze_backbone(net: MaskNet) -> None:
    """Keep every tensor of the backbone of `net` as it is, whatever is trained.

    Its parameters get no gradients, and it stays in evaluation mode when `net` is in training mode: batch norms
    neither use nor count the statistics of a batch, and nothing is left out at random.
    """
    net.backbone.requires_grad_(requires_grad=False)
    net.backbone.frozen = True
    net.backbone.train(net.training)


def unfreeze(net: MaskNet) -> None:
    """Let the backbone of `net` learn again; it is in the mode that `net` is in."""
    net.backbone.requires_grad_(requires_grad=True)
    net.backbone.frozen = False
    net.backbone.train(net.training)
