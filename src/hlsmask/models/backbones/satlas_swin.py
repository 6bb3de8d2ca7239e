"""Attention of Swin v2 on torchvision's parameters, for maps of any size, in a form that exports with sizes left open.

Torchvision's own decides with Python's `if` whether a map is larger than one window, and what it exports holds for the
size that was traced alone. Here the same is arithmetic: a map of one window is shifted by min(4, 0) pixels.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_APART = -100.0
_MOST = math.log(100)


class WindowAttention(nn.Module):
    """Attention within windows of 8 x 8 pixels, which every other block lays half a window further on."""

    def __init__(self, theirs: Any) -> None:  # noqa: ANN401 - torchvision's classes have no types
        """Take over all that a `ShiftedWindowAttentionV2` of torchvision has, under the same names."""
        super().__init__()
        self.side: int = theirs.window_size[0]
        self.shift: int = theirs.shift_size[0]
        self.heads: int = theirs.num_heads
        self.qkv: nn.Linear = theirs.qkv
        self.proj: nn.Linear = theirs.proj
        self.logit_scale: nn.Parameter = theirs.logit_scale
        self.cpb_mlp: nn.Sequential = theirs.cpb_mlp
        self.register_buffer("relative_coords_table", theirs.relative_coords_table)
        self.register_buffer("relative_position_index", theirs.relative_position_index)
        self.relative_coords_table: Tensor
        self.relative_position_index: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return what torchvision gives for x (n, h, w, c), filled up with zeros to whole windows."""
        n, rows, columns, c = x.shape
        side = self.side
        down, across = (rows + side - 1) // side, (columns + side - 1) // side
        high, wide = down * side, across * side
        x = functional.pad(x, (0, 0, 0, wide - columns, 0, high - rows))
        bias = self._nearness()
        if self.shift:
            below, right = torch.sym_min(self.shift, high - side), torch.sym_min(self.shift, wide - side)
            row, column = torch.arange(high, device=x.device), torch.arange(wide, device=x.device)
            x = x.index_select(1, _further(row, below, high)).index_select(2, _further(column, right, wide))
            bias = bias + _seams(row >= high - below, column >= wide - right, side)
        x = x.view(n, down, side, across, side, c).transpose(2, 3)
        x = self._attended(x.reshape(n, down * across, side * side, c), bias)
        x = x.view(n, down, across, side, side, c).transpose(2, 3).reshape(n, high, wide, c)
        if self.shift:
            x = x.index_select(1, _further(row, high - below, high))
            x = x.index_select(2, _further(column, wide - right, wide))
        return x[:, :rows, :columns]

    def _nearness(self) -> Tensor:
        """Return what the learnt distance between the places of a window adds, (1, heads, s, s); s places."""
        places = self.side * self.side
        table: Tensor = self.cpb_mlp(self.relative_coords_table).flatten(0, 2)
        between = table[self.relative_position_index].view(places, places, self.heads)
        return 16 * between.permute(2, 0, 1)[None].sigmoid()

    def _attended(self, windows: Tensor, bias: Tensor) -> Tensor:
        """Return windows (n, w, s, c) after attention inside each; `bias` is (1 or w, heads, s, s).

        The file has a bias of the keys, which is never added.
        """
        c = windows.shape[-1]
        own: Tensor = self.qkv.bias
        own = torch.cat([own[:c], torch.zeros_like(own[:c]), own[-c:]])
        qkv = torch.unflatten(functional.linear(windows, self.qkv.weight, own), -1, (3, self.heads, -1))
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5).unbind()
        alike = functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).transpose(-2, -1)
        weights = alike * self.logit_scale.clamp(max=_MOST).exp() + bias
        mixed = weights.softmax(-1) @ v
        attended: Tensor = self.proj(mixed.transpose(2, 3).flatten(3))
        return attended


def _further(row: Tensor, by: int | torch.SymInt, rows: int) -> Tensor:
    """Return `(row + by) % rows`; with open sizes a remainder does not export."""
    return torch.where(row >= rows - by, row + (by - rows), row + by)


def _seams(below: Tensor, right: Tensor, side: int) -> Tensor:
    """Return what keeps places of one window apart that were not beside each other before the shift, (w, 1, s, s).

    `below` (h,) and `right` (w,) say which rows and columns the shift brought there from the other edge.
    """
    part = 2 * below[:, None] + right
    part = part.view(-1, side, part.shape[1] // side, side).transpose(1, 2).reshape(-1, side * side)
    return torch.where(part[:, None] != part[:, :, None], _APART, 0.0)[:, None]
