"""Tensors into a network: all of them fit, or one sentence says which do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsmask.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor, nn

_NAMED = 6
"""Tensors of each kind that an error names; of the others it gives the number."""


def fill(net: nn.Module, tensors: Mapping[str, Tensor], *, source: str, network: str) -> None:
    """Make `tensors` the weights of `net`, which may have been built without any.

    Raises
    ------
    ModelError
        If tensors are missing, extra or of another shape.
    """
    wanted = net.state_dict()
    check(tensors, wanted, wanted, source=source, network=network)
    net.load_state_dict({name: tensors[name].to(tensor.dtype) for name, tensor in wanted.items()}, assign=True)
    for parameter in net.parameters():
        parameter.requires_grad = True


def check(
    tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], needed: Iterable[str], *, source: str, network: str
) -> None:
    """Raise ModelError unless `tensors` are all that is `needed`, each one of `wanted` and of its shape."""
    missing = [name for name in needed if name not in tensors]
    extra = [name for name in tensors if name not in wanted]
    misshapen = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    complain(source, network, missing, extra, misshapen)


def complain(source: str, network: str, missing: Iterable[str], extra: Iterable[str], misshapen: Iterable[str]) -> None:
    """Raise ModelError if there is anything in the three lists; do nothing if not."""
    parts = [
        f"{len(names)} {what} ({_some(names)})"
        for what, names in (("missing", list(missing)), ("extra", list(extra)), ("misshapen", list(misshapen)))
        if names
    ]
    if parts:
        raise ModelError(f"{source} does not fit {network}: tensors {'; '.join(parts)}")


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
