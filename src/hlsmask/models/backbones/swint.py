"""Swin Transformer, tiny, the first version.

Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows" (2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn
from torchvision.models import swin_t

from hlsmask.models.backbones.wide import WideConv2d
from hlsmask.models.heads.vector import HEAD
from hlsmask.models.layout import Layout
from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUT = Layout(
    backbone=(("first.0.", "first."), ("first.1.", "wide."), ("backbone.", "swin.")),
    head=HEAD,
    last="last",
)


class SwinT(Backbone):
    """Features (n, 768), one vector of a window of 512 x 512 pixels."""

    fixed: ClassVar[int | None] = 512
    pretrained: ClassVar[tuple[str, ...]] = ("swin.",)

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        self.first = nn.Conv2d(6, 3, 1)
        self.wide = WideConv2d(3, 3)
        swin: Any = swin_t()
        swin.head = nn.Identity()
        self.swin: nn.Module = swin

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of torchvision's `swin_t` under our names."""
        return {f"swin.{name}": tensor for name, tensor in tensors.items() if not name.startswith("head.")}

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 768) of bands (n, 6, 512, 512)."""
        features: Tensor = self.swin(self.wide(self.first(bands)))
        return features
