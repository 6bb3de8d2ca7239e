"""SegNet: the convolutions of VGG-16 in mirror image, joined by where the maxima were.

Badrinarayanan et al., "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation" (2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hlsmask.models.heads.segnet import SegNetHeads
from hlsmask.models.heads.stacked import merged
from hlsmask.models.layout import Layout
from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUT = Layout(
    backbone=(),
    head=(("pred_task.0.", "conv."), ("pred_task.1.", "last.")),
    last="last",
    order=("first.", "encoder_block.", "decoder_block.", "conv_block_enc.", "conv_block_dec."),
)

_STAGES = ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2))
"""Channels of each stage, and its layers after the first."""

_FEATURES = 64


class SegNet(Backbone):
    """Features (n, 64, h, w)."""

    multiple: ClassVar[int] = 32
    smallest: ClassVar[int] = 32
    pretrained: ClassVar[tuple[str, ...]] = ("encoder_block.", "conv_block_enc.")

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        self.first = nn.Conv2d(6, 3, 1)
        self.encoder_block, self.conv_block_enc = nn.ModuleList(), nn.ModuleList()
        self.decoder_block, self.conv_block_dec = nn.ModuleList(), nn.ModuleList()
        before = 3
        for width, rest in _STAGES:
            after = _FEATURES if before == 3 else before  # noqa: PLR2004 - the colours that the first stage takes
            self.encoder_block.append(_layer(before, width))
            self.conv_block_enc.append(_layers(width, rest))
            self.decoder_block.append(_layer(width, after))
            self.conv_block_dec.append(_layers(after, rest))
            before = width
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_uniform_(layer.weight)

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of torchvision's `vgg16_bn` under our names: its convolutions are ours in one row."""
        numbers = sorted({int(name.split(".")[1]) for name in tensors if name.startswith("features.")})
        convs = [at for at in numbers if tensors[f"features.{at}.weight"].ndim == 4]  # noqa: PLR2004 - (o, i, r, c)
        places = []
        for stage, (_, rest) in enumerate(_STAGES):
            places.append(f"encoder_block.{stage}")
            inner = [f".{at}" for at in range(rest)] if rest > 1 else [""]
            places += [f"conv_block_enc.{stage}{at}" for at in inner]
        names = {
            f"features.{at + step}.": f"{place}.{step}."
            for at, place in zip(convs, places, strict=False)
            for step in (0, 1)
        }
        return {
            ours + name.removeprefix(theirs): tensor
            for name, tensor in tensors.items()
            for theirs, ours in names.items()
            if name.startswith(theirs)
        }

    def shortened(self, heads: nn.Module) -> tuple[Backbone, nn.Module]:
        """Return both in the form that is run: the two convolutions of a head, with nothing between, are one."""
        assert isinstance(heads, SegNetHeads)  # noqa: S101 - the registry joins them
        return self, merged(heads.conv, heads.last)

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 64, h, w) of bands (n, 6, h, w)."""
        now: Tensor = self.first(bands)
        places: list[Tensor | list[Tensor]] = []
        for enter, rest in zip(self.encoder_block, self.conv_block_enc, strict=True):
            now, place = _pooled(rest(enter(now)))
            places.append(place)
        for rest, leave in zip(reversed(self.conv_block_dec), reversed(self.decoder_block), strict=True):
            now = rest(leave(_unpooled(now, places.pop())))
        return now


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _layers(width: int, number: int) -> nn.Sequential:
    layers = [_layer(width, width) for _ in range(number)]
    return nn.Sequential(*layers) if number > 1 else layers[0]


def _pooled(large: Tensor) -> tuple[Tensor, Tensor | list[Tensor]]:
    """Return the maxima of 2 x 2 pixels, and where they were: torch's indices, or one mask for each of the four."""
    if not torch.compiler.is_exporting():
        return functional.max_pool2d(large, 2, return_indices=True)
    maxima = functional.max_pool2d(large, 2)
    masks: list[Tensor] = []
    taken = torch.zeros_like(maxima, dtype=torch.bool)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):  # of equal maxima the first one counts
        here = (large[..., row::2, column::2] == maxima) & ~taken
        taken = taken | here
        masks.append(here)
    return maxima, masks


def _unpooled(small: Tensor, places: Tensor | list[Tensor]) -> Tensor:
    """Return `small` at twice the size: each value where its maximum was, zeros elsewhere.

    Runtimes know no operation for this that agrees with torch's, so that a file holds it as arithmetic.
    """
    if isinstance(places, Tensor):
        return functional.max_unpool2d(small, places, [2, 2])
    return functional.pixel_shuffle(torch.stack([small * mask for mask in places], dim=2).flatten(1, 2), 2)
