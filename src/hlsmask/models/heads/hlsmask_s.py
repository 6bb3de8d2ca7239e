"""Heads of hlsmask_s: one 1 x 1 convolution, brought to full size."""

from __future__ import annotations

from torch import Tensor, nn

from hlsmask.models.backbones.hlsmask_s import FEATURES
from hlsmask.models.heads.stacked import doubled, shared


class HlsmaskSHeads(nn.Module):
    """Logits (n, masks, h, w) of features (n, 24, h/2, w/2).

    They are doubled with pixel centres in their places: between the corners of a window, as other heads have it, what
    a pixel gets would depend on the size of the window.
    """

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        self.last = shared(FEATURES, 1, masks, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        logits: Tensor = doubled(self.last(features))
        return logits
