"""Checkpoints of the improv-mask project: read without running what may be in them, and turned into ours.

The container is a dict `{epoch, state_dict, best_performance, optimizer}`; every name begins with `module.` where
training ran on several GPUs, or without `--gpu`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import isfinite
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import Tensor

from hlsmask.card import Normalization
from hlsmask.errors import ModelError, first_line
from hlsmask.masks import PUBLISHED_NAMES, Mask
from hlsmask.models.build import outline
from hlsmask.models.files import check_readable, sha256_of
from hlsmask.models.fit import complain, fill
from hlsmask.models.layout import DECODERS
from hlsmask.models.parts import by_ours, joined, layout_of, parts_of
from hlsmask.models.registry import NETWORKS, UNSTATED, Network, find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.models.masknet import MaskNet

PAPER: Final = "https://doi.org/10.1109/JSTARS.2025.3551620"


def import_published(path: Path | str, backbone: str | None = None, head: str | None = None) -> MaskNet:
    """Return the network of a published checkpoint, in evaluation mode, with a card.

    Its sigmoid outputs are those of the original, but for terrain shadow: that is 1 - `sun_mask`. The card asks
    for the joint min-max normalization that the original does. Without `backbone`, the names of the tensors tell.

    Raises
    ------
    UsageError
        If there is no such backbone or head.
    ModelError
        If the file cannot be read, tries to run code, is no checkpoint of a published network, or its tensors do
        not fit: those that are missing, extra or of another shape are listed.
    """
    path = Path(path)
    container = read_container(path)
    tensors = bare_names(container["state_dict"])
    network = _guess(tensors, path) if backbone is None else find(backbone, head)
    if network.layout is None:
        raise ModelError(
            f"there are no published checkpoints of {network.backbone}; leave out its name to have it told"
        )
    masks = _masks(tensors, path)
    card = network.card(masks)
    net = outline(network, replace(card, normalization=Normalization("published")))
    ours = _ours(tensors, net, source=str(path))
    fill(net, ours, source=str(path), network=network.backbone)
    provenance = {
        "published": path.name,
        "sha256": sha256_of(path),
        "paper": PAPER,
        "licence": UNSTATED,
        **{key: container[key] for key in ("epoch", "best_performance") if _is_number(container.get(key))},
    }
    if network.note:
        provenance["note"] = network.note
    net.card = replace(
        net.card,
        version=f"published-{provenance['sha256'][:12]}",
        definitions={Mask.TERRAIN_SHADOW: "shad"} if Mask.TERRAIN_SHADOW in masks else {},
        provenance=provenance,
    )
    return net.eval()


def read_container(path: Path) -> dict[str, Any]:
    """Return what a published checkpoint holds: its `state_dict` is one of tensors, of the rest nothing is known.

    Raises
    ------
    ModelError
        If the file cannot be read, tries to run code, or is no checkpoint.
    """
    container = read_pickle(path)
    state = container.get("state_dict") if isinstance(container, dict) else None
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise ModelError(f"{path} is no published checkpoint: it has no state_dict of tensors")
    return cast("dict[str, Any]", container)


def bare_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors, in their order, by their names without `module.`."""
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def read_pickle(path: Path) -> Any:  # noqa: ANN401 - whatever lies in the file, tensors and plain values alone
    """Return what torch.save wrote to `path`, if it is made of tensors and plain values.

    Raises
    ------
    ModelError
        If the file cannot be read, is cut off, or holds anything that would run code.
    """
    check_readable(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        reason = _culprit(str(error))
        raise ModelError(
            f"{path} is refused: it holds more than tensors and numbers{reason}, which could run code when it is read"
        ) from error
    except Exception as error:  # a file that is no pickle fails in many ways
        raise ModelError(f"{path} is cut off or no checkpoint ({first_line(error)})") from error


def _culprit(message: str) -> str:
    """Return what torch says it would have had to call, such as " (posix.system)"; nothing if it does not say."""
    found = re.search(r"\bGLOBAL (\S+)", message, re.IGNORECASE)
    return f" ({found[1].rstrip('.,')})" if found else ""


def _guess(tensors: Mapping[str, Tensor], path: Path) -> Network:
    fitting = [network for network in NETWORKS.values() if network.published and network.signature in tensors]
    if len(fitting) != 1:
        names = [network.backbone for network in NETWORKS.values() if network.published]
        raise ModelError(
            f"{path} cannot be told to be one of the published networks from its tensors; name one with --backbone: "
            f"{', '.join(names)}"
        )
    return fitting[0]


def _masks(tensors: Mapping[str, Tensor], path: Path) -> tuple[Mask, ...]:
    named = {name.removeprefix(DECODERS).partition(".")[0] for name in tensors if name.startswith(DECODERS)}
    masks = tuple(mask for mask in Mask if mask in {PUBLISHED_NAMES.get(name) for name in named})
    if not masks:
        raise ModelError(
            f"{path} has no heads: no tensor is called {DECODERS}<mask>..., mask one of {', '.join(PUBLISHED_NAMES)}"
        )
    return masks


def _ours(tensors: Mapping[str, Tensor], net: MaskNet, *, source: str) -> dict[str, Tensor]:
    """Return published tensors under our names: the masks' parts joined, the sign of `sun_mask` turned."""
    layout = layout_of(net)
    used = {part.theirs: part for part in parts_of(net) if part.ours is not None}
    missing = [name for name in used if name not in tensors]
    extra = [name for name in tensors if name not in used and not layout.is_unused(name)]
    misshapen = [
        f"{name} {tuple(tensors[name].shape)} instead of {part.shape}"
        for name, part in used.items()
        if name in tensors and tuple(tensors[name].shape) != part.shape
    ]
    complain(source, net.card.backbone, missing, extra, misshapen)
    return {name: joined(group, tensors) for name, group in by_ours(used.values()).items()}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
