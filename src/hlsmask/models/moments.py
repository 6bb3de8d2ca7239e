"""The state of Adam, ours and as the published code keeps it.

Adam works on each number alone. So a tensor of ours and the parts that published checkpoints cut it into take the
same steps, and what Adam remembers of it is cut and joined as the tensor itself is. Where the sign of a part is
turned, its gradients and their mean change their sign, and the mean of their squares does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from hlsmask.models.parts import by_ours, joined, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hlsmask.models.masknet import MaskNet
    from hlsmask.models.parts import Part

_SIGNED: Final = {"exp_avg": True, "exp_avg_sq": False, "max_exp_avg_sq": False}
"""What Adam remembers of a parameter besides its number of steps; whether it follows the sign of gradients."""

_NEEDED: Final = {"step", "exp_avg", "exp_avg_sq"}
"""What Adam always remembers; `max_exp_avg_sq` belongs to its variant AMSGrad."""

_BUFFERS: Final = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index", "attn_mask")
"""How the names of tensors end that are no parameters, of those that no layout knows."""

_LR: Final = 1e-4
"""The learning rate of the published code, unless another is given."""


class MisfitError(Exception):
    """A state of an optimizer is not one of Adam for this network; its text says why."""


def to_published(state: Mapping[str, Any] | None, net: MaskNet) -> dict[str, Any]:
    """Return the state of an Adam over the published form of `net`.

    Parameters
    ----------
    state
        `state_dict()` of a `torch.optim.Adam` (or `AdamW`) with one group, over those parameters of `net` that learn,
        in the order of `net.named_parameters()`; what comes after them (weights of losses) is left out. None, or
        another state: Adam starts anew, with the learning rate of the published code.
    net
        Of which `parts_of` knows the published form.
    """
    parts = [part for part in parts_of(net) if part.parameter]
    options = _fresh_options()
    remembered: dict[str, dict[str, Tensor]] = {}
    if state is not None:
        learning = {name: tuple(each.shape) for name, each in net.named_parameters() if each.requires_grad}
        try:
            group = _only_group(state, at_least=len(learning))
            remembered = _remembered(state, zip(group["params"], learning, strict=False), learning)
            options |= _options(group)
        except MisfitError:
            pass  # Adam starts anew
    states = {}
    for index, part in enumerate(parts):
        if part.ours in remembered:
            ours = remembered[part.ours]
            moments = {key: part.cut(ours[key], signed=_SIGNED[key]) for key in ours if key in _SIGNED}
            states[index] = {"step": ours["step"].clone(), **moments}
    return {"state": states, "param_groups": [{**options, "params": list(range(len(parts)))}]}


def from_published(state: object, names: Sequence[str], net: MaskNet) -> dict[str, Any]:
    """Return the state of an Adam over all parameters of `net`, in their order, of the published `state`.

    Parameters
    ----------
    state
        What the checkpoint holds of its optimizer.
    names
        Of all tensors of the checkpoint, in its order, without `module.`.
    net
        The network that was made of it.

    Raises
    ------
    MisfitError
        If it is no state of Adam for this network, or holds no steps.
    """
    if not isinstance(state, dict) or not isinstance(state.get("state"), dict) or not state["state"]:
        raise MisfitError("it remembers no steps")
    known = {part.theirs: part for part in parts_of(net)}
    learnt = [name for name in names if (known[name].parameter if name in known else not name.endswith(_BUFFERS))]
    group = _only_group(state)
    if len(group["params"]) != len(learnt):
        raise MisfitError(f"it is one of {len(group['params'])} tensors, the network has {len(learnt)} parameters")
    used = {name: part.shape for name, part in known.items() if part.ours is not None}
    theirs = _remembered(state, zip(group["params"], learnt, strict=True), used)
    owned = by_ours(known.values())
    ours = [name for name, _ in net.named_parameters()]
    states = {}
    for index, name in enumerate(ours):
        there = [theirs[part.theirs] for part in owned[name] if part.theirs in theirs]
        if there:
            states[index] = _joined(owned[name], theirs, there)
    return {
        "state": states,
        "param_groups": [{**_fresh_options(), **_options(group), "params": list(range(len(ours)))}],
    }


def _joined(
    group: Sequence[Part], theirs: Mapping[str, Mapping[str, Tensor]], there: Sequence[Mapping[str, Tensor]]
) -> dict[str, Tensor]:
    """Return what Adam remembers of a tensor of ours, of which `there` are the parts that have taken a step."""
    if len(there) != len(group) or len({(float(entry["step"]), *entry) for entry in there}) != 1:
        raise MisfitError("its masks have not taken the same number of steps")
    moments = {
        key: joined(group, {part.theirs: theirs[part.theirs][key] for part in group}, signed=_SIGNED[key])
        for key in there[0]
        if key in _SIGNED
    }
    return {"step": there[0]["step"].clone(), **moments}


def _only_group(state: Mapping[str, Any], at_least: int = 0) -> dict[str, Any]:
    groups = state.get("param_groups")
    group = groups[0] if isinstance(groups, list) and len(groups) == 1 else None
    if not isinstance(group, dict) or not isinstance(group.get("params"), list) or len(group["params"]) < at_least:
        raise MisfitError("its parameters are not in one group")
    return group


def _remembered(
    state: Mapping[str, Any], names: Iterable[tuple[int, str]], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, dict[str, Tensor]]:
    """Return by name what `state` remembers of each of `shapes`; of what has not taken a step yet, nothing."""
    by_name = {}
    for index, name in names:
        entry = state["state"].get(index)
        if not entry or name not in shapes:
            continue
        if not isinstance(entry, dict) or not _NEEDED <= set(entry) <= {*_NEEDED, *_SIGNED}:
            raise MisfitError("it is not one of Adam")
        step = torch.as_tensor(entry["step"], dtype=torch.float32).cpu()
        moments = {key: entry[key] for key in _SIGNED if key in entry}
        if any(not isinstance(each, Tensor) or tuple(each.shape) != shapes[name] for each in moments.values()):
            raise MisfitError(f"what it remembers of {name} is not of the shape {shapes[name]}")
        by_name[name] = {"step": step, **{key: each.detach().cpu() for key, each in moments.items()}}
    return by_name


def _options(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a group says of how Adam works: plain values alone, which are read without running anything."""
    plain = (int, float, bool, tuple, type(None))
    return {key: value for key, value in group.items() if key != "params" and isinstance(value, plain)}


def _fresh_options() -> dict[str, Any]:
    return _options(torch.optim.Adam([nn.Parameter(torch.zeros(()))], lr=_LR).state_dict()["param_groups"][0])
