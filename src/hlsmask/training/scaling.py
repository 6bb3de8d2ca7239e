"""Reflectance scaled as a card says, on whatever device it is: what `Card.normalize` does with numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from hlsmask.card import Normalization


def scaled(bands: Tensor, scaling: Normalization) -> Tensor:
    """Return what a network takes, float32 (n, bands, h, w), 0 where nothing was observed.

    `bands` is reflectance, float32 (n, bands, h, w), NaN where not observed; each of the n windows is scaled by itself.
    """
    if scaling.kind == "published":
        axes = (1, 2, 3)
        low = bands.nan_to_num(nan=torch.inf).amin(axes, keepdim=True)
        span = bands.nan_to_num(nan=-torch.inf).amax(axes, keepdim=True) - low
        return ((bands - low) / span.clamp(min=1e-4)).nan_to_num_(nan=0.0)
    if scaling.kind == "sqrt":
        bands = (bands.clamp(-0.1, 1.6) + 0.1).sqrt_()
    mean, std = (bands.new_tensor(values)[:, None, None] for values in (scaling.mean, scaling.std))
    return ((bands - mean) / std).nan_to_num_(nan=0.0)
