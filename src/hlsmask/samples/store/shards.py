"""Samples read straight from the shards of an array, without a library between.

The store is plain Zarr v3: zarr-python writes it, and any reader of Zarr may read it. But training reads nothing else
for days, and there half of the time went into zarr's own machinery. A shard is its chunks one after the other and an
index of their places at its end: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/.
"""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.errors import DatasetError, SampleError, first_line
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.windows import Window

_NOWHERE: Final = 2**64 - 1
"""In an index: a chunk that holds nothing but fill."""

_CHECKSUM: Final = 4
"""Bytes of CRC-32C behind the index."""


class Shards:
    """An array of (sample, plane, row, column), or (sample, row, column), whose chunks are squares of one sample."""

    def __init__(self, folder: Path) -> None:
        """Read what the array in `folder` says of itself.

        Raises
        ------
        DatasetError
            If it cannot be read, or is stored in another way than stores of this version are.
        MissingPackageError
            If numcodecs, or its pcodec, is not installed.
        """
        self.folder = folder
        try:
            about = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
            (sharding,) = about["codecs"]
            if sharding["name"] != "sharding_indexed" or sharding["configuration"]["index_location"] != "end":
                raise DatasetError(f"{folder} is kept in another way than samples of hlsmask are")
            self._shard: tuple[int, ...] = tuple(about["chunk_grid"]["configuration"]["chunk_shape"])
            self._chunk: tuple[int, ...] = tuple(sharding["configuration"]["chunk_shape"])
            self._side = self._chunk[-1]
            self._across = self._shard[-1] // self._side
            self._chunks = self._across**2
            self.size = int(about["shape"][-1])
            self.dtype = np.dtype(about["data_type"]).newbyteorder("<")
            self._fill = about["fill_value"]
            codecs = sharding["configuration"]["codecs"]
        except (OSError, LookupError, ValueError, TypeError) as error:
            raise DatasetError(f"{folder} is no array of samples: {first_line(error)}") from error
        self._decode = _decoder(codecs, folder)
        self._checksum: Callable[[bytes], int] = load("samples", "google_crc32c", f"reading {folder}").value
        self._indexes: dict[int, NDArray[np.uint64]] = {}

    def read(self, position: int, window: Window | None = None) -> NDArray[Any]:
        """Return a sample, (planes, h, w) or (h, w), or a window that lies within it.

        Raises
        ------
        SampleError
            If its shard is lost, cut off or corrupt.
        """
        top, left = (0, 0) if window is None else (window.row, window.col)
        bottom, right = (self.size, self.size) if window is None else (window.bottom, window.right)
        out = np.empty((*self._chunk[1:-2], bottom - top, right - left), self.dtype)
        shard, within = divmod(position, self._shard[0])
        path = self.folder.joinpath("c", str(shard), *("0" for _ in self._chunk[1:]))
        try:
            with path.open("rb") as file:
                index = self._index(shard, file)[within * self._chunks :]
                for row in range(top // self._side, -(-bottom // self._side)):
                    for col in range(left // self._side, -(-right // self._side)):
                        down, into_rows = _meet(row * self._side, self._side, top, bottom)
                        along, into_cols = _meet(col * self._side, self._side, left, right)
                        chunk = self._read(file, *index[row * self._across + col].tolist())
                        out[..., into_rows, into_cols] = self._fill if chunk is None else chunk[..., down, along]
        except FileNotFoundError as error:
            raise SampleError(f"{path} is lost") from error
        except Exception as error:  # codecs raise what they like
            raise SampleError(f"{path} is cut off or corrupt: {first_line(error)}") from error
        return out

    def _read(self, file: Any, offset: int, length: int) -> NDArray[Any] | None:  # noqa: ANN401 - an open file
        """Return a chunk, (planes, side, side) or (side, side); None if it is all fill."""
        if offset == _NOWHERE:
            return None
        file.seek(offset)
        pixels: NDArray[Any] = self._decode(file.read(length)).view(self.dtype).reshape(self._chunk[1:])
        return pixels

    def _index(self, shard: int, file: Any) -> NDArray[np.uint64]:  # noqa: ANN401 - an open file
        """Return where each chunk of a shard begins and how long it is, uint64 (chunks, 2)."""
        if shard not in self._indexes:
            count = prod(whole // part for whole, part in zip(self._shard, self._chunk, strict=True))
            end = file.seek(0, 2)
            file.seek(max(0, end - 16 * count - _CHECKSUM))
            content = file.read(16 * count)
            if self._checksum(content) != int.from_bytes(file.read(_CHECKSUM), "little"):
                raise ValueError("the checksum of its index does not fit")
            self._indexes[shard] = np.frombuffer(content, "<u8").reshape(count, 2)
        return self._indexes[shard]


def _meet(first: int, side: int, start: int, stop: int) -> tuple[slice, slice]:
    """Return which part of a chunk, `side` pixels from `first` on, lies in a range, and where in the range it lies."""
    low, high = max(first, start), min(first + side, stop)
    return slice(low - first, high - first), slice(low - start, high - start)


def _decoder(codecs: list[dict[str, Any]], folder: Path) -> Callable[[bytes], NDArray[Any]]:
    """Return what turns the bytes of a chunk into its numbers, flat."""
    names = [codec["name"] for codec in codecs]
    if names == ["numcodecs.pcodec", "crc32c"]:
        unpack = load("samples", "numcodecs.pcodec", f"reading {folder}").PCodec().decode
        checksum = load("samples", "google_crc32c", f"reading {folder}").value

        def decode(packed: bytes) -> NDArray[Any]:
            if checksum(packed[:-_CHECKSUM]) != int.from_bytes(packed[-_CHECKSUM:], "little"):
                raise ValueError("the checksum of a chunk does not fit")
            return np.frombuffer(unpack(packed[:-_CHECKSUM]), np.uint8)

        return decode
    if names == ["bytes", "zstd"]:
        unpack = load("samples", "numcodecs.zstd", f"reading {folder}").Zstd().decode
        return lambda packed: np.frombuffer(unpack(packed), np.uint8)
    raise DatasetError(f"{folder} is packed by {', '.join(names)}, which stores of this version are not")
