"""The six bands, the two sensors, and how HLS v2.0 stores reflectance.

Layer names: HLS v2.0 User Guide, and the `s30_v2_band_dict` / `l30_v2_band_dict` of NASA's PROTEUS.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

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


_COMMON_NAMES: Final = {"nir08": Band.NIR, "swir16": Band.SWIR1, "swir22": Band.SWIR2}
"""Names of the STAC electro-optical extension, where they are not ours."""


def find_bands(names: Iterable[str]) -> dict[Band, int]:
    """Return where in `names` each band is: by our names, STAC's common names, or HLS layers, in any case.

    Layers are those of S30 where there is a B8A, else those of L30. Bands that are not found are left out; the
    first of two with one name counts.
    """
    words = [name.strip().lower() for name in names]
    found: dict[Band, int] = {}
    for at, word in enumerate(words):
        band = _COMMON_NAMES.get(word) or (Band(word) if word in BANDS else None)
        if band is not None:
            found.setdefault(band, at)
    if not found:
        layers = (Sensor.S30 if "b8a" in words else Sensor.L30).layers
        found = {band: words.index(layer.lower()) for band, layer in layers.items() if layer.lower() in words}
    return {band: found[band] for band in BANDS if band in found}


def bands_of(descriptions: Iterable[str | None]) -> dict[Band, int]:
    """Return which band of a raster, from 1, each of ours is: by description, else in our order where there are six."""
    names = [name or "" for name in descriptions]
    found = find_bands(names)
    if not found and len(names) == len(BANDS):
        found = {band: at for at, band in enumerate(BANDS)}
    return {band: at + 1 for band, at in found.items()}


_LAYERS: Final = {
    Sensor.L30: ("B02", "B03", "B04", "B05", "B06", "B07"),
    Sensor.S30: ("B02", "B03", "B04", "B8A", "B11", "B12"),
}
