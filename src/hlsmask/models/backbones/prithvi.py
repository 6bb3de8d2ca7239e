"""Prithvi-EO-1.0-100M: the encoder of a masked autoencoder that has learnt from HLS.

Jakubik et al., "Foundation Models for Generalist Geospatial Artificial Intelligence" (2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from hlsmask.models.backbones.wide import WideConv2d
from hlsmask.models.heads.prithvi import HEAD
from hlsmask.models.layout import Layout, Unused
from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

_BANDS, _WIDTH, _HEADS, _DEPTH, _PATCH, _SIDE = 6, 768, 12, 12, 16, 14

_MAE_WIDTH, _MAE_DEPTH = 512, 8
_MAE_BLOCK = (
    ("norm1.", (_MAE_WIDTH,)),
    ("attn.qkv.", (3 * _MAE_WIDTH, _MAE_WIDTH)),
    ("attn.proj.", (_MAE_WIDTH, _MAE_WIDTH)),
    ("norm2.", (_MAE_WIDTH,)),
    ("mlp.fc1.", (4 * _MAE_WIDTH, _MAE_WIDTH)),
    ("mlp.fc2.", (_MAE_WIDTH, 4 * _MAE_WIDTH)),
)
"""The decoder of the masked autoencoder, which is of no use once it has been trained."""

LAYOUT = Layout(
    backbone=(("first.0.", "wide."), ("model.patch_embed.proj.", "patch_embed."), ("model.", "")),
    head=HEAD,
    last="last",
    unused=(
        Unused("model.mask_token", (("", (1, 1, _MAE_WIDTH)),)),
        Unused("model.decoder_pos_embed", (("", (1, 1 + _SIDE * _SIDE, _MAE_WIDTH)),)),
        Unused.layer("model.decoder_embed.", _MAE_WIDTH, _WIDTH),
        *(
            Unused.layer(f"model.decoder_blocks.{block}.{layer}", *weight)
            for block in range(_MAE_DEPTH)
            for layer, weight in _MAE_BLOCK
        ),
        Unused.layer("model.decoder_norm.", _MAE_WIDTH),
        Unused.layer("model.decoder_pred.", _PATCH * _PATCH * _BANDS, _MAE_WIDTH),
    ),
    order=(
        *("model.cls_token", "model.pos_embed", "model.mask_token", "model.decoder_pos_embed", "model.patch_embed."),
        *("model.blocks.", "model.norm.", "model.decoder_", "first."),
    ),
    fixed=("pos_embed",),
)


class Prithvi(Backbone):
    """Features (n, 768, 14, 14), a vector of each patch of 16 x 16 pixels, in their order.

    The original shuffles the patches at every call and never puts them back; that is not repeated here.
    """

    fixed: ClassVar[int | None] = 512
    pretrained: ClassVar[tuple[str, ...]] = ("cls_token", "pos_embed", "patch_embed.", "blocks.", "norm.")

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        self.wide = WideConv2d(_BANDS, _BANDS)
        self.patch_embed = nn.Conv3d(_BANDS, _WIDTH, (1, _PATCH, _PATCH), stride=(1, _PATCH, _PATCH))
        self.cls_token = nn.Parameter(torch.empty(1, 1, _WIDTH))
        self.register_buffer("pos_embed", _positions())
        self.pos_embed: Tensor
        self.blocks = nn.Sequential(
            *(Block(_WIDTH, _HEADS, qkv_bias=True, norm_layer=nn.LayerNorm) for _ in range(_DEPTH))
        )
        self.norm = nn.LayerNorm(_WIDTH)
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.xavier_uniform_(self.patch_embed.weight.detach().flatten(1))
        for layer in self.blocks.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of `Prithvi_EO_V1_100M.pt` under our names, its positions those of a single frame."""
        ours = {"pos_embed": _positions()}
        for name, tensor in tensors.items():
            short = name.removeprefix("encoder.").replace("patch_embed.proj.", "patch_embed.")
            if short.startswith(("cls_token", "patch_embed.", "blocks.", "norm.")):
                ours[short] = tensor
        return ours

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 768, 14, 14) of bands (n, 6, 512, 512)."""
        patches = self.patch_embed(self.wide(bands).unsqueeze(2)).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], 1)
        features: Tensor = self.norm(self.blocks(tokens + self.pos_embed))
        return torch.unflatten(features[:, 1:].transpose(1, 2), 2, (_SIDE, _SIDE))


def _positions() -> Tensor:
    """Return the table (1, 1 + 14 x 14, 768) of where tokens are, zeros for the class token.

    Of a patch there are 288 sines and cosines of its column, 288 of its row, and 192 of its time, which is 0.
    """
    part = _WIDTH // 16
    along = _waves(torch.arange(_SIDE), 6 * part)
    columns = along.repeat(_SIDE, 1)
    rows = along.repeat_interleave(_SIDE, 0)
    frames = _waves(torch.zeros(_SIDE * _SIDE), 4 * part)
    patches = torch.cat([columns, rows, frames], 1)
    return torch.cat([torch.zeros(1, _WIDTH), patches]).unsqueeze(0)


def _waves(places: Tensor, values: int) -> Tensor:
    """Return `values` sines and cosines of each of `places`, their lengths from 2 pi to almost 20,000 pi."""
    powers = torch.arange(values // 2, dtype=torch.float64) / (values / 2)
    angles = places.double()[:, None] / 10000**powers
    return torch.cat([angles.sin(), angles.cos()], 1).float()
