"""How a published checkpoint names the tensors of a network.

A published name is `backbone.<...>` or `decoders.<mask>.<...>`, a head for each mask, so that one tensor of ours
holds what five of theirs do, one mask after the other along the first axis.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlsmask.masks import PUBLISHED_NAMES, Mask

BACKBONE = "backbone."
HEADS = "heads."
DECODERS = "decoders."


@dataclass(frozen=True, slots=True)
class Layout:
    """The published names of one pair."""

    backbone: tuple[tuple[str, str], ...]
    """Beginnings of names after `backbone.`, theirs and ours; the first that fits counts. None fits: no change."""

    head: tuple[tuple[str, str], ...]
    """Beginnings of names after `decoders.<mask>.`, theirs and ours after `heads.`."""

    last: str
    """The layer of our heads, after `heads.`, that gives the logits. Turning the sign of its weight and bias turns
    the published `sun_mask`, 1 where sunlit, into terrain shadow: sigmoid(-x) = 1 - sigmoid(x)."""

    unused: tuple[str, ...] = ()
    """Beginnings of names, after `backbone.`, that lie in the file and are never used by the network."""

    def ours(self, name: str) -> tuple[str, Mask | None]:
        """Return our name of the tensor that a checkpoint calls `name`, and the mask whose part of it this is.

        Raises
        ------
        KeyError
            If it is neither part of the backbone nor of a head.
        """
        if name.startswith(BACKBONE):
            return BACKBONE + _renamed(name.removeprefix(BACKBONE), self.backbone), None
        mask, dot, rest = name.removeprefix(DECODERS).partition(".")
        if not (name.startswith(DECODERS) and dot and mask in PUBLISHED_NAMES):
            raise KeyError(name)
        return HEADS + _renamed(rest, self.head), PUBLISHED_NAMES[mask]

    def theirs(self, name: str, mask: Mask) -> str:
        """Return what a checkpoint calls our tensor `name`; of a tensor of the heads, the part of `mask`."""
        if name.startswith(BACKBONE):
            return BACKBONE + _renamed(name.removeprefix(BACKBONE), _turned(self.backbone))
        published = {ours: theirs for theirs, ours in PUBLISHED_NAMES.items()}[mask]
        return f"{DECODERS}{published}.{_renamed(name.removeprefix(HEADS), _turned(self.head))}"

    def is_unused(self, name: str) -> bool:
        """Whether the published network never uses the tensor that it calls `name`."""
        return name.startswith(tuple(BACKBONE + beginning for beginning in self.unused))


def _renamed(name: str, renames: tuple[tuple[str, str], ...]) -> str:
    for old, new in renames:
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def _turned(renames: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return the way back; the longest beginning comes first, since an empty one fits all."""
    return tuple(sorted(((new, old) for old, new in renames), key=lambda pair: -len(pair[0])))
