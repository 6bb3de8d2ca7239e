"""Heads of the Satlas pairs: 3 x 3 convolution, ReLU, 3 x 3 convolution, at full size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from hlsmask.models.heads.stacked import apart, shared

_FEATURES = 128
_TAPS = 9


class SatlasHeads(nn.Module):
    """Logits (n, masks, h, w) of features (n, 128, h, w).

    The weights of all masks are one tensor, but the masks are computed in turn: at full size their 640 channels would
    take 671 MB a window, and grouped convolutions to one channel are slow.
    """

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        self.conv = shared(_FEATURES, _FEATURES, masks, 3)
        self.last = apart(_FEATURES, 1, masks, 3)
        self.register_buffer("places", torch.eye(_TAPS, device="cpu").view(1, _TAPS, 3, 3), persistent=False)
        self.places: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        logits = [self._before_bias(features, mask) for mask in range(self.last.groups)]
        bias = 0 if self.last.bias is None else self.last.bias[:, None, None]
        return torch.cat(logits, 1) + bias

    def _before_bias(self, features: Tensor, mask: int) -> Tensor:
        """Return the logits (n, 1, h, w) of one mask, their bias aside.

        The last convolution is taken apart: what each of its nine taps gives of a pixel, then the sum of the nine
        around a pixel.
        """
        own = slice(mask * _FEATURES, (mask + 1) * _FEATURES)
        bias = None if self.conv.bias is None else self.conv.bias[own]
        hidden = functional.conv2d(features, self.conv.weight[own], bias, padding=1).relu_()
        taps = self.last.weight[mask].permute(1, 2, 0).reshape(_TAPS, _FEATURES, 1, 1)
        return functional.conv2d(functional.conv2d(hidden, taps), self.places, padding=1)
