"""Which tensor of a published checkpoint is which part of which tensor of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from hlsmask.errors import UsageError
from hlsmask.masks import PUBLISHED_NAMES
from hlsmask.models.build import imported
from hlsmask.models.layout import BACKBONE, HEADS, TASKS
from hlsmask.models.registry import NETWORKS, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from hlsmask.models.layout import Layout
    from hlsmask.models.masknet import MaskNet


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor of a published checkpoint."""

    theirs: str
    """Its name there, without `module.`."""

    shape: tuple[int, ...]
    """Its shape there."""

    ours: str | None
    """Name of the tensor of ours that it is a part of. None: the network never uses it."""

    first: int | None = None
    """Where along the first axis of ours it begins. None: it is all of it."""

    turned: bool = False
    """Whether it has the other sign there."""

    parameter: bool = True
    """Whether it is a parameter there, not a buffer."""

    def cut(self, whole: Tensor, *, signed: bool = True) -> Tensor:
        """Return this part of `whole`, a tensor of ours; `signed` ones are turned where that is due."""
        if self.first is None:
            return whole
        part = whole[self.first : self.first + self.shape[0]]
        return -part if signed and self.turned else part.clone()


def layout_of(net: MaskNet) -> Layout:
    """Return how published checkpoints name the tensors of `net`.

    Raises
    ------
    UsageError
        If there are none of its kind.
    """
    network = find(net.card.backbone, net.card.head or None)
    if network.layout is None:
        known = ", ".join(name for name, other in NETWORKS.items() if other.published)
        raise UsageError(f"{network.backbone} has no published form; the networks that have one are {known}")
    layout: Layout = imported(network.layout)
    return layout


def parts_of(net: MaskNet) -> tuple[Part, ...]:
    """Return every tensor of the published form of `net`, in the order of the file.

    Parameters are in the order of the published network's `parameters()` too, by which its optimizer counts them.

    Raises
    ------
    UsageError
        If `net` is of a kind that was never published.
    """
    layout, masks = layout_of(net), net.card.masks
    learnt = {name for name, _ in net.named_parameters()} | {BACKBONE + name for name in layout.fixed}
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    backbone = [
        Part(layout.theirs(name, masks[0]), shape, name, parameter=name in learnt)
        for name, shape in shapes.items()
        if name.startswith(BACKBONE)
    ]
    backbone += [
        Part(BACKBONE + unused.beginning + name, shape, None)
        for unused in layout.unused
        for name, shape in unused.tensors
    ]
    parts = sorted(backbone, key=lambda part: layout.place(part.theirs))
    for mask in (PUBLISHED_NAMES[task] for task in TASKS if PUBLISHED_NAMES[task] in masks):
        for name, shape in shapes.items():
            if name.startswith(HEADS):
                rows = shape[0] // len(masks) if shape else 0
                parts.append(
                    Part(
                        layout.theirs(name, mask),
                        (rows, *shape[1:]) if shape else (),
                        name,
                        first=masks.index(mask) * rows if shape else None,
                        turned=layout.turns(name, mask),
                        parameter=name in learnt,
                    )
                )
    return tuple(parts)


def by_ours(parts: Iterable[Part]) -> dict[str, list[Part]]:
    """Return the parts of each tensor of ours, in our order of masks."""
    owned: dict[str, list[Part]] = {}
    for part in parts:
        if part.ours is not None:
            owned.setdefault(part.ours, []).append(part)
    return {name: sorted(group, key=lambda part: part.first or 0) for name, group in owned.items()}


def joined(group: Sequence[Part], pieces: Mapping[str, Tensor], *, signed: bool = True) -> Tensor:
    """Return the tensor of ours that a group of `by_ours` makes up, of published tensors by their names."""
    if group[0].first is None:
        return pieces[group[0].theirs]
    return torch.cat([-pieces[part.theirs] if signed and part.turned else pieces[part.theirs] for part in group])
