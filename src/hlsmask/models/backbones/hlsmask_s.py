"""Our own network: a small encoder of separable convolutions whose decoder adds what each stage saw.

Inverted residuals (Sandler et al., "MobileNetV2", 2018) at strides 2 to 32, then one step up at a time: the coarser
map, brought to the finer grid, is added to what the encoder had there. The widest view, 5 x 5 at stride 32, spans
several kilometres: what a cloud and its shadow are apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

FEATURES = 24

_STAGES = (
    # width, blocks, expansion, kernel
    (16, 1, 2, 3),
    (32, 2, 3, 3),
    (56, 2, 3, 3),
    (104, 3, 3, 5),
    (152, 3, 3, 5),
)


class HlsmaskS(Backbone):
    """Features (n, 24, h/2, w/2)."""

    multiple: ClassVar[int] = 32
    smallest: ClassVar[int] = 32

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        before = 16
        self.stem = _convolved(6, before, 3, stride=2)
        self.stages = nn.ModuleList()
        for at, (width, blocks, expansion, kernel) in enumerate(_STAGES):
            layers = [_Inverted(before, width, expansion, kernel, stride=2 if at else 1)]
            layers += [_Inverted(width, width, expansion, kernel) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(*layers))
            before = width
        widths = [stage[0] for stage in _STAGES]
        finer = [FEATURES, *widths[1:-1]]
        self.skips = nn.ModuleList(_pointwise(a, b) for a, b in zip(widths, finer, strict=False))
        self.ups = nn.ModuleList(_pointwise(a, b) for a, b in zip(widths[1:], finer, strict=True))
        self.joined = nn.ModuleList(_Separable(width) for width in finer)

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return nothing: there are no pretrained weights of this kind."""
        del tensors
        return {}

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 24, h/2, w/2) of bands (n, 6, h, w)."""
        seen: list[Tensor] = []
        now: Tensor = self.stem(bands)
        for stage in self.stages:
            now = stage(now)
            seen.append(now)
        for at in range(len(self.joined) - 1, -1, -1):
            up = functional.interpolate(self.ups[at](now), scale_factor=2.0, mode="bilinear", align_corners=False)
            now = self.joined[at](functional.relu(up + self.skips[at](seen[at])))
        return now


class _Inverted(nn.Module):
    """Widen, look around, narrow; added to what came in where both are of one shape."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        wide = inputs * expansion
        self.widen = _convolved(inputs, wide, 1)
        self.around = _convolved(wide, wide, kernel, stride=stride, groups=wide)
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
