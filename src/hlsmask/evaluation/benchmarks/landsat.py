"""Landsat 8 Level-1 numbers become reflectance, by the metadata file that lies beside them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from hlsmask.bands import BANDS, HLS_FILL, HLS_SCALE
from hlsmask.errors import SampleError, first_line
from hlsmask.granules.features import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

NUMBERS: Final = (2, 3, 4, 5, 6, 7)
"""Landsat 8 band numbers of blue, green, red, nir, swir1 and swir2."""

_ENTRY: Final = re.compile(r'^\s*(\w+)\s*=\s*"?([^"\r\n]*?)"?\s*$', re.MULTILINE)
_LIMITS: Final = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns the numbers of one scene into reflectance at the top of the atmosphere.

    It is (gain x number + offset) / sin(sun elevation), with one sun for the whole scene (Landsat 8 Data Users
    Handbook, LSDS-1574, section 5.2).
    """

    gains: tuple[float, ...]
    """REFLECTANCE_MULT_BAND_n of the six bands."""

    offsets: tuple[float, ...]
    """REFLECTANCE_ADD_BAND_n of the six bands."""

    elevation: float
    """SUN_ELEVATION: the sun above the horizon at the middle of the scene, degrees, above 0 and up to 90."""

    time: datetime | None
    """Acquisition of the middle of the scene, UTC."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the metadata file (`MTL.txt`) at `path`.

        Raises
        ------
        SampleError
            If it is not there, or lacks what is needed.
        """
        try:
            entries = dict(_ENTRY.findall(path.read_text(encoding="utf-8", errors="replace")))
        except OSError as error:
            why = "there is no such file" if isinstance(error, FileNotFoundError) else first_line(error)
            raise SampleError(f"{path} cannot be read: {why}; reflectance needs the scene's MTL file") from error
        day, clock = entries.get("DATE_ACQUIRED", ""), entries.get("SCENE_CENTER_TIME", "")[:8]
        elevation = _number(entries, "SUN_ELEVATION", path)
        if not 0 < elevation <= 90:  # noqa: PLR2004 - degrees
            raise SampleError(f"{path}: SUN_ELEVATION is {elevation:g}; reflectance needs a sun of 0 to 90 degrees")
        return cls(
            tuple(_number(entries, f"REFLECTANCE_MULT_BAND_{number}", path) for number in NUMBERS),
            tuple(_number(entries, f"REFLECTANCE_ADD_BAND_{number}", path) for number in NUMBERS),
            elevation,
            parse_time(f"{day}T{clock}Z") if clock else parse_time(day),
        )

    def integers(self, numbers: NDArray[Any]) -> NDArray[np.int16]:
        """Return HLS integers (reflectance x 10,000) for stored numbers (6, h, w); 0, which is fill, becomes -9999."""
        sine = math.sin(math.radians(self.elevation)) * HLS_SCALE
        bands = np.empty(numbers.shape, np.int16)
        for at in range(len(BANDS)):
            plane = numbers[at].astype(np.float32)
            plane *= np.float32(self.gains[at] / sine)
            plane += np.float32(self.offsets[at] / sine)
            np.rint(plane, out=plane)
            np.clip(plane, _LIMITS.min, _LIMITS.max, out=plane)
            bands[at] = plane
        np.copyto(bands, np.int16(HLS_FILL), where=numbers == 0)
        return bands


def _number(entries: Mapping[str, str], key: str, path: Path) -> float:
    try:
        value = float(entries[key])
    except (KeyError, ValueError) as error:
        what = f"{key} is {entries[key]!r}" if key in entries else f"there is no {key}"
        raise SampleError(f"{path}: {what}; a Landsat 8 Level-1 MTL file has it as a number") from error
    if not math.isfinite(value):
        raise SampleError(f"{path}: {key} is {value}; use a finite number")
    return value
