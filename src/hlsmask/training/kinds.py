"""The names of what a run can be made of; loads nothing heavy."""

from __future__ import annotations

from typing import Final, Literal, get_args

from hlsmask.errors import UsageError

LossName = Literal["bce", "adaptive_maxpool", "dice", "focal", "tversky"]
"""Losses of a mask, each a part of what `parts_of` reads."""

WeightingKind = Literal["uniform", "fixed", "uncertainty", "uncert"]
"""How the losses of masks become one; `uncert` is how the improv-mask project calls `uncertainty`."""

OptimizerName = Literal["adam", "adamw"]
"""How weights follow gradients."""

SchedulerName = Literal["none", "steplr", "cosine", "onecycle"]
"""How the learning rate goes."""

Best = Literal["loss", "f1", "last"]
"""Which epoch's weights are the best: of the lowest validation loss, of the highest mean F1 there, or the last."""

LOSSES: Final[tuple[LossName, ...]] = get_args(LossName)
"""All losses."""


def parts_of(text: str) -> tuple[LossName, ...]:
    """Return the losses that `text` joins by "+", such as `bce+dice`, in its order.

    Raises
    ------
    UsageError
        If there is no such loss, or one is named twice; the message lists those that exist.
    """
    names = [name.strip().lower() for name in text.split("+")]
    parts = tuple(loss for name in names for loss in LOSSES if loss == name)
    if len(parts) < len(names):
        stranger = next(name for name in names if name not in LOSSES)
        raise UsageError(
            f"there is no loss {stranger!r} (in {text!r}); use {', '.join(LOSSES)}, or several as bce+dice"
        )
    if len(set(parts)) < len(parts):
        raise UsageError(f"the loss {text!r} names a part twice; name each once")
    return parts
