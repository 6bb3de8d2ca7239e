"""Checkpoints as the improv-mask project writes them, so that its code can go on with what was trained here."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from hlsmask.aside import aside
from hlsmask.errors import OutputError, UsageError, first_line
from hlsmask.masks import Mask
from hlsmask.models.files import PUBLISHED_FILES
from hlsmask.models.moments import to_published
from hlsmask.models.parts import parts_of
from hlsmask.models.registry import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.models.masknet import MaskNet

PREFIX: Final = "module."
"""What names begin with where the published code trained on several GPUs, or without its `--gpu`."""


def write_published(
    net: MaskNet,
    path: Path | str,
    *,
    epoch: int,
    best_performance: float,
    optimizer: Mapping[str, Any] | None = None,
    prefix: str = PREFIX,
) -> Path:
    """Write `net` to a published checkpoint, whole or not at all; return its path.

    The file is the dict `{epoch, state_dict, best_performance, optimizer}`. It holds every tensor that the published
    network has, under its name and in its order, so that it loads strictly: each mask's head by itself, the sign of
    `sun_mask` turned back, and zeros for what that network holds and never uses. It has no place for the card.
    `notes` says what will differ there.

    Parameters
    ----------
    net
        One of the nine networks that were published, for all masks or fewer.
    path
        The file; it is called `.pth.tar`, as theirs are, `.pth` or `.pt`.
    epoch
        Epochs that are done; the published code goes on with the next one.
    best_performance
        The lowest validation loss so far.
    optimizer
        `state_dict()` of a `torch.optim.Adam` with one group, over the parameters of `net` that learn, in the order of
        `net.named_parameters()`. What comes after them is left out. Of another optimizer, or without one, the file
        holds an Adam that has not taken a step.
    prefix
        What all names begin with. Use "" for the published code with `--gpu`.

    Raises
    ------
    UsageError
        If `net` was never published, or the file is called otherwise.
    OutputError
        If it cannot be written.
    """
    path = Path(path)
    if path.suffix not in PUBLISHED_FILES or path.suffix == ".ckpt":
        raise UsageError(f"published checkpoints are written to a .pth.tar file, not to {path}")
    parts = parts_of(net)
    ours = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    state = OrderedDict(
        (prefix + part.theirs, torch.zeros(part.shape) if part.ours is None else part.cut(ours[part.ours]))
        for part in parts
    )
    container = {
        "epoch": int(epoch),
        "state_dict": state,
        "best_performance": float(best_performance),
        "optimizer": to_published(optimizer, net),
    }
    with aside(path) as near:
        try:
            torch.save(container, near)
        except RuntimeError as error:  # what torch says of a full disk
            raise OutputError(f"{path} cannot be written: {first_line(error)}") from error
    return path


def notes(net: MaskNet) -> tuple[str, ...]:
    """Return what the published code will do otherwise with `net` than hlsmask does, a sentence each."""
    card = net.card
    said = []
    if card.normalization.kind != "published":
        said.append(
            "the published code always scales by the least and greatest value of a sample, and this network learnt "
            "from reflectance that is scaled in a fixed way: there it gives other masks, until it is trained further"
        )
    if "cast" in card.definitions.get(Mask.TERRAIN_SHADOW, ""):
        said.append("its sun_mask is 0 in cast shadows too, which the published labels count as sunlit")
    if find(card.backbone).note:
        said.append("the published code shuffles the patch tokens at every call, which heads trained here do not know")
    return tuple(said)
