"""Heads of hlsmask_s: one 1 x 1 convolution."""

from __future__ import annotations

from torch import Tensor, nn

from hlsmask.models.backbones.hlsmask_s import FEATURES
from hlsmask.models.heads.stacked import shared


class HlsmaskSHeads(nn.Module):
    """Logits (n, masks, h/2, w/2) of features (n, 24, h/2, w/2)."""

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        self.last = shared(FEATURES, 1, masks, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        logits: Tensor = self.last(features)
        return logits
