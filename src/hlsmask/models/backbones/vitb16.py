"""Vision Transformer, base, patches of 16 x 16 pixels.

Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale" (2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torchvision.models import vit_b_16

from hlsmask.models.backbones.wide import WideConv2d
from hlsmask.models.heads.vector import HEAD
from hlsmask.models.layout import Layout
from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUT = Layout(
    backbone=(("first.0.", "first."), ("first.1.", "wide."), ("backbone.", "vit.")),
    head=HEAD,
    last="last",
)


class ViTB16(Backbone):
    """Features (n, 768), one vector of a window of 512 x 512 pixels."""

    fixed: ClassVar[int | None] = 512
    pretrained: ClassVar[tuple[str, ...]] = ("vit.",)

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        self.first = nn.Conv2d(6, 3, 1)
        self.wide = WideConv2d(3, 3)
        self.vit: Any = vit_b_16()
        self.vit.heads = nn.Identity()

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of torchvision's `vit_b_16` under our names."""
        return {f"vit.{name}": tensor for name, tensor in tensors.items() if not name.startswith("heads.")}

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 768) of bands (n, 6, 512, 512)."""
        patches = self.vit.conv_proj(self.wide(self.first(bands))).flatten(2).transpose(1, 2)
        first = self.vit.class_token.expand(patches.shape[0], -1, -1)
        encoder = self.vit.encoder
        tokens = encoder.layers[:-1](torch.cat([first, patches], 1) + encoder.pos_embedding)
        features: Tensor = encoder.ln(_first(encoder.layers[-1], tokens))
        return features


def _first(layer: Any, tokens: Tensor) -> Tensor:  # noqa: ANN401 - a private class of torchvision
    """Return the first token (n, 768) that `layer` gives: all that is used of the last layer."""
    normed = layer.ln_1(tokens)
    attended, _ = layer.self_attention(normed[:, :1], normed, normed, need_weights=False)
    first = (tokens[:, :1] + attended).squeeze(1)
    features: Tensor = first + layer.mlp(layer.ln_2(first))
    return features
