"""What bounds the memory of a process of ours."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

GDAL_CACHE: Final = 48
"""Megabytes of decoded blocks that GDAL keeps: those that a row of windows of an HLS granule shares with the next one
fit in. GDAL's own default is 5 % of the memory, which no bound of ours could hold."""

_M_MMAP_THRESHOLD: Final = -3
"""glibc's number for the size from which memory is asked of, and given back to, the system."""

_M_ARENA_MAX: Final = -8
"""glibc's number for how many pools of memory threads have."""

_M_TRIM_THRESHOLD: Final = -1
"""glibc's number for how much free memory it keeps at the end of a pool."""

_HASTY: Final = ("MALLOC_TRIM_THRESHOLD_", "65536")
"""What Dask sets for its workers: glibc then asks for every array anew and gives it back at once."""

_MOST: Final = 32 << 20
"""Bytes up to which glibc, left to itself, comes to keep arrays; and twice that at the end of a pool."""


def bound() -> None:
    """Bound what GDAL and the C library keep, unless the environment says how much that is.

    It is for processes that are ours (the command line, a worker), not for a library that somebody imports: it holds
    for all that the process does. To be called before GDAL reads anything: it asks once, at its first block.
    `rasterio.Env` is no place for it: that takes a number as bytes, and does not put back what was there.

    All threads share one pool of memory. Each of its own would keep what windows were read and computed in: a granule
    takes 70 MB less so, and no more time.

    In a worker that Dask made hasty, glibc keeps again what it would when left to itself: for small granules a third of
    a worker's time went into fetching memory and giving it back.
    """
    os.environ.setdefault("GDAL_CACHEMAX", str(GDAL_CACHE))
    if "MALLOC_ARENA_MAX" not in os.environ:
        _set(_M_ARENA_MAX, 1)
    name, value = _HASTY
    if os.environ.get(name) == value:
        _set(_M_MMAP_THRESHOLD, _MOST)
        _set(_M_TRIM_THRESHOLD, 2 * _MOST)


def _set(option: int, value: int) -> None:
    """Tell glibc; nothing where the process has another C library, which is left to itself."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(option, value)
