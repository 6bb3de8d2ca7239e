"""MobileNetV3-small with dilated last stages and a light pyramid (LR-ASPP).

Howard et al., "Searching for MobileNetV3" (2019), with the two changes of the published network: the pooling branch
averages 2 x 2 pixels instead of a large window, and a learnt 1 x 1 convolution brings six bands to three.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar

import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional

from hlsmask.models.heads.mobilenetv3 import MobileNetV3Heads
from hlsmask.models.heads.stacked import doubled, merged, parted, split
from hlsmask.models.layout import Layout
from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUT = Layout(
    backbone=(
        ("trunk.early.0.", "trunk.conv_stem."),
        ("trunk.early.1.", "trunk.bn1."),
        *((f"trunk.block{i}.", f"trunk.blocks.{i}.") for i in range(6)),
        ("trunk.first.", "first."),
    ),
    head=(("pred_task.0.", ""), ("pred_task.1.", "last.")),
    last="last",
)

_FEATURES, _PYRAMID, _QUARTER, _HALF = 576, 128, 64, 32
_STRIPS = 8
"""Strips of rows in which heads are run: what divides the quarter of every multiple of 32."""


class MobileNetV3(Backbone):
    """Features (n, 160, h/2, w/2): 128 of the pyramid, brought up twice, and 32 of the first layer."""

    multiple: ClassVar[int] = 1
    smallest: ClassVar[int] = 16
    pretrained: ClassVar[tuple[str, ...]] = ("trunk.",)

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        self.first = nn.Conv2d(6, 3, 1)
        self.trunk = _Trunk()
        self.aspp_conv1 = nn.Sequential(
            nn.Conv2d(_FEATURES, _PYRAMID, 1, bias=False), nn.BatchNorm2d(_PYRAMID), nn.ReLU(inplace=True)
        )
        self.aspp_conv2 = nn.Sequential(nn.AvgPool2d(2, 1), nn.Conv2d(_FEATURES, _PYRAMID, 1, bias=False), nn.Sigmoid())
        self.convs2 = nn.Conv2d(16, _HALF, 1, bias=False)
        self.convs4 = nn.Conv2d(16, _QUARTER, 1, bias=False)
        self.conv_up1 = nn.Conv2d(_PYRAMID, _PYRAMID, 1)
        layers = {
            "conv": nn.Conv2d(_PYRAMID + _QUARTER, _PYRAMID, 1, bias=False),
            "bn": nn.BatchNorm2d(_PYRAMID),
            "relu": nn.ReLU(inplace=True),
        }
        self.conv_up2 = nn.Sequential(OrderedDict(layers))

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of timm's `tf_mobilenetv3_small_100` under our names."""
        kept = ("conv_stem.", "bn1.", "blocks.")
        return {f"trunk.{name}": tensor for name, tensor in tensors.items() if name.startswith(kept)}

    def shortened(self, heads: nn.Module) -> tuple[Backbone, nn.Module]:
        """Return both in the form that is run."""
        assert isinstance(heads, MobileNetV3Heads)  # noqa: S101 - the registry joins them
        return _Shortened(self), _ShortenedHeads(self.convs2, heads)

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 160, h/2, w/2) of bands (n, 6, h, w)."""
        half = self.trunk.bn1(self.trunk.conv_stem(self.first(bands)))
        quarter = self.trunk.blocks[0](half)
        deep = self.trunk.blocks[1:](quarter)
        pooled = functional.interpolate(self.aspp_conv2(deep), deep.shape[-2:], mode="bilinear", align_corners=True)
        up = _brought_to(self.conv_up1(self.aspp_conv1(deep) * pooled), quarter)
        up = self.conv_up2(torch.cat([up, self.convs4(quarter)], 1))
        return torch.cat([_brought_to(up, half), self.convs2(half)], 1)


class _Shortened(Backbone):
    """The same for rows and columns that are multiples of 32: a quarter's features (n, 128) and a half's (n, 16).

    What a convolution without activation does, the next one does at once: `conv_up1` and `convs4` become part of
    `conv_up2`, which then works before the step up instead of after it, on a quarter of the pixels. Both steps are
    linear and the weights of a step up add to 1, so that their order makes no difference.
    """

    def __init__(self, net: MobileNetV3) -> None:
        super().__init__()
        self.first, self.trunk = net.first, net.trunk
        self.aspp_conv1, self.aspp_conv2 = net.aspp_conv1, net.aspp_conv2
        mix: Any = net.conv_up2[0]
        coarse, fine = parted(mix, _PYRAMID)
        self.up = merged(net.conv_up1, coarse)
        self.quarter = merged(net.convs4, fine)
        for module in list(net.trunk.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, Conv2dSame):
                    setattr(module, name, _evenly_padded(child))

    def forward(self, bands: Tensor) -> tuple[Tensor, Tensor]:
        half = self.trunk.bn1(self.trunk.conv_stem(self.first(bands)))
        quarter = self.trunk.blocks[0](half)
        deep = self.trunk.blocks[1:](quarter)
        pooled = functional.interpolate(self.aspp_conv2(deep), deep.shape[-2:], mode="bilinear", align_corners=True)
        up = doubled(self.up(self.aspp_conv1(deep) * pooled))
        return functional.relu(up + self.quarter(quarter)), half


class _ShortenedHeads(nn.Module):
    """The first convolution of a head in two parts, the wide one before the step up; `convs2` is in the other.

    The 128 channels of a head at half size are many megabytes, which a processor writes and reads more slowly than it
    computes them. So a head is done strip by strip, each with a row more above and below for the step up to see.
    """

    def __init__(self, convs2: nn.Conv2d, heads: MobileNetV3Heads) -> None:
        super().__init__()
        masks = heads.last.out_channels
        coarse, fine = parted(heads.conv, _PYRAMID)
        self.coarse = nn.ModuleList(split(coarse, masks))
        self.fine = nn.ModuleList(split(merged(convs2, fine), masks))
        self.last = nn.ModuleList(split(heads.last, masks))

    def forward(self, features: tuple[Tensor, Tensor]) -> Tensor:
        up, half = features
        rows = up.shape[2] // _STRIPS
        up = functional.pad(up, (0, 0, 1, 1), mode="replicate")
        half = functional.pad(half, (0, 0, 2, 2))
        strips = []
        for first in (rows * at for at in range(_STRIPS)):
            coarse, fine = up[:, :, first : first + rows + 2], half[:, :, 2 * first : 2 * (first + rows) + 4]
            logits = [self._head(at, coarse, fine) for at in range(len(self.last))]
            strips.append(torch.cat(logits, 1)[:, :, 2:-2])
        return torch.cat(strips, 2)

    def _head(self, at: int, coarse: Tensor, fine: Tensor) -> Tensor:
        logits: Tensor = self.last[at](functional.relu(doubled(self.coarse[at](coarse)) + self.fine[at](fine)))
        return logits


def _evenly_padded(same: nn.Conv2d) -> nn.Module:
    """Return a convolution with TensorFlow's SAME padding as one with fixed padding, for even rows and columns."""
    total = max(same.dilation[0] * (same.kernel_size[0] - 1) + 1 - same.stride[0], 0)
    plain = nn.Conv2d(1, 1, 1)
    plain.__dict__.update(same.__dict__)
    before, after = total // 2, total - total // 2
    plain.padding = (0, 0) if before != after else (before, before)
    return plain if before == after else nn.Sequential(nn.ZeroPad2d((before, after, before, after)), plain)


def _brought_to(small: Tensor, large: Tensor) -> Tensor:
    return functional.interpolate(small, large.shape[-2:], mode="bilinear", align_corners=False)


class _Trunk(nn.Module):
    """timm's network without its last layers, dilated: its third stage and its fifth keep their resolution."""

    def __init__(self) -> None:
        super().__init__()
        whole: Any = timm.create_model("tf_mobilenetv3_small_100")
        for stage in (2, 4):
            whole.blocks[stage][0].conv_dw.stride = (1, 1)
        for stage, rate in ((2, 2), (3, 2), (4, 4), (5, 4)):
            for conv in whole.blocks[stage].modules():
                if isinstance(conv, nn.Conv2d) and conv.kernel_size != (1, 1):
                    conv.dilation = (rate, rate)
                    conv.padding = tuple(rate * int(pixels) for pixels in conv.padding)
        self.conv_stem: nn.Module = whole.conv_stem
        self.bn1: nn.Module = whole.bn1
        self.blocks: nn.Sequential = whole.blocks
