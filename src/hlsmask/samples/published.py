"""The published dataset, read as it lies on disk.

Lists `train.npy`, `val.npy` and `test.npy` (npz archives under another name) hold absolute paths of another machine
under `fps`; samples, npz archives named `.npy` too, hold `features` (h, w, 6), five masks (h, w) and what is known
of them. Bands are blue, green, red, nir, swir1, swir2, whatever the README says; `sun_mask` is 1 where the ground is
sunlit; the Fmask layer is called `fmask` or `fmask_data`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.bands import BANDS, Sensor
from hlsmask.errors import NotReflectanceError, SampleError, UnreadableError
from hlsmask.granules.archive import Archive
from hlsmask.granules.features import integers, parse_time, scaled
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, PUBLISHED_NAMES, Mask
from hlsmask.samples.lists import Lists
from hlsmask.samples.sample import SMALLEST, Record, Sample, same_fill
from hlsmask.samples.sequence import Samples
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


_NAMES: Final = tuple(sorted(PUBLISHED_NAMES, key=lambda name: list(Mask).index(PUBLISHED_NAMES[name])))
"""Of the masks, in our order."""

_FMASK: Final = ("fmask", "fmask_data")


class PublishedSamples(Samples):
    """The samples of a published list, or of all of them."""

    def __init__(self, path: Path, split: str | None = None, *, missing: str = "raise") -> None:
        """Read the lists of the folder `path`.

        Parameters
        ----------
        path
            Folder of the lists.
        split
            `train`, `val` or `test`; None for all that there are; without lists, all samples below the folder.
        missing
            `raise`, or `skip`, where a list names files that are not there.

        Raises
        ------
        DatasetError
            If a list cannot be read, is refused, names nothing that exists, or names files that are not there.
        """
        self.path = path
        lists = Lists.read(path, split)
        self.missing = lists.missing
        if self.missing and missing == "raise":
            raise lists.complaint()
        self.files: Sequence[tuple[str, Path]] = lists.files
        self._sizes: dict[int, int] = {}

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.files)

    def name(self, index: int) -> str:
        """Return the id of a sample: its path below the folder, without `.npy`."""
        path = self.files[index][1].with_suffix("")
        return path.relative_to(self.path).as_posix()

    def record(self, index: int) -> Record:
        """Return what is known of a sample; of its bands only the header is read."""
        with _archive(self.files[index][1]) as archive:
            return self._record(archive, index)

    def size(self, index: int) -> int:
        """Return rows and columns of a sample; its file is opened once."""
        if index in self._sizes:
            return self._sizes[index]
        with _archive(self.files[index][1]) as archive:
            return self._size(archive, index)

    def sample(self, index: int) -> Sample:
        """Return a whole sample."""
        path = self.files[index][1]
        with _archive(path) as archive:
            record = self._record(archive, index)
            bands, labels = _pixels(archive, record.size)
            fmask = _fmask(archive)
        return Sample.of(record, bands, labels, fmask)

    def stored(self, index: int, window: Window | None = None) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a sample, or of a window that lies within it."""
        with _archive(self.files[index][1]) as archive:
            size = self._size(archive, index)
            bands, labels = _pixels(archive, size, window or Window(0, 0, size, size))
        return same_fill(bands, labels)

    def _size(self, archive: Archive, index: int) -> int:
        """Return rows and columns of a sample whose layers are all there and of one size."""
        path = self.files[index][1]
        if index in self._sizes:
            return self._sizes[index]
        if lacking := [name for name in ("features", *_NAMES) if name not in archive.names]:
            raise SampleError(f"{path} lacks {', '.join(lacking)}")
        shape = _shape(archive, "features")
        if len(shape) != 3 or shape[2] != len(BANDS) or shape[0] != shape[1] or shape[0] < SMALLEST:  # noqa: PLR2004
            raise SampleError(
                f"{path}: features have the shape {shape}; use (n, n, {len(BANDS)}) with n of {SMALLEST} or more"
            )
        for name in (*_NAMES, *(name for name in _FMASK if name in archive.names)):
            if (own := _shape(archive, name)) != shape[:2]:
                raise SampleError(
                    f"{path}: {name} has the shape {own} and features {shape}; layers must be of one size"
                )
        self._sizes[index] = shape[0]
        return shape[0]

    def _record(self, archive: Archive, index: int) -> Record:
        satellite = _text(archive, "opera_sat").strip()
        platform = _platform(satellite)
        lat, lon = _place(archive)
        return Record(
            id=self.name(index),
            size=self._size(archive, index),
            split=self.files[index][0],
            sensor=_sensor(platform or satellite),
            platform=platform,
            tile=_tile(_text(archive, "tile_id")),
            time=parse_time(_text(archive, "date_str")),
            lon=lon,
            lat=lat,
        )


