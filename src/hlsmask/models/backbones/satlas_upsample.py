"""The last part of the Satlas networks: from 1/4 of the size to 1/2, and to all of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Doubled(nn.Module):
    """A transposed convolution, 4 x 4 with stride 2, and ReLU: (n, c, h, w) to (n, c, 2h, 2w).

    Rows 2i - 1 and 2i of the large map see rows i - 1 and i of the small one, through two of the kernel's four rows
    each. So one 2 x 2 convolution gives both, and the same along columns; what lies outside the map is cut off. A CPU
    does that faster than a transposed convolution.
    """

    def __init__(self, channels: int) -> None:
        """Build it with random weights, of the shape of a transposed convolution's."""
        super().__init__()
        transposed = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1)
        self.weight, self.bias = transposed.weight, transposed.bias

    def forward(self, small: Tensor) -> Tensor:
        """Return the large map."""
        weight = torch.unflatten(torch.unflatten(self.weight, 3, (2, 2)), 2, (2, 2)).flip(2, 4)
        weight = weight.permute(1, 3, 5, 0, 2, 4).flatten(0, 2)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        quarters = functional.conv2d(small, weight, bias, padding=1).relu_()
        large = functional.pixel_shuffle(quarters, 2)[..., 1:-1, 1:-1]
        return large.clone()  # once, instead of in each convolution that takes it


def doubled(channels: int) -> nn.Sequential:
    """Return one step from (n, c, h, w) to (n, c, 2h, 2w)."""
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True), Doubled(channels))
