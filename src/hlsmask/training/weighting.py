"""How the losses of masks become the one number that goes down."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, get_args

import torch
from torch import Tensor, nn

from hlsmask.errors import UsageError
from hlsmask.training.kinds import WeightingKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hlsmask.masks import Mask


class Weighting(nn.Module):
    """A weighted sum of the losses of masks."""

    def __init__(self, masks: Sequence[Mask]) -> None:
        """Weigh the losses of `masks`, in this order."""
        super().__init__()
        self.masks = tuple(masks)

    def forward(self, losses: Tensor, known: Tensor) -> Tensor:
        """Return the sum, a scalar.

        Parameters
        ----------
        losses
            (masks,), the loss of each.
        known
            (masks,), bool: whether a pixel of the mask is known in this step. Where not, it adds nothing.
        """
        return torch.where(known, self.weights() * losses + self.costs(), 0.0).sum()

    def current(self) -> dict[Mask, float]:
        """Return the weight of each mask's loss as it is now."""
        return dict(zip(self.masks, self.weights().tolist(), strict=True))

    def weights(self) -> Tensor:
        """Return the weights, (masks,)."""
        raise NotImplementedError

    def costs(self) -> Tensor | float:
        """Return what is added for each mask, (masks,) or the same for all."""
        return 0.0


class Fixed(Weighting):
    """Weights that stay as they are. They are no part of the state: a run that goes on may have others."""

    _weights: Tensor

    def __init__(self, weights: Mapping[Mask, float]) -> None:
        """Weigh the loss of each mask, in this order."""
        super().__init__(tuple(weights))
        self.register_buffer("_weights", torch.tensor(list(weights.values()), dtype=torch.float32), persistent=False)

    def weights(self) -> Tensor:
        """Return the weights, (masks,)."""
        return self._weights


class Uncertainty(Weighting):
    """Learned weights: the sum is that of exp(-s) loss + s / 2, with s the logarithm of a variance for each mask.

    From Kendall, Gal & Cipolla 2018 (arXiv 1705.07115). Each s starts at 0, each weight at 1.
    """

    def __init__(self, masks: Sequence[Mask]) -> None:
        """Begin with the same weight for all of `masks`."""
        super().__init__(masks)
        self.log_variances = nn.Parameter(torch.zeros(len(self.masks)))

    def weights(self) -> Tensor:
        """Return the weights, (masks,)."""
        return torch.exp(-self.log_variances)

    def costs(self) -> Tensor:
        """Return s / 2, which keeps the variances from growing without end."""
        return self.log_variances / 2


def weighting(kind: str, masks: Sequence[Mask], weights: Mapping[Mask, float] | None = None) -> Weighting:
    """Return the weighting called `kind`.

    Parameters
    ----------
    kind
        `uniform`: all weights are 1, as published; `fixed`: those given; `uncertainty`, or `uncert` as the improv-mask
        project calls it: learned.
    masks
        The masks that are learned, in the order of the losses.
    weights
        For `fixed`: weight of each mask, 0 or more, 1 for those not named.

    Raises
    ------
    UsageError
        If there is no such kind, or the weights do not fit it or the masks.
    """
    if kind not in get_args(WeightingKind):
        raise UsageError(f"there is no weighting {kind!r}; use {', '.join(get_args(WeightingKind))}")
    if kind == "fixed":
        return Fixed(_chosen(masks, weights or {}))
    if weights:
        raise UsageError(f"weights of masks are given, and the weighting is {kind}; use fixed, or leave them out")
    return Fixed(dict.fromkeys(masks, 1.0)) if kind == "uniform" else Uncertainty(masks)


def _chosen(masks: Sequence[Mask], weights: Mapping[Mask, float]) -> dict[Mask, float]:
    """Return a weight for each of `masks`."""
    if not weights:
        raise UsageError("fixed weights are asked for and none is given; name them, such as --task-weights water=2")
    if strangers := [mask for mask in weights if mask not in masks]:
        raise UsageError(f"there are weights for {', '.join(strangers)}; the masks to learn are {', '.join(masks)}")
    if wrong := [f"{mask} {weight}" for mask, weight in weights.items() if not (isfinite(weight) and weight >= 0)]:
        raise UsageError(f"the weight of {', '.join(wrong)} is no weight; use a number of 0 or more")
    chosen = {mask: float(weights.get(mask, 1.0)) for mask in masks}
    if not any(chosen.values()):
        raise UsageError("the weights of all masks are 0, so that nothing is learned; give one that is more")
    return chosen
