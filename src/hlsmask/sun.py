"""Where the sun stood."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, degrees, isfinite, radians, sin, tan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from affine import Affine


@dataclass(frozen=True, slots=True)
class Sun:
    """The sun's place in the sky over a scene, one value for the whole of it as DSWx-HLS takes it."""

    azimuth: float
    """Degrees clockwise from north, 0 to 360."""

    zenith: float
    """Degrees from straight up, 0 to below 90."""

    def __post_init__(self) -> None:
        if not (isfinite(self.azimuth) and isfinite(self.zenith) and 0 <= self.zenith < 90):  # noqa: PLR2004 - degrees
            raise ValueError(f"not a sun above the horizon: azimuth {self.azimuth}, zenith {self.zenith} degrees")

    @property
    def east(self) -> float:
        """East component of the unit vector from the ground to the sun."""
        return sin(radians(self.azimuth)) * sin(radians(self.zenith))

    @property
    def north(self) -> float:
        """North component of the unit vector from the ground to the sun."""
        return cos(radians(self.azimuth)) * sin(radians(self.zenith))

    @property
    def up(self) -> float:
        """Upward component of the unit vector from the ground to the sun."""
        return cos(radians(self.zenith))

    def shadow_step(self, height: float) -> tuple[float, float]:
        """Return how far (south, east), in metres, a thing `height` metres up throws its shadow."""
        reach = height * tan(radians(self.zenith))
        return reach * cos(radians(self.azimuth)), -reach * sin(radians(self.azimuth))

    def on_grid(self, transform: Affine) -> Sun:
        """Return the sun as a picture with this pixel-to-map `transform` sees it: its azimuth from "up" to the right.

        The same as this one where rows run south and columns east, as they do in every HLS granule.
        """
        east, north = sin(radians(self.azimuth)), cos(radians(self.azimuth))
        a, b, _, d, e, _ = transform[:6]
        determinant = a * e - b * d
        right, down = (e * east - b * north) / determinant, (a * north - d * east) / determinant
        return Sun(azimuth=degrees(atan2(right, -down)) % 360, zenith=self.zenith)
