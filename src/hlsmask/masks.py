"""The five masks, their order, their published names and their values."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

ABSENT: Final = 0
"""The thing is not there."""

PRESENT: Final = 1
"""The thing is there."""

NOT_OBSERVED: Final = 255
"""Not observed, not asked for, or not known."""

CLEAR_WATER: Final = "clear_water"
"""The derived sixth layer of every product: water and none of the other four."""


class Mask(StrEnum):
    """What a pixel can be; members are in the order in which every array and file holds them."""

    WATER = "water"
    CLOUD = "cloud"
    CLOUD_SHADOW = "cloud_shadow"
    SNOW_ICE = "snow_ice"
    TERRAIN_SHADOW = "terrain_shadow"

    @classmethod
    def parse(cls, name: str) -> Mask:
        """Return the mask called `name`, ours or published (`water_mask`, `sun_mask`, ...).

        The published `sun_mask` names the same question as `terrain_shadow` with the answer inverted:
        whoever reads its *values* must invert them.

        Raises
        ------
        UsageError
            If there is no such mask; the message lists those that exist.
        """
        key = name.strip().lower().replace("-", "_")
        if key in PUBLISHED_NAMES:
            return PUBLISHED_NAMES[key]
        if key in cls.__members__.values():
            return cls(key)
        raise UsageError(f"there is no mask {name!r}; the masks are {', '.join(cls)}")

    @classmethod
    def parse_all(cls, names: Iterable[str]) -> tuple[Mask, ...]:
        """Return the masks called `names`, without repetition, in the order of this enumeration."""
        wanted = {cls.parse(name) for name in names}
        return tuple(mask for mask in cls if mask in wanted)

    @property
    def title(self) -> str:  # type: ignore[override]  # a label, not str.title()
        """Return the name as a person reads it, such as "cloud shadow"."""
        return "snow/ice" if self is Mask.SNOW_ICE else self.value.replace("_", " ")


PUBLISHED_NAMES: Final = {
    "water_mask": Mask.WATER,
    "cloud_mask": Mask.CLOUD,
    "cloudshadow_mask": Mask.CLOUD_SHADOW,
    "snowice_mask": Mask.SNOW_ICE,
    "sun_mask": Mask.TERRAIN_SHADOW,
}
"""Names in the published checkpoints and samples. `sun_mask` is 1 where sunlit: the inverse of ours."""


def check_stack(shape: tuple[int, ...]) -> None:
    """Raise ValueError if `shape` is not that of all masks, (5, rows, columns)."""
    if len(shape) != 3 or shape[0] != len(Mask):  # noqa: PLR2004 - (mask, row, column)
        raise ValueError(f"masks must have the shape ({len(Mask)}, rows, columns), not {shape}")
