"""The 66 x 66 convolution of stride 2 that brings 512 x 512 pixels to the 224 x 224 of a vision transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_KERNEL, _STRIDE = 66, 2
_BLOCK = 4  # the fastest of 1, 2, 4 and 8
_SHIFTS = tuple((shift, _STRIDE * (_BLOCK - 1) - shift) for shift in range(0, _STRIDE * _BLOCK, _STRIDE))


class WideConv2d(nn.Conv2d):
    """A convolution of 66 x 66 pixels and stride 2, computed as one of more channels and fewer pixels.

    Libraries are slow where a kernel is large and channels are few. Here blocks of 4 x 4 outputs are read from
    blocks of 8 x 8 inputs: with the pixels of a block as channels that is a convolution of 9 x 9 blocks, stride 1.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        """Build it with random weights."""
        super().__init__(inputs, outputs, _KERNEL, stride=_STRIDE)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return (n, outputs, h/2 - 32, w/2 - 32) of `pixels` (n, inputs, h, w), h and w multiples of 8."""
        kernels = torch.stack([functional.pad(self.weight, (0, 0, *shift)) for shift in _SHIFTS], 1)
        kernels = torch.stack([functional.pad(kernels, shift) for shift in _SHIFTS], 2).flatten(0, 2)
        outputs = functional.conv2d(
            functional.pixel_unshuffle(pixels, _STRIDE * _BLOCK),
            functional.pixel_unshuffle(kernels, _STRIDE * _BLOCK),
            None if self.bias is None else self.bias.repeat_interleave(_BLOCK * _BLOCK),
        )
        return functional.pixel_shuffle(outputs, _BLOCK)
