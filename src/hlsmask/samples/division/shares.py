"""What is asked of a division into splits; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hlsmask.errors import UsageError
from hlsmask.samples.sample import SPLITS

By = Literal["tile", "block"]
"""What goes to one split as a whole: an MGRS tile, or a block of ground."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What is asked of a division."""

    val: float = 0.1
    """Share of the samples for validation, 0 to below 1."""

    test: float = 0.1
    """Share of the samples for testing, 0 to below 1. What is left is for training."""

    block_km: float = 50.0
    """Width and height of the blocks of a division by block, km."""

    seed: int = 0
    """Another one gives another division."""

    def __post_init__(self) -> None:
        for name, value in (("val", self.val), ("test", self.test)):
            if not 0 <= value < 1:
                raise UsageError(f"--{name} is {value:g}; use a share from 0 to below 1, such as 0.1")
        if self.val + self.test >= 1:
            raise UsageError(f"--val {self.val:g} and --test {self.test:g} leave nothing to train on")
        if not 1 <= self.block_km <= 5000:  # noqa: PLR2004 - an eighth of the Earth's circumference
            raise UsageError(f"--block-km is {self.block_km:g}; use 1 to 5000 km")

    @property
    def asked(self) -> dict[str, float]:
        """Share of each split that is asked for."""
        shares = dict(zip(SPLITS, (1 - self.val - self.test, self.val, self.test), strict=True))
        return {split: share for split, share in shares.items() if share > 0}
