"""How a network's file is told which rows and columns of a window are kept: see `hlsmask.models.margins`."""

from __future__ import annotations

from typing import Final

KEPT: Final = "kept"
"""The input, int64 (4): the first row and column, and those after the last, in pixels. Left out, all are kept."""
