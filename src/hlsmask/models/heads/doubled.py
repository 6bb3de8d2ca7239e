"""Nearest upsampling and a 3 x 3 convolution, computed before the upsampling.

Of the three pixels along an axis that a kernel sees after upsampling, some are copies of one pixel. With the weights
of copies summed a kernel of 2 x 2 on the small grid gives what 3 x 3 gives on the large one, at 4/9 of the products.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

Taps = tuple[tuple[tuple[float, ...], ...], ...]

SIDES: Taps = (((1, 1, 0), (0, 0, 1)), ((1, 0, 0), (0, 1, 1)))
"""What two taps sum of the three weights: for the last copy of a pixel, then for the first copy of the next pixel. The
same two pixels are seen by both."""

MIDDLE: Taps = (((1, 1, 1),),)
"""The same for a copy between two others, which sees one pixel."""


class Folded(nn.Module):
    """The copies that `rows` and `columns` name, after a 3 x 3 convolution and ReLU."""

    def __init__(self, rows: Taps, columns: Taps) -> None:
        """Prepare the sums, for `SIDES` or `MIDDLE` along each axis."""
        super().__init__()
        self.copies = len(rows), len(columns)
        self.taps = len(rows[0]), len(columns[0])
        down, across = (torch.tensor(taps, dtype=torch.float32, device="cpu") for taps in (rows, columns))
        self.register_buffer("sums", torch.einsum("pai,qbj->pqabij", down, across).reshape(-1, 9), persistent=False)
        self.sums: Tensor

    def forward(self, maps: Tensor, conv: nn.Conv2d, last: nn.Conv2d | None = None) -> Tensor:
        """Return those copies, (n, channels, copies x h, copies x w), of `maps` (n, inputs, h, w), after `conv`.

        If `last`, a convolution of 1 x 1, is given, what it makes of them.
        """
        down, across = self.copies
        copies = down * across
        sums = self.sums @ conv.weight.flatten(2).transpose(1, 2)
        outputs, _, inputs = sums.shape
        weight = sums.view(outputs, copies, -1, inputs).transpose(2, 3).reshape(-1, inputs, *self.taps)
        bias = None if conv.bias is None else conv.bias.repeat_interleave(copies)
        padding = tuple(taps - 1 for taps in self.taps)
        results = functional.conv2d(maps, weight, bias, padding=padding, groups=conv.groups).relu_()
        if last is not None:
            # Copies below each other are one large map to a convolution of 1 x 1.
            stacked = torch.unflatten(results, 1, (outputs, copies)).flatten(2, 3)
            results = torch.unflatten(last(stacked), 2, (copies, -1)).flatten(1, 2)
        results = _side_by_side(results, down, across)
        rows, columns = results.shape[2:]
        return results[..., down - 1 : rows - down + 1, across - 1 : columns - across + 1]


def _side_by_side(maps: Tensor, down: int, across: int) -> Tensor:
    """Return maps (n, channels x down x across, h, w) as (n, channels, down x h, across x w)."""
    if down == across:
        return functional.pixel_shuffle(maps, down)
    apart = torch.unflatten(maps, 1, (-1, down, across))
    return apart.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)


class Doubled(nn.Conv2d):
    """Nearest upsampling to twice the size, a 3 x 3 convolution and ReLU, for each of `groups` alone."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        """Build it with random weights."""
        super().__init__(inputs, outputs, 3, padding=1, groups=groups)
        self.folded = Folded(SIDES, SIDES)

    def forward(self, maps: Tensor, last: nn.Conv2d | None = None) -> Tensor:
        """Return (n, outputs, 2 h, 2 w) of `maps` (n, inputs, h, w); or what `last`, 1 x 1, gives of that."""
        results: Tensor = self.folded(maps, self, last)
        return results
