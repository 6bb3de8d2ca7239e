"""Heads of deeplabv3p: one 1 x 1 convolution."""

from __future__ import annotations

from torch import Tensor, nn

from hlsmask.models.heads.stacked import shared

_FEATURES = 256


class DeepLabV3PHeads(nn.Module):
    """Logits (n, masks, h/4, w/4) of features (n, 256, h/4, w/4)."""

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        self.last = shared(_FEATURES, 1, masks, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        logits: Tensor = self.last(features)
        return logits
