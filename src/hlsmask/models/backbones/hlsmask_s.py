"""Our own network: a small encoder of separable convolutions whose decoder adds what each stage saw.

Inverted residuals (Sandler et al., "MobileNetV2", 2018) at strides 4 to 16, then one step up at a time: the coarser
map, copied to the finer grid, is added to what the encoder had there. Coarser strides and larger kernels would look
farther, but what a pixel gets would then depend on how a scene is cut. So it looks no farther than `VIEW` pixels, half
of what windows share, and masks are the same in windows of any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from torch import Tensor, nn
from torch.nn import functional

from hlsmask.models.masknet import Backbone, Cut

if TYPE_CHECKING:
    from collections.abc import Mapping

FEATURES: Final = 24

VIEW: Final = 128
"""Pixels: no farther than this in rows and columns is what a logit depends on (3.8 km at 30 m)."""

_STEM: Final = 16
_EXPANSION: Final = 3
_STAGES: Final = (
    # width, blocks
    (32, 2),
    (56, 2),
    (104, 6),
)


class HlsmaskS(Backbone):
    """Features (n, 24, h/2, w/2)."""

    multiple: ClassVar[int] = 16
    smallest: ClassVar[int] = 16
    # On the way up a pixel sees 14 others on each side, and one of the halved logits more when they are doubled: 16.
    # Each block at stride 16 sees 16 more.
    cuts: ClassVar[tuple[Cut, ...]] = (
        Cut("stages.2.3", 16, margin=4),
        Cut("skips.0", 2),
        Cut("skips.1", 4),
        Cut("skips.2", 8),
        Cut("ups.2", 16, within=4),
    )

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        self.stem = _convolved(6, _STEM, 3, stride=2)
        self.stages = nn.ModuleList()
        before = _STEM
        for width, blocks in _STAGES:
            layers = [_Inverted(before, width, stride=2)]
            layers += [_Inverted(width, width) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(*layers))
            before = width
        widths = [_STEM, *(width for width, _ in _STAGES)]
        finer = [FEATURES, *widths[1:-1]]
        self.skips = nn.ModuleList(_pointwise(a, b) for a, b in zip(widths[:-1], finer, strict=True))
        self.ups = nn.ModuleList(_pointwise(a, b) for a, b in zip(widths[1:], finer, strict=True))
        self.joined = nn.ModuleList(_Separable(width) for width in finer)

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return nothing: there are no pretrained weights of this kind."""
        del tensors
        return {}

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 24, h/2, w/2) of bands (n, 6, h, w)."""
        now: Tensor = self.stem(bands)
        seen: list[Tensor] = []
        for stage in self.stages:
            seen.append(now)
            now = stage(now)
        for at in range(len(self.joined) - 1, -1, -1):
            up = functional.interpolate(self.ups[at](now), scale_factor=2.0, mode="nearest")
            now = self.joined[at](functional.relu(up + self.skips[at](seen[at])))
        return now


class _Inverted(nn.Module):
    """Widen, look around, narrow; added to what came in where both are of one shape."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        wide = inputs * _EXPANSION
        self.widen = _convolved(inputs, wide, 1)
        self.around = _convolved(wide, wide, 3, stride=stride, groups=wide)
        self.narrow = _pointwise(wide, outputs)
        self.added = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.narrow(self.around(self.widen(x)))
        return x + y if self.added else y


class _Separable(nn.Module):
    """Look around, then mix channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.around = _convolved(width, width, 3, groups=width)
        self.mix = _convolved(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.mix(self.around(x))
        return y


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))


def _convolved(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
