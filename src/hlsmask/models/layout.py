"""How a published checkpoint names the tensors of a network, and in which order.

A published name is `backbone.<...>` or `decoders.<mask>.<...>`, a head for each mask, so that one tensor of ours
holds what five of theirs do, one mask after the other along the first axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hlsmask.masks import PUBLISHED_NAMES, Mask

BACKBONE: Final = "backbone."
HEADS: Final = "heads."
DECODERS: Final = "decoders."

TASKS: Final = ("water_mask", "cloudshadow_mask", "cloud_mask", "snowice_mask", "sun_mask")
"""The masks in the order of the published decoders."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A part of the published network that nothing of what it gives is made of. Its file holds it all the same."""

    beginning: str
    """What the names of its tensors begin with, after `backbone.`."""

    tensors: tuple[tuple[str, tuple[int, ...]], ...]
    """What comes after that, and the shape, of each of its tensors; all of them are parameters."""

    @classmethod
    def layer(cls, beginning: str, *weight: int) -> Unused:
        """Return a layer with a weight of this shape and a bias."""
        return cls(beginning, (("weight", weight), ("bias", weight[:1])))


@dataclass(frozen=True, slots=True)
class Layout:
    """The published names of one pair."""

    backbone: tuple[tuple[str, str], ...]
    """Beginnings of names after `backbone.`, theirs and ours; the longest that fits counts. None fits: no change."""

    head: tuple[tuple[str, str], ...]
    """Beginnings of names after `decoders.<mask>.`, theirs and ours after `heads.`."""

    last: str
    """The layer of our heads, after `heads.`, that gives the logits. Turning the sign of its weight and bias turns
    the published `sun_mask`, 1 where sunlit, into terrain shadow: sigmoid(-x) = 1 - sigmoid(x)."""

    unused: tuple[Unused, ...] = ()
    """What lies in the file and is never used by the network."""

    order: tuple[str, ...] = ()
    """Beginnings of names after `backbone.`, in the order of the file; the longest that fits counts. Empty: ours is
    that order."""

    fixed: tuple[str, ...] = ()
    """Our buffers, after `backbone.`, that are parameters there, though they never learn."""

    def theirs(self, name: str, mask: Mask) -> str:
        """Return what a checkpoint calls our tensor `name`; of a tensor of the heads, the part of `mask`."""
        if name.startswith(BACKBONE):
            return BACKBONE + _renamed(name.removeprefix(BACKBONE), self.backbone)
        published = {ours: theirs for theirs, ours in PUBLISHED_NAMES.items()}[mask]
        return f"{DECODERS}{published}.{_renamed(name.removeprefix(HEADS), self.head)}"

    def turns(self, name: str, mask: Mask) -> bool:
        """Whether the part of `mask` of our tensor `name` has the other sign there."""
        return mask is Mask.TERRAIN_SHADOW and name.rpartition(".")[0] == HEADS + self.last

    def is_unused(self, name: str) -> bool:
        """Whether the published network never uses the tensor that it calls `name`."""
        return name.startswith(tuple(BACKBONE + part.beginning for part in self.unused))

    def place(self, name: str) -> int:
        """Return where in the file the tensor that a checkpoint calls `name` comes: the lower, the earlier."""
        fitting = [start for start in self.order if name.startswith(BACKBONE + start)]
        return self.order.index(max(fitting, key=len)) if fitting else 0


def _renamed(name: str, renames: tuple[tuple[str, str], ...]) -> str:
    """Return the published name of ours; an empty beginning fits all, so that longer ones come first."""
    for theirs, ours in sorted(renames, key=lambda pair: -len(pair[1])):
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name
