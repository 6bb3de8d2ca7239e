"""A sample: a small square of a scene with its labels, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - the manifest reads the annotations
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.bands import BANDS, HLS_FILL, HLS_SCALE
from hlsmask.errors import SampleError
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST: Final = 64
"""Rows and columns that a sample has at least."""

SPLITS: Final = ("train", "val", "test")
"""Parts of a dataset; a sample that is in none has the split ""."""

LEAST: Final = round(-0.2 / HLS_SCALE)
"""A stored integer below this is fill, as in HLS (known issues, April 2026)."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a sample but its pixels; a row of a store's manifest."""

    id: str
    """Name, unique in its dataset."""

    size: int
    """Rows and columns."""

    split: str = ""
    """`train`, `val`, `test`, or "" for none."""

    granule: str = ""
    """HLS granule it was cut from, such as `HLS.S30.T13TDE.2024190T174911.v2.0`; of a simulated sample that of its
    background, or `background:` and its id; "" where not known."""

    sensor: str = ""
    """`L30`, `S30`, or "" where not known."""

    platform: str = ""
    """`L8`, `L9`, `S2A`, `S2B`, `S2C`, or "" where not known."""

    tile: str = ""
    """MGRS tile without the leading T, or "" where not known."""

    time: datetime | None = None
    """Acquisition, UTC."""

    row: int | None = None
    """First row in the granule."""

    col: int | None = None
    """First column in the granule."""

    crs: str = ""
    """Such as `EPSG:32613`, or "" where not known."""

    left: float | None = None
    """Left edge of the sample in its CRS."""

    top: float | None = None
    """Top edge of the sample in its CRS."""

    lon: float | None = None
    """Longitude of the middle, degrees east."""

    lat: float | None = None
    """Latitude of the middle, degrees north."""

    terrain_shadow: str = "shad"
    """What its terrain shadow means: `shad`, or `shad+cast`."""

    source: str = "observed"
    """`observed`, or `simulated` where clouds, shadows, snow or relief are simulated."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Bands and labels of a square; fill is the same in all of them."""

    record: Record
    """What is known of it."""

    bands: NDArray[np.int16]
    """HLS integers (reflectance x 10,000), shape (6, size, size); a pixel is -9999 in all bands or in none."""

    labels: NDArray[np.uint8]
    """0, 1 or 255 (not known), shape (5, size, size) in the order of `Mask`; 255 where the bands are fill."""

    fmask: NDArray[np.uint8] | None = None
    """The Fmask layer of HLS, shape (size, size), 255 = fill; None where there is none."""

    def __post_init__(self) -> None:
        side = self.record.size
        for name, array, shape, dtype in (
            ("bands", self.bands, (len(BANDS), side, side), np.int16),
            ("labels", self.labels, (len(Mask), side, side), np.uint8),
            ("fmask", self.fmask, (side, side), np.uint8),
        ):
            if array is not None and (array.shape != shape or array.dtype != dtype):
                found = f"{array.dtype} of {array.shape}"
                raise SampleError(f"{self.record.id}: {name} must be {np.dtype(dtype)} of {shape}, not {found}")

    @classmethod
    def of(
        cls,
        record: Record,
        bands: NDArray[np.int16],
        labels: NDArray[np.uint8],
        fmask: NDArray[np.uint8] | None = None,
    ) -> Sample:
        """Return the sample with its fill made the same everywhere.

        A pixel counts as observed if no band holds -9999 or less than -0.2 reflectance and not all six hold 0.
        Where it does not, all bands become -9999 and all labels 255.

        Raises
        ------
        SampleError
            If shapes or types do not fit, or a label is neither 0 nor 1 nor 255.
        """
        wrong = (labels > PRESENT) & (labels != NOT_OBSERVED)
        if wrong.any():
            mask = list(Mask)[int(np.argmax(wrong.any(axis=(1, 2))))]
            values = ", ".join(str(value) for value in np.unique(labels[wrong])[:5])
            raise SampleError(f"{record.id}: labels of {mask} hold {values}; use 0, 1, or 255 where it is not known")
        return cls(record, *same_fill(bands.copy(), labels.copy()), fmask)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Where something was observed, shape (size, size)."""
        return np.asarray(self.bands[0] != HLS_FILL)


def same_fill(bands: NDArray[np.int16], labels: NDArray[np.uint8]) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Give HLS integers (6, h, w) and labels (5, h, w) the same fill, -9999 and 255, in place; return both."""
    blank = ~observed(bands)
    np.copyto(bands, np.int16(HLS_FILL), where=blank)
    np.copyto(labels, np.uint8(NOT_OBSERVED), where=blank)
    return bands, labels


def observed(bands: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return where HLS integers (6, h, w) were observed, bool (h, w)."""
    return np.asarray((bands >= LEAST).all(axis=0) & (bands != 0).any(axis=0))


def reflectance(bands: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return float32 reflectance for HLS integers of a `Sample` (6, h, w) or a part of it; NaN where fill."""
    scaled = bands.astype(np.float32)
    scaled *= np.float32(HLS_SCALE)
    blank = bands[0] == HLS_FILL
    if blank.any():
        np.copyto(scaled, np.float32(np.nan), where=blank)
    return scaled
