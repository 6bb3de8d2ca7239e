"""How weights that were trained on red, green and blue start with six bands."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hlsmask.bands import BANDS, Band

COLOURS: Final = (Band.RED, Band.GREEN, Band.BLUE)
"""The order in which pretrained networks take colours."""


def six_bands(weight: Tensor) -> Tensor:
    """Return the first convolution (o, 6, r, c) for our bands, of one (o, 3, r, c) for red, green and blue.

    Red, green and blue keep their weights, the three infrared bands get the mean of them, and all are halved, so
    that an image of grey gives what it gave before.
    """
    colours = {colour: weight[:, at] for at, colour in enumerate(COLOURS)}
    mean = weight.mean(dim=1)
    return torch.stack([colours.get(band, mean) for band in BANDS], dim=1) * (len(COLOURS) / len(BANDS))


def start_as_colours(conv: nn.Conv2d) -> None:
    """Make a 1 x 1 convolution from six bands to three channels give red, green and blue.

    What the pretrained layers after it know is then of use from the first step; training adds the infrared.
    """
    with torch.no_grad():
        conv.weight.zero_()
        for at, colour in enumerate(COLOURS):
            conv.weight[at, BANDS.index(colour)] = 1
        if conv.bias is not None:
            conv.bias.zero_()


def start_as_halving(conv: nn.Conv2d) -> None:
    """Make a wide convolution of stride 2 give each channel at half the size: the mean of the 2 x 2 pixels within."""
    middle = conv.kernel_size[0] // 2
    with torch.no_grad():
        conv.weight.zero_()
        for channel in range(conv.out_channels):
            conv.weight[channel, channel, middle - 1 : middle + 1, middle - 1 : middle + 1] = 0.25
        if conv.bias is not None:
            conv.bias.zero_()
