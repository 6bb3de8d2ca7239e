"""One door to samples, whatever lies on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlsmask.errors import DatasetError, UsageError
from hlsmask.samples.lists import there
from hlsmask.samples.sample import SPLITS

if TYPE_CHECKING:
    from hlsmask.samples.sequence import Samples


def open_samples(path: Path | str, split: str | None = None, *, missing: str = "raise") -> Samples:
    """Open a store of samples, or a folder in the published layout.

    Parameters
    ----------
    path
        The store's folder, or the one that holds `train.npy`, `val.npy` and `test.npy`.
    split
        `train`, `val` or `test`; None for all samples.
    missing
        What happens where a published list names files that are not there: `raise`, or `skip` them.

    Returns
    -------
    A sequence of (bands, labels): float32 reflectance (6, h, w), NaN where not observed, and uint8 (5, h, w), 0, 1
    or 255, in the order of `Mask`.

    Raises
    ------
    UsageError
        If there is no such split, or `missing` is neither.
    DatasetError
        If the folder holds no samples, a list cannot be read, or a store was cut off.
    """
    path = Path(path)
    if split is not None and split not in SPLITS:
        raise UsageError(f"there is no split {split!r}; use {', '.join(SPLITS)}")
    if missing not in ("raise", "skip"):
        raise UsageError(f"missing is {missing!r}; use raise or skip")
    if not there(path, Path.is_dir):
        raise DatasetError(f"{path} is no folder: name a store of samples, or the folder of train.npy")
    from hlsmask.samples.published import PublishedSamples  # noqa: PLC0415 - each kind is loaded when it is met
    from hlsmask.samples.store.reading import StoreSamples, is_store  # noqa: PLC0415 - the same

    if is_store(path):
        return StoreSamples(path, split)
    return PublishedSamples(path, split, missing=missing)
