"""How samples lie in the arrays of a store: shapes, chunks, codecs, and the differences that bands are kept as.

Neighbouring bands rise and fall together, so blue and red are kept as their difference from green, and swir2 as
its difference from swir1: 5 % fewer bytes, exactly reversible in 16-bit arithmetic (`benchmarks/samples.py`).
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.bands import BANDS, HLS_FILL, Band
from hlsmask.extras import needing
from hlsmask.masks import NOT_OBSERVED, Mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STORE: Final = 1
"""Version of the layout, in the attributes of the group."""

BASE: Final = {Band.BLUE: Band.GREEN, Band.RED: Band.GREEN, Band.SWIR2: Band.SWIR1}
"""From which band each of these is kept as a difference."""

CHUNK: Final = 256
"""Rows and columns of a chunk at most: a random crop decodes little more than it needs."""

SHARD_BYTES: Final = 128 << 20
"""Bytes, before compression, that a file of bands holds, about; as many samples as make them."""

LEVEL: Final = 8
"""Of pcodec: a higher one takes twice as long to write for 0.5 % fewer bytes."""

_PLACES: Final = tuple((BANDS.index(band), BANDS.index(base)) for band, base in BASE.items())


def to_differences(bands: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return what is stored for HLS integers (..., 6, h, w); what overflows wraps around, and back."""
    stored = bands.copy()
    for band, base in _PLACES:
        stored[..., band, :, :] -= bands[..., base, :, :]
    return stored


def from_differences(stored: NDArray[np.int16]) -> NDArray[np.int16]:
    """Turn what is stored (..., 6, h, w) into HLS integers, in place; return it."""
    for band, base in _PLACES:
        stored[..., band, :, :] += stored[..., base, :, :]
    return stored


def group_name(size: int) -> str:
    """Return the name of the group that holds the samples of `size` rows and columns."""
    return f"size-{size}"


def chunk_side(size: int) -> int:
    """Return rows and columns of a chunk: `size` in equal parts of at most `CHUNK`, or nearly."""
    parts = -(-size // CHUNK)
    return -(-size // parts)


def per_shard(size: int) -> int:
    """Return how many samples of `size` rows and columns lie in one file."""
    return max(1, SHARD_BYTES // (len(BANDS) * size * size * np.dtype(np.int16).itemsize))


_ALONE: Final = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what zarr says of pcodec on opening: that it is not yet in the Zarr specification.

    One thread at a time: Python's filters of warnings belong to all threads.
    """
    with _ALONE, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not in the Zarr version 3 specification.*")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        yield


def make_arrays(group: Any, size: int) -> Any:  # noqa: ANN401 - zarr, which may not be there
    """Make, in the group of a store, the empty arrays for samples of `size`; return their group."""
    with needing("samples", "a store of samples"), quiet():
        from zarr.codecs import Crc32cCodec, ZstdCodec  # noqa: PLC0415 - not there in the light install
        from zarr.codecs.numcodecs import PCodec  # noqa: PLC0415 - the same

        part = group.create_group(group_name(size))
        count, side = per_shard(size), chunk_side(size)
        whole = -(-size // side) * side
        part.create_array(
            "differences",
            shape=(0, len(BANDS), size, size),
            chunks=(1, len(BANDS), side, side),
            shards=(count, len(BANDS), whole, whole),
            dtype="int16",
            serializer=PCodec(level=LEVEL),
            compressors=Crc32cCodec(),  # pcodec itself notices no flipped bit
            fill_value=HLS_FILL,
            dimension_names=("sample", "band", "row", "column"),
            attributes={"bands": list(BANDS), "differences_from": dict(BASE), "scale": 0.0001, "fill": HLS_FILL},
        )
        flat = ZstdCodec(level=5, checksum=True)
        part.create_array(
            "labels",
            shape=(0, len(Mask), size, size),
            chunks=(1, len(Mask), side, side),
            shards=(count, len(Mask), whole, whole),
            dtype="uint8",
            compressors=flat,
            fill_value=NOT_OBSERVED,
            dimension_names=("sample", "mask", "row", "column"),
            attributes={"masks": list(Mask), "values": {"0": "absent", "1": "present", "255": "not known"}},
        )
        part.create_array(
            "fmask",
            shape=(0, size, size),
            chunks=(1, side, side),
            shards=(count, whole, whole),
            dtype="uint8",
            compressors=flat,
            fill_value=255,
            dimension_names=("sample", "row", "column"),
        )
    return part