def _archive(path: Path) -> Archive:
    try:
        return Archive(path)
    except UnreadableError as error:
        raise SampleError(str(error)) from error


def _shape(archive: Archive, name: str) -> tuple[int, ...]:
    try:
        return archive.shape(name)
    except UnreadableError as error:
        raise SampleError(str(error)) from error


def _layer(archive: Archive, name: str) -> NDArray[Any]:
    try:
        return archive.read(name)
    except UnreadableError as error:
        raise SampleError(str(error)) from error


def _pixels(archive: Archive, size: int, window: Window | None = None) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return bands and labels as they are stored, of a window or the whole, fill not yet the same in all."""
    window = window or Window(0, 0, size, size)
    place = (slice(window.row, window.bottom), slice(window.col, window.right))
    features = _layer(archive, "features")
    try:
        bands = integers(features[place], archive.path, reflectance=scaled(features))
    except NotReflectanceError as error:
        raise SampleError(str(error)) from error
    return bands, np.stack([_labels(archive, name, place) for name in _NAMES])


def _labels(archive: Archive, name: str, place: tuple[slice, slice]) -> NDArray[np.uint8]:
    stored = _layer(archive, name)[place]
    if stored.dtype.kind not in "biuf":
        raise SampleError(f"{archive.path}: {name} is {stored.dtype}, no numbers")
    if stored.dtype in (np.uint8, np.bool_) and stored.max(initial=0) <= PRESENT:
        labels = stored.astype(np.uint8)
    else:
        labels = np.full(stored.shape, NOT_OBSERVED, np.uint8)
        labels[stored == PRESENT] = PRESENT
        labels[stored == ABSENT] = ABSENT
        known = ~np.isnan(stored) if stored.dtype.kind == "f" else np.True_
        if (wrong := known & (labels == NOT_OBSERVED) & (stored != NOT_OBSERVED)).any():
            values = ", ".join(f"{value:g}" for value in np.unique(stored[wrong])[:5])
            raise SampleError(f"{archive.path}: {name} holds {values}; use 0, 1, or 255 where it is not known")
    if PUBLISHED_NAMES[name] is Mask.TERRAIN_SHADOW:  # published as 1 = sunlit
        np.bitwise_xor(labels, PRESENT, out=labels, where=labels != NOT_OBSERVED)
    return labels


def _fmask(archive: Archive) -> NDArray[np.uint8] | None:
    name = next((name for name in _FMASK if name in archive.names), None)
    if name is None:
        return None
    stored = _layer(archive, name)
    if stored.dtype.kind not in "biuf":
        raise SampleError(f"{archive.path}: {name} is {stored.dtype}, no numbers")
    bytes_: NDArray[np.uint8] = np.clip(np.nan_to_num(stored, nan=255), 0, 255).astype(np.uint8)
    return bytes_


def _text(archive: Archive, name: str) -> str:
    if name not in archive.names:
        return ""
    try:
        value = archive.read(name)
    except UnreadableError:
        return ""  # what describes a sample may be lost; what it is made of may not
    item = value.ravel()[0] if value.size else ""
    return item.decode(errors="replace") if isinstance(item, bytes) else str(item)


def _place(archive: Archive) -> tuple[float | None, float | None]:
    if "mid_latlon" not in archive.names:
        return None, None
    try:
        lat, lon = (float(part) for part in np.ravel(archive.read("mid_latlon"))[:2])
    except (UnreadableError, ValueError, TypeError):
        return None, None
    good = -90 <= lat <= 90 and -180 <= lon <= 360  # noqa: PLR2004 - degrees
    return (lat, (lon + 180) % 360 - 180) if good else (None, None)


def _platform(text: str) -> str:
    found = re.fullmatch(r"(?:landsat|l|lc)[-_ ]?0?([89])", text.strip(), re.IGNORECASE)
    if found:
        return f"L{found[1]}"
    found = re.fullmatch(r"(?:sentinel[-_ ]?2|s2)[-_ ]?([abc])", text.strip(), re.IGNORECASE)
    return f"S2{found[1].upper()}" if found else ""


def _sensor(text: str) -> str:
    """Return the sensor of a platform such as L8 or S2A, or of its own name; "" for others."""
    if text.upper() in tuple(Sensor):
        return text.upper()
    kinds = {"L": Sensor.L30, "S": Sensor.S30}
    return str(kinds[text[0]]) if _platform(text) else ""


def _tile(text: str) -> str:
    found = re.search(r"T?(\d{2}[C-X][A-Z]{2})", text.upper())
    return found[1] if found else ""
