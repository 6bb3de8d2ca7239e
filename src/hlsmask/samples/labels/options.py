"""What a person can choose when labels are made; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

from hlsmask.errors import UsageError


@dataclass(frozen=True, slots=True)
class Rules:
    """How labels are made. What they cannot know is 255."""

    partial_water: Literal["unknown", "water", "absent"] = "unknown"
    """What partial surface water of DSWx is: 255, since a pixel that is half water is neither; water; or none."""

    adjacent: Literal["unknown", "absent", "shadow"] = "unknown"
    """What the ring of 150 m adjacent to cloud and shadow is: 255 in both masks; neither of them; or cloud shadow, as
    the CLOUD layer of DSWx counts it. Water, snow and terrain shadow are labelled in it."""

    false_snow: Literal["unknown", "water"] = "unknown"
    """What open water is that Fmask calls snow: 255 in both masks; or water and no snow, for places where rivers carry
    silt and nothing freezes."""

    def __post_init__(self) -> None:
        hints = get_type_hints(Rules)
        for each in fields(self):
            value, choices = getattr(self, each.name), get_args(hints[each.name])
            if value not in choices:
                raise UsageError(f"--{each.name.replace('_', '-')} is {value!r}; use {', '.join(choices)}")
