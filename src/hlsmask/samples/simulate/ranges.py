"""Ranges from which a number a window is drawn, and how parameters are checked."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, TypeAlias

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Range: TypeAlias = tuple[float, float]
"""Least and most of an even draw; twice the same number is that number."""


def check(part: DataclassInstance, least: float, most: float, *names: str) -> None:
    """Raise UsageError if a number or range of `part` is not within `least` to `most`, or runs backwards.

    Without `names`, all fields that are numbers or ranges are checked.
    """
    wanted = names or [field.name for field in fields(part)]
    for name in wanted:
        value = getattr(part, name)
        if is_dataclass(value) or isinstance(value, str):
            continue
        ends = value if isinstance(value, (tuple, list)) else (value, value)
        if len(ends) != 2 or not all(isfinite(end) and least <= end <= most for end in ends) or ends[0] > ends[1]:  # noqa: PLR2004 - least and most
            form = "two numbers, least first," if isinstance(value, (tuple, list)) else "a number"
            raise UsageError(f"{type(part).__name__}.{name} is {value}; use {form} from {least:g} to {most:g}")
