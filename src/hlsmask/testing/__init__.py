"""Makers of simulated granules and of tiny ones, for tests, docs, the demo and benchmarks.

`simulate_granule` makes a landscape with its weather and the truth about it, `write_granule` lays it down as a real
granule is, `write_product` its OPERA DSWx-HLS product; `tiny_granule` and `write_bands` make files of plain numbers,
quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hlsmask.testing.dswx import simulate_product, write_product
    from hlsmask.testing.files import write_granule
    from hlsmask.testing.granule import SimulatedGranule, simulate_granule
    from hlsmask.testing.published import write_published
    from hlsmask.testing.relief import ReliefParts, relief_parts
    from hlsmask.testing.tiny import tiny_granule, write_bands, write_mosaic

__all__ = [
    "ReliefParts",
    "SimulatedGranule",
    "relief_parts",
    "simulate_granule",
    "simulate_product",
    "tiny_granule",
    "write_bands",
    "write_granule",
    "write_mosaic",
    "write_product",
    "write_published",
]

_HOMES = {
    "ReliefParts": "relief",
    "SimulatedGranule": "granule",
    "relief_parts": "relief",
    "simulate_granule": "granule",
    "simulate_product": "dswx",
    "tiny_granule": "tiny",
    "write_bands": "tiny",
    "write_granule": "files",
    "write_mosaic": "tiny",
    "write_product": "dswx",
    "write_published": "published",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is asked for (PEP 562)."""
    from importlib import import_module  # noqa: PLC0415 - lazy is the point

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
