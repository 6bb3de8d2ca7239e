"""Where a published run was stopped, so that training goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsmask.models.moments import MisfitError, from_published
from hlsmask.models.published import bare_names, read_container

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch.optim import Optimizer

    from hlsmask.models.masknet import MaskNet


@dataclass(frozen=True, slots=True, eq=False)
class PublishedState:
    """What a published checkpoint holds besides its weights."""

    epoch: int
    """Epochs that are done; 0 if it does not say."""

    best_performance: float
    """Its best validation loss; infinity if it does not say."""

    optimizer: dict[str, Any] | None
    """State of a `torch.optim.Adam` with one group, over all parameters of our network in the order of
    `net.named_parameters()`. `take_up` gives it to any Adam. None: it does not fit."""

    note: str
    """A sentence on why the optimizer starts anew; empty if it does not."""


def read_published_state(path: Path | str, net: MaskNet) -> PublishedState:
    """Return what a published checkpoint holds besides its weights.

    Parameters
    ----------
    path
        The `.pth.tar` file.
    net
        The network that `import_published` made of it, or one of the same kind and masks.

    Raises
    ------
    UsageError
        If `net` is of a kind that was never published.
    ModelError
        If the file cannot be read, or is no published checkpoint.
    """
    path = Path(path)
    container = read_container(path)
    optimizer, note = None, ""
    try:
        optimizer = from_published(container.get("optimizer"), list(bare_names(container["state_dict"])), net)
    except MisfitError as error:
        note = f"the optimizer starts anew, since the state of it in {path} cannot be used: {error}"
    epoch, best = container.get("epoch"), container.get("best_performance")
    return PublishedState(
        epoch if isinstance(epoch, int) and epoch > 0 else 0,
        float(best) if isinstance(best, (int, float)) and not isnan(best) else inf,
        optimizer,
        note,
    )


def take_up(optimizer: Optimizer, state: Mapping[str, Any], net: MaskNet) -> None:
    """Give `optimizer` what the `optimizer` of a `PublishedState` remembers of each parameter of `net`.

    Parameters
    ----------
    optimizer
        An Adam or AdamW; its groups may be any, and it may lack parameters of `net` or have others. Its options, the
        learning rate among them, stay.
    state
        What it is to remember.
    net
        The network that the state was read for.
    """
    current = optimizer.state_dict()
    places = {
        id(parameter): place
        for group, packed in zip(optimizer.param_groups, current["param_groups"], strict=True)
        for parameter, place in zip(group["params"], packed["params"], strict=True)
    }
    for index, parameter in enumerate(net.parameters()):
        if index in state["state"] and id(parameter) in places:
            current["state"][places[id(parameter)]] = state["state"][index]
    optimizer.load_state_dict(current)
