"""What is summed over an epoch: losses and counts of agreement, exact on any number of devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed

from hlsmask.evaluation.confusion import Confusion
from hlsmask.masks import NOT_OBSERVED, PRESENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hlsmask.masks import Mask


@dataclass(frozen=True, slots=True)
class Result:
    """How an epoch went."""

    losses: Mapping[Mask, float]
    """Mean loss of each mask over its known pixels (or samples, as its loss counts); NaN where none was known."""

    counts: Mapping[Mask, Confusion]
    """Agreement at the threshold 0.5."""

    @property
    def loss(self) -> float:
        """Mean of the masks' losses, those left out of which nothing was known; NaN if that holds for all."""
        known = [loss for mask, loss in self.losses.items() if self.counts[mask].count]
        return sum(known) / len(known) if known else float("nan")


class Tally:
    """Sums over batches, kept where the network is, so that adding to them waits for nothing."""

    def __init__(self, masks: Sequence[Mask]) -> None:
        """Begin with nothing."""
        self.masks = tuple(masks)
        self._sums: Tensor | None = None
        self._counts: Tensor | None = None

    def reset(self) -> None:
        """Begin again."""
        self._sums = self._counts = None

    @torch.no_grad()
    def add(self, total: Tensor, weight: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: what the loss gave, (parts, masks) each, logits and labels (n, masks, h, w)."""
        exact = torch.float32 if total.device.type == "mps" else torch.float64
        sums = torch.stack([total.detach(), weight.detach()]).to(exact)
        said, there = logits > 0, labels == PRESENT
        known = labels != NOT_OBSERVED
        said_known = said & known
        axes = (0, 2, 3)
        counts = torch.stack([part.sum(axes) for part in (said_known & there, said_known, there, known)])
        self._sums = sums if self._sums is None else self._sums + sums
        self._counts = counts if self._counts is None else self._counts + counts

    def result(self) -> Result:
        """Return the sums over all devices; every device must ask."""
        if self._sums is None or self._counts is None:
            raise RuntimeError("nothing was added")
        sums, counts = everywhere(self._sums), everywhere(self._counts)
        total, weight = sums.cpu()
        means = torch.where(weight > 0, total / weight.clamp(min=torch.finfo(weight.dtype).tiny), torch.nan).sum(0)
        losses = dict(zip(self.masks, means.tolist(), strict=True))
        found = {}
        for mask, (hits, said, there, known) in zip(self.masks, counts.T.tolist(), strict=True):
            found[mask] = Confusion(hits, said - hits, there - hits, known - said - there + hits)
        return Result(losses, found)


def devices() -> int:
    """Return how many processes train together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def everywhere(values: Tensor) -> Tensor:
    """Return the sum of `values` over all processes that train together."""
    if devices() > 1:
        values = values.clone()
        distributed.all_reduce(values)
    return values
