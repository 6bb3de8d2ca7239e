"""Heads of swint and vitb16: from one vector to a small map, and four times to twice its size."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from hlsmask.models.heads.doubled import Doubled
from hlsmask.models.heads.stacked import apart

_FEATURES, _SIDE, _WIDTH, _TIMES = 768, 32, 8, 4

HEAD = (("head1.", "seed."), *((f"head.{i}.1.", f"blocks.{i}.") for i in range(_TIMES)), ("head.4.", "last."))
"""Beginnings of names in the published heads, and ours."""


class VectorHeads(nn.Module):
    """Logits (n, masks, 512, 512) of features (n, 768)."""

    def __init__(self, masks: int) -> None:
        """Build the heads of so many masks with random weights."""
        super().__init__()
        self.seed = nn.Linear(_FEATURES, masks * _SIDE * _SIDE)
        widths = (1, *(_WIDTH,) * _TIMES)
        self.blocks = nn.ModuleList(Doubled(masks * before, masks * after, masks) for before, after in pairwise(widths))
        self.last = apart(_WIDTH, 1, masks, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of features."""
        maps = self.seed(features).unflatten(1, (-1, _SIDE, _SIDE))
        for block in self.blocks[:-1]:
            maps = block(maps)
        logits: Tensor = self.blocks[-1](maps, self.last)
        return logits
