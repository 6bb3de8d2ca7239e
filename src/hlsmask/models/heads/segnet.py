"""Heads of segnet: 3 x 3 convolution, then 1 x 1."""

from __future__ import annotations

from torch import Tensor, nn

from hlsmask.models.heads.stacked import apart, shared

_FEATURES = 64


class SegNetHeads(nn.Module):
    """Logits (n, masks, h, w) of features (n, 64, h, w)."""

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        self.conv = shared(_FEATURES, _FEATURES, masks, 3)
        self.last = apart(_FEATURES, 1, masks, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        logits: Tensor = self.last(self.conv(features))
        return logits
