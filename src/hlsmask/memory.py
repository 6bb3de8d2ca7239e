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

_LARGE: Final = 1 << 20
"""Bytes. Left to itself glibc raises that size to 32 MB and keeps windows that were let go of."""


def bound() -> None:
    """Bound what GDAL and the C library keep, unless the environment says how much that is.

    It is for processes that are ours (the command line, a worker), not for a library that somebody imports: it holds
    for all that the process does. To be called before GDAL reads anything: it asks once, at its first block.
    `rasterio.Env` is no place for it: that takes a number as bytes, and does not put back what was there.

    All threads share one pool of memory. Each of its own would keep what windows were read and computed in: a granule
    takes 70 MB less so, and no more time.
    """
    os.environ.setdefault("GDAL_CACHEMAX", str(GDAL_CACHE))
    if "MALLOC_ARENA_MAX" not in os.environ:
        _set(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Let the process give back large arrays at once, which takes some time; for engines that hold much themselves."""
    _set(_M_MMAP_THRESHOLD, _LARGE)


def _set(option: int, value: int) -> None:
    """Tell glibc; nothing where the process has another C library, which is left to itself."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(option, value)
