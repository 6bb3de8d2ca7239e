"""A network starts from the weights of another one: for other masks, or other data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from hlsmask.card import Card
from hlsmask.errors import ModelError
from hlsmask.models.build import outline
from hlsmask.models.files import PUBLISHED_FILES
from hlsmask.models.fit import fill
from hlsmask.models.layout import HEADS
from hlsmask.models.published import import_published, read_pickle
from hlsmask.models.registry import find
from hlsmask.models.weights import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from hlsmask.masks import Mask
    from hlsmask.models.masknet import MaskNet

RUN: Final = "hlsmask"
"""Under this key a checkpoint of `hlsmask train` has a dict whose `card` is the card as JSON."""

_NET: Final = "net."
"""What the names of the network's tensors begin with there."""


def start_from(net: MaskNet, path: Path | str) -> str:
    """Give `net` the weights that lie in a file; return one sentence on what was taken.

    The backbone is taken, and the head of each mask that both have; heads of masks that the file lacks stay as they
    are. Masks that `net` lacks are left. The card of `net` stays.

    Parameters
    ----------
    net
        Any network, with weights.
    path
        A `.safetensors` file, a checkpoint of `hlsmask train` (`.ckpt`), a published `.pth.tar`, or the name of a
        network that is shipped.

    Raises
    ------
    ModelError
        If the file cannot be read, or holds another backbone or head, or one that takes other bands.
    """
    path = Path(path)
    source = _opened(path)
    ours, theirs = net.card, source.card
    if (ours.backbone, ours.head) != (theirs.backbone, theirs.head):
        raise ModelError(
            f"{path} is a network of {theirs.backbone} with {theirs.head}, not of {ours.backbone} with {ours.head}; "
            f"name --backbone {theirs.backbone} --head {theirs.head}, or another file"
        )
    if ours.bands != theirs.bands:
        raise ModelError(
            f"{path} takes {', '.join(theirs.bands)}; a network that takes {', '.join(ours.bands)} differs"
        )
    net.load_state_dict(taken(net, source))
    return _told(ours, theirs)


def taken(net: MaskNet, source: MaskNet) -> dict[str, Tensor]:
    """Return what the tensors of `net` become: those of `source`, but for heads that it has not.

    Heads lie one after the other along the first axis of each tensor. One without axes, a count of steps, is that of
    `source` if any head is.
    """
    ours, theirs = net.card.masks, source.card.masks
    shared = set(ours) & set(theirs)
    there = source.state_dict()
    result = {}
    for name, tensor in net.state_dict().items():
        if not name.startswith(HEADS):
            result[name] = there[name]
        elif not tensor.ndim:
            result[name] = there[name] if shared else tensor
        else:
            own, others = tensor.chunk(len(ours)), there[name].chunk(len(theirs))
            result[name] = torch.cat(
                [others[theirs.index(mask)].to(own[at]) if mask in shared else own[at] for at, mask in enumerate(ours)]
            )
    return result


def _opened(path: Path) -> MaskNet:
    if path.suffix not in PUBLISHED_FILES:
        return load(path)
    content = read_pickle(path)
    if not isinstance(content, dict) or RUN not in content:
        del content  # what is read again is large
        return import_published(path)
    try:
        card = Card.from_json(content[RUN]["card"], source=str(path))
        tensors = {name.removeprefix(_NET): each for name, each in _state(content).items() if name.startswith(_NET)}
    except (LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} does not say of which network it is; it is no checkpoint of hlsmask train") from error
    net = outline(find(card.backbone, card.head or None), card)
    fill(net, tensors, source=str(path), network=card.backbone)
    return net


def _state(content: dict[str, Any]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = content["state_dict"]
    return state


def _told(ours: Card, theirs: Card) -> str:
    shared = [mask for mask in ours.masks if mask in theirs.masks]
    fresh = [mask for mask in ours.masks if mask not in theirs.masks]
    said = f"backbone and heads of {_listed(shared)}" if shared else "backbone alone"
    if fresh:
        said += f"; {_listed(fresh)} {'starts' if len(fresh) == 1 else 'start'} anew"
    if ours.normalization != theirs.normalization:
        said += "; they have learnt from reflectance scaled in another way"
    return said


def _listed(masks: Sequence[Mask]) -> str:
    return ", ".join(masks)
