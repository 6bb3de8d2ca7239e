"""Heads of prithvi: four times to twice the size, once from 224 to 512, a 3 x 3 convolution each."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from hlsmask.models.heads.doubled import MIDDLE, SIDES, Doubled, Folded
from hlsmask.models.heads.stacked import apart

_WIDTHS = (768, 384, 192, 96, 48)
_BEFORE, _AFTER = 224, 512

HEAD = (
    *((f"segmentation_head.{i}.1.", f"blocks.{i}.") for i in range(4)),
    ("segmentation_head.4.1.", "stretched."),
    ("segmentation_head.5.", "last."),
)
"""Beginnings of names in the published heads, and ours."""


class PrithviHeads(nn.Module):
    """Logits (n, masks, 512, 512) of features (n, 768, 14, 14)."""

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        first, *others = pairwise(_WIDTHS)
        self.blocks = nn.Sequential(
            Doubled(first[0], masks * first[1], 1),
            *(Doubled(masks * before, masks * after, masks) for before, after in others),
        )
        self.stretched = apart(_WIDTHS[-1], _WIDTHS[-1], masks, 3)
        self.last = apart(_WIDTHS[-1], 1, masks, 1)
        self.parts = nn.ModuleList(Folded(rows, columns) for rows in (SIDES, MIDDLE) for columns in (SIDES, MIDDLE))
        thrice, order = _copies()
        self.register_buffer("thrice", thrice, persistent=False)
        self.register_buffer("order", order, persistent=False)
        self.thrice: Tensor
        self.order: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        maps = self.blocks(features)
        strips = []
        for rows, parts in ((maps, self.parts[:2]), (maps.index_select(2, self.thrice), self.parts[2:])):
            pairs = zip(parts, (rows, rows.index_select(3, self.thrice)), strict=True)
            strips.append(torch.cat([part(pixels, self.stretched, self.last) for part, pixels in pairs], 3))
        return torch.cat(strips, 2).index_select(2, self.order).index_select(3, self.order)


def _copies() -> tuple[Tensor, Tensor]:
    """Lay 224 pixels over 512, each over two or three: a first copy, a last one, and for 64 of them one between.

    Returns
    -------
    The pixels that have a copy between, and for each of the 512 its place among the first and last copies of all
    pixels followed by those between.
    """
    pixels = torch.div(torch.arange(-1, _AFTER + 1, device="cpu") * _BEFORE, _AFTER, rounding_mode="floor")
    changes = pixels[1:] != pixels[:-1]
    first, last, pixels = changes[:-1], changes[1:], pixels[1:-1]
    between = ~(first | last)
    order = 2 * pixels + last
    order[between] = 2 * _BEFORE + torch.arange(int(between.sum()), device="cpu")
    return pixels[between], order
