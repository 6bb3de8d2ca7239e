"""What bounds the memory of a process of ours."""

from __future__ import annotations

import os
from typing import Final

GDAL_CACHE: Final = 48
"""Megabytes of decoded blocks that GDAL keeps: those that a row of windows of an HLS granule shares with the next one
fit in. GDAL's own default is 5 % of the memory, which no bound of ours could hold."""


def bound_gdal() -> None:
    """Bound what GDAL keeps, unless the environment says how much that is.

    To be called before GDAL reads anything: it asks once, at its first block. It is for processes that are ours (the
    command line, a worker), not for a library that somebody imports: the bound holds for all that GDAL does in the
    process. `rasterio.Env` is no place for it: it takes a number as bytes, and does not put back what was there.
    """
    os.environ.setdefault("GDAL_CACHEMAX", str(GDAL_CACHE))
