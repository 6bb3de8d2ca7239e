"""A new network, by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

from hlsmask.errors import UsageError
from hlsmask.masks import Mask
from hlsmask.models.masknet import MaskNet
from hlsmask.models.registry import Network, find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hlsmask.card import Card


def create(
    backbone: str,
    head: str | None = None,
    masks: Sequence[Mask | str] = tuple(Mask),
    pretrained: bool | Path | str = False,  # noqa: FBT001, FBT002 - create("vitb16", "vitb16_head", masks, True)
) -> MaskNet:
    """Return a new network, in training mode, with `.card`.

    Parameters
    ----------
    backbone
        Its name; `NETWORKS` lists them.
    head
        Name of the head. None: the one that fits.
    masks
        What it is to give, by our names or the published ones; the order is that of `Mask`.
    pretrained
        True: the backbone starts from the weights that its host publishes, downloaded once and kept. A path: from
        that file, as the host names its tensors. False: all weights are random.

    Raises
    ------
    UsageError
        If there is no such backbone, head or mask.
    ModelError
        If the pretrained weights cannot be had, or do not fit.
    """
    network = find(backbone, head)
    asked = Mask.parse_all(masks)
    if not asked:
        raise UsageError(f"a network needs at least one mask of {', '.join(Mask)}")
    net = assemble(network, network.card(asked))
    if pretrained is not False:
        from hlsmask.models.pretrained import start_from  # noqa: PLC0415 - no hub is touched unless asked for

        start_from(net, network, None if pretrained is True else pretrained)
    return net


def assemble(network: Network, card: Card) -> MaskNet:
    """Return `network` with random weights for the masks of `card`."""
    return MaskNet(imported(network.module)(), imported(network.heads)(len(card.masks)), card)


def outline(network: Network, card: Card) -> MaskNet:
    """Return `network` without weights, to load them into: its tensors have names and shapes, and no memory.

    Only what no file of weights holds (buffers that are not persistent) must be made on the CPU by name.
    """
    with torch.device("meta"):
        return assemble(network, card)


def imported(place: str) -> Any:  # noqa: ANN401 - a class or a constant
    """Return what lies at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
