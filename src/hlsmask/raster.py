"""The only array that knows where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox


_METRES_PER_DEGREE: Final = 111_320.0
"""Along the equator."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Bands of one window of a scene."""

    data: NDArray[np.float32]
    """Reflectance, shape (band, row, column), 1.0 = all light returned; NaN where `valid` is False."""

    valid: NDArray[np.bool_]
    """Shape (row, column); True where every band was observed. (The inverse of a numpy mask.)"""

    names: tuple[str, ...]
    """One name a band, in the order of `data`."""

    geobox: GeoBox
    """Where the pixels lie: shape, affine transform and CRS (None where the scene has none)."""

    def __post_init__(self) -> None:
        if self.data.ndim != 3 or self.data.shape[0] != len(self.names):  # noqa: PLR2004 - (band, row, column)
            raise ValueError(f"data of shape {self.data.shape} does not hold the {len(self.names)} bands {self.names}")
        if self.data.dtype != np.float32:
            raise ValueError(f"data must be float32 reflectance, not {self.data.dtype}")
        if self.valid.shape != self.data.shape[1:] or self.valid.dtype != np.bool_:
            raise ValueError(f"valid must be bool of shape {self.data.shape[1:]}, not {self.valid.shape}")
        if tuple(self.geobox.shape) != self.valid.shape:
            raise ValueError(f"geobox of shape {tuple(self.geobox.shape)} does not fit {self.valid.shape}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.valid.shape
        return rows, columns


def pixel_metres(geobox: GeoBox) -> float | None:
    """Return the length of a pixel's longer side in metres; None where the CRS is missing or has other units."""
    if geobox.crs is None:
        return None
    sides = geobox.transform
    longest = max((sides.a**2 + sides.d**2) ** 0.5, (sides.b**2 + sides.e**2) ** 0.5)
    if geobox.crs.geographic:
        return float(round(longest * _METRES_PER_DEGREE, 1))
    axes = geobox.crs.proj.axis_info
    return float(round(longest * axes[0].unit_conversion_factor, 3)) if axes else None
