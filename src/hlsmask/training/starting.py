"""How a run starts: a new network, the weights of another, or where a run was stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from hlsmask.card import Card, Normalization
from hlsmask.errors import CardError, ModelError
from hlsmask.models.build import create
from hlsmask.models.freezing import freeze_backbone
from hlsmask.models.published import import_published, read_pickle
from hlsmask.models.registry import find
from hlsmask.models.resuming import read_published_state
from hlsmask.models.starting import RUN, start_from

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.models.masknet import MaskNet
    from hlsmask.training.options import Network


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A network, and what came with it."""

    net: MaskNet
    """Ready to learn."""

    checkpoint: Path | None = None
    """Full state of a run of ours to go on with."""

    stem: str = ""
    """What that run's files are called."""

    epoch: int = 0
    """Epochs that a published run has done."""

    best: float = float("inf")
    """Its best loss."""

    optimizer: dict[str, Any] | None = None
    """State of its optimizer."""

    notes: tuple[str, ...] = ()
    """What whoever trains should know, a sentence each."""


def start(network: Network, seed: int) -> Start:
    """Return the network to train.

    Raises
    ------
    UsageError
        If there is no such network.
    ModelError
        If weights cannot be had or do not fit, or the run to go on with is one of another network.
    """
    torch.manual_seed(seed)
    if network.ckpt_path is None:
        begun = _new(network)
    elif _is_ours(network.ckpt_path):
        begun = _ours(network, network.ckpt_path)
    else:
        begun = _published(network, network.ckpt_path)
    if network.freeze == "backbone":
        freeze_backbone(begun.net)
    return begun


def _new(network: Network) -> Start:
    known = find(network.backbone, network.head)
    pretrained: bool | Path = network.pretrained == 1 and known.by_default and known.pretraining is not None
    if network.pretrained_weights is not None:
        pretrained = network.pretrained_weights
    if network.init is not None:
        pretrained = False
    net = _scaled(create(network.backbone, network.head, network.masks(), pretrained), network)
    if network.init is None:
        return Start(net)
    return Start(net, notes=(f"{network.init}: {start_from(net, network.init)}",))


def _scaled(net: MaskNet, network: Network) -> MaskNet:
    if network.normalization == "published":
        net.card = replace(net.card, normalization=Normalization("published"))
    return net


def _is_ours(path: Path) -> bool:
    """Say whether a checkpoint is one of ours, by what it holds."""
    content = read_pickle(path)
    return isinstance(content, dict) and RUN in content


def _ours(network: Network, path: Path) -> Start:
    content = read_pickle(path)
    try:
        card = Card.from_json(content[RUN]["card"], source=str(path))
        stem = str(content[RUN]["stem"])
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path} does not say of which network it is; it is no checkpoint of hlsmask train") from error
    _check_same(card, network, path)
    net = create(card.backbone, card.head, card.masks, pretrained=False)
    net.card = card
    return Start(net, checkpoint=path, stem=stem)


def _published(network: Network, path: Path) -> Start:
    net = import_published(path, network.backbone, network.head)
    _check_same(net.card, network, path)
    state = read_published_state(path, net)
    note = (state.note,) if state.note else ()
    net.card = replace(net.card, provenance={**net.card.provenance, "resumed": path.name})
    return Start(net.train(), epoch=state.epoch, best=state.best_performance, optimizer=state.optimizer, notes=note)


def _check_same(card: Card, network: Network, path: Path) -> None:
    """Raise an error if the run to go on with is one of another network than is asked for."""
    head = network.head or find(network.backbone).head
    if (card.backbone, card.head) != (network.backbone, head):
        raise ModelError(
            f"{path} is a run of {card.backbone} with {card.head}, not of {network.backbone} with {head}; "
            f"name --backbone {card.backbone} --head {card.head}, or start anew with --init"
        )
    if card.masks != network.masks():
        raise CardError(
            f"{path} is a run that learns {', '.join(card.masks)}, not {', '.join(network.masks())}; "
            f"name --tasks {' '.join(card.masks)}, or start anew with --init"
        )
