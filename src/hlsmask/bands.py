"""The six bands, the two sensors, and how HLS v2.0 stores reflectance.

Layer names: HLS v2.0 User Guide, and the `s30_v2_band_dict` / `l30_v2_band_dict` of NASA's PROTEUS.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

HLS_SCALE: Final = 0.0001
"""Reflectance of one stored integer (HLS v2.0 User Guide, section 6)."""

HLS_FILL: Final = -9999
"""Stored integer of a pixel that was not observed."""

ANGLE_SCALE: Final = 0.01
"""Degrees of one stored integer in SZA, SAA, VZA and VAA."""

ANGLE_FILL: Final = 40000
"""Stored integer of an angle that is not known."""


class Band(StrEnum):
    """A spectral band; members are in the order in which every array holds them."""

    BLUE = "blue"
    GREEN = "green"
    RED = "red"
    NIR = "nir"
    SWIR1 = "swir1"
    SWIR2 = "swir2"


BANDS: Final = tuple(Band)
"""The six bands in order."""


class Sensor(StrEnum):
    """Which satellites an HLS granule comes from."""

    L30 = "L30"
    S30 = "S30"

    @property
    def layers(self) -> dict[Band, str]:
        """Layer name of each band, such as `B8A` for the near infrared of S30."""
        return dict(zip(BANDS, _LAYERS[self], strict=True))


_LAYERS: Final = {
    Sensor.L30: ("B02", "B03", "B04", "B05", "B06", "B07"),
    Sensor.S30: ("B02", "B03", "B04", "B8A", "B11", "B12"),
}
