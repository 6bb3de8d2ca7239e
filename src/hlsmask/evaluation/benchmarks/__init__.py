"""Benchmarks that people labelled by hand, read as they are distributed, so that figures can be compared."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

from hlsmask.errors import DatasetError, UsageError
from hlsmask.evaluation.benchmarks.benchmark import Benchmark

__all__ = ["NAMES", "Benchmark", "open_benchmark"]

NAMES: Final = ("sparcs", "l8biome", "cloudsen12", "sen1floods11")
"""The benchmarks; each has a module of its name here, with a function `open_folder`."""


def open_benchmark(name: str, folder: Path | str, split: str | None = None) -> Benchmark:
    """Open a benchmark that was downloaded and unpacked; of its pixels nothing is read yet.

    Parameters
    ----------
    name
        `sparcs`, `l8biome`, `cloudsen12` or `sen1floods11`.
    folder
        The folder that holds it.
    split
        A split of the benchmark; None for its test split, or for all of it where it has no splits.

    Raises
    ------
    UsageError
        If there is no such benchmark, or it has no such split.
    DatasetError
        If the folder does not hold it.
    MissingPackageError
        If it is stored in a format that needs a package which is not installed.
    """
    if name not in NAMES:
        raise UsageError(f"there is no benchmark {name!r}; use {', '.join(NAMES)}")
    from hlsmask.samples.lists import there  # noqa: PLC0415 - a help text that lists NAMES needs none of this

    folder = Path(folder)
    if not there(folder, Path.is_dir):
        raise DatasetError(f"{folder} is no folder: name the one that the benchmark {name} was unpacked into")
    opened: Benchmark = import_module(f"{__name__}.{name}").open_folder(folder, split)
    return opened
