"""How a run starts: a new network, the weights of another, or where a run was stopped."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import torch

from hlsmask.card import Card, Normalization
from hlsmask.errors import CardError, ModelError, UsageError
from hlsmask.models.build import create
from hlsmask.models.freezing import freeze_backbone
from hlsmask.models.published import import_published, read_pickle
from hlsmask.models.registry import find
from hlsmask.models.resuming import read_published_state
from hlsmask.models.starting import RUN, start_from

if TYPE_CHECKING:
    from collections.abc import Mapping
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

    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Options that run was started with, by their names on the command line."""

    resumed: tuple[Mapping[str, Any], ...] = ()
    """How it was gone on with before: after which epoch, and with which other options."""

    stem: str = ""
    """What that run's files are called."""

    epoch: int = 0
    """Epochs that are done."""

    optimizer: dict[str, Any] | None = None
    """State of the optimizer of a published run."""

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
    else:
        content = read_pickle(network.ckpt_path)
        ours = isinstance(content, dict) and RUN in content
        begun = _ours(network, network.ckpt_path, content) if ours else _published(network, network.ckpt_path)
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


def _ours(network: Network, path: Path, content: dict[str, Any]) -> Start:
    try:
        card = Card.from_json(content[RUN]["card"], source=str(path))
        stem = str(content[RUN]["stem"])
        recipe, resumed = dict(content[RUN]["recipe"]), tuple(content[RUN]["resumed"])
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path} does not say of which network it is; it is no checkpoint of hlsmask train") from error
    _check_same(card, network, path)
    net = create(card.backbone, card.head, card.masks, pretrained=False)
    net.card = card
    done = int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
    return Start(net, checkpoint=path, stem=stem, recipe=recipe, resumed=resumed, epoch=done)


def _published(network: Network, path: Path) -> Start:
    net = import_published(path, network.backbone, network.head)
    _check_same(net.card, network, path)
    state = read_published_state(path, net)
    if network.normalization == "fixed":
        net.card = replace(net.card, normalization=find(network.backbone).normalization)
    note = (state.note,) if state.note else ()
    net.card = replace(net.card, provenance={**net.card.provenance, "resumed": path.name})
    return Start(net.train(), epoch=state.epoch, optimizer=state.optimizer, notes=note)


_KEPT: Final = ("normalization", "loss-type", "weight", "task-weights", "optimizer", "scheduler", "freeze")
"""Options that a run keeps when it goes on: its state fits no others, or its losses could not be compared."""


def check_kept(begun: Start, now: Mapping[str, Any]) -> None:
    """Raise UsageError if a run of ours is gone on with by options that its state does not fit."""
    if begun.checkpoint is None:
        return
    then = begun.recipe
    for name in _KEPT:
        if then.get(name) != now.get(name):
            raise UsageError(_changed(begun.checkpoint, name, then.get(name), now.get(name)))
    if bool(then.get("ema")) != bool(now.get("ema")):
        raise UsageError(_changed(begun.checkpoint, "ema", then.get("ema"), now.get("ema")))


def _changed(path: Path, name: str, then: Any, now: Any) -> str:  # noqa: ANN401 - any option
    was, wanted = (
        "none" if value is None else " ".join(map(str, value)) if isinstance(value, list) else value
        for value in (then, now)
    )
    return (
        f"{path} is a run with --{name} {was}, and cannot go on with {wanted}; name the same, or start anew with --init"
    )


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
