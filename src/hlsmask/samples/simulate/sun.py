"""The sun over each window of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hlsmask.samples.simulate.fields import Rows
    from hlsmask.sun import Sun

    Draw = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Suns:
    """Where the sun stands, one a window: clouds, relief and all else are lit from there."""

    azimuth: Draw
    """Degrees clockwise from up, shape (n,)."""

    zenith: Draw
    """Degrees from straight up, shape (n,)."""

    @classmethod
    def of(cls, suns: Sequence[Sun]) -> Suns:
        """Return the suns of windows whose sun is known."""
        azimuth = np.array([sun.azimuth for sun in suns], np.float32)
        return cls(azimuth, np.array([sun.zenith for sun in suns], np.float32))

    def of_rows(self, rows: Rows) -> Suns:
        """Return the suns of some windows."""
        return Suns(self.azimuth[rows], self.zenith[rows])

    @property
    def east(self) -> Draw:
        """East part of the unit vector along the ground to the sun, shape (n,)."""
        return np.sin(np.radians(self.azimuth))

    @property
    def north(self) -> Draw:
        """North part of the same, shape (n,)."""
        return np.cos(np.radians(self.azimuth))

    def throw(self, height: Draw, pixel: float) -> tuple[Draw, Draw]:
        """Return how many pixels (down, right) things `height` metres up throw their shadows, shape (n,) each."""
        reach = height * np.tan(np.radians(self.zenith)) / np.float32(pixel)
        return reach * self.north, -reach * self.east
