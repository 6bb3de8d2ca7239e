"""The features of a published sample: six bands in an npz archive that is called `.npy`, as HLS integers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.bands import BANDS, HLS_FILL, HLS_SCALE
from hlsmask.errors import MissingBandError, NotReflectanceError, UnreadableError
from hlsmask.granules.archive import Archive

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.granules.arrays import ArrayScene

REFLECTANCE: Final = 5.0
"""Floating-point features whose largest value is at most this are reflectance; HLS integers exceed it anywhere."""

_LIMITS: Final = np.iinfo(np.int16)
_COMPACT: Final = re.compile(r"(\d{7,8})(?:T(\d{6})Z?)?")


def open_features(path: Path, *, scale: float | None = None) -> ArrayScene:
    """Return the scene in a published sample; `scale` is the reflectance of one stored unit, if it is known.

    Raises
    ------
    UnreadableError
        If it cannot be read, or something in it is refused.
    MissingBandError
        If its features are not (rows, columns, 6).
    NotReflectanceError
        If they are not reflectance.
    """
    from hlsmask.granules.arrays import ArrayScene  # noqa: PLC0415 - xarray takes 60 MB, and few need it

    with Archive(path) as archive:
        features = archive.read("features")
        try:
            day = str(archive.read("date_str").ravel()[0])
        except (UnreadableError, IndexError):
            day = ""  # what describes a sample may be lost
    if features.ndim != 3 or features.shape[2] != len(BANDS):  # noqa: PLR2004 - rows, columns, bands
        raise MissingBandError(f"{path} has features of the shape {features.shape}; use (rows, columns, {len(BANDS)})")
    if scale is not None:
        return ArrayScene(features.transpose(2, 0, 1), name=path.stem, scale=scale, time=parse_time(day))
    bands = integers(features, path, reflectance=scaled(features))
    return ArrayScene(bands, name=path.stem, nodata=HLS_FILL, time=parse_time(day))


def integers(features: NDArray[Any], path: Path, *, reflectance: bool = False) -> NDArray[np.int16]:
    """Return HLS integers (6, h, w) for published features (h, w, 6).

    Whole numbers are HLS integers, and floating-point ones are too, unless `reflectance` says otherwise. NaN,
    infinity and -9999 are fill.

    Raises
    ------
    NotReflectanceError
        If they are no numbers.
    """
    if features.dtype.kind not in "iuf":
        raise NotReflectanceError(f"{path}: features are {features.dtype}, no numbers")
    if features.dtype.kind == "f" and not reflectance and _whole(features):
        features = np.rint(features).astype(np.int16)  # first, since half the bytes are turned in a third of the time
    planes = np.ascontiguousarray(features.transpose(2, 0, 1))
    if planes.dtype == np.int16:
        return planes
    if planes.dtype.kind == "f":
        blank = ~np.isfinite(planes) | (planes == HLS_FILL)
        planes[blank] = 0
        if reflectance:
            planes = planes / HLS_SCALE
        np.rint(planes, out=planes)
        np.clip(planes, _LIMITS.min, _LIMITS.max, out=planes)
        stored = planes.astype(np.int16)
        stored[blank] = HLS_FILL
        return stored
    whole: NDArray[np.int16] = np.clip(planes, _LIMITS.min, _LIMITS.max).astype(np.int16)
    return whole


def scaled(features: NDArray[Any]) -> bool:
    """Say whether floating-point features are reflectance; of a whole sample, since a window may be dark."""
    if features.dtype.kind != "f":
        return False
    highest = features.max(initial=0)
    if not np.isfinite(highest):
        highest = np.nanmax(np.where(np.isfinite(features), features, 0), initial=0)
    return bool(highest <= REFLECTANCE)


def _whole(features: NDArray[Any]) -> bool:
    """Say whether all floating-point numbers fit into 16 bits; NaN does not."""
    return bool(features.size and features.min() >= _LIMITS.min and features.max() <= _LIMITS.max)


def parse_time(text: str) -> datetime | None:
    """Return the time that a date in one of the usual spellings names, UTC; None where it is none.

    `2024190` is a day of the year, `20240708` one of a month; either may go on as `T174911` or `T174911Z`. What else
    ISO 8601 knows is read too.
    """
    found = _COMPACT.fullmatch(text.strip())
    try:
        if found:
            day = "%Y%j" if len(found[1]) == len("2024190") else "%Y%m%d"
            return datetime.strptime(f"{found[1]} {found[2] or '000000'}", f"{day} %H%M%S").replace(tzinfo=UTC)
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
