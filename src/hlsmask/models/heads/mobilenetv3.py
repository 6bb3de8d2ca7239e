"""Heads of mobilenetv3: 1 x 1 convolution, batch norm, ReLU, 1 x 1 convolution."""

from __future__ import annotations

from torch import Tensor, nn

from hlsmask.models.heads.stacked import apart, shared

_FEATURES, _HIDDEN = 160, 128


class MobileNetV3Heads(nn.Module):
    """Logits (n, masks, h/2, w/2) of features (n, 160, h/2, w/2)."""

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        self.conv = shared(_FEATURES, _HIDDEN, masks, 1, bias=False)
        self.bn = nn.BatchNorm2d(masks * _HIDDEN)
        self.relu = nn.ReLU(inplace=True)
        self.last = apart(_HIDDEN, 1, masks, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        logits: Tensor = self.last(self.relu(self.bn(self.conv(features))))
        return logits
