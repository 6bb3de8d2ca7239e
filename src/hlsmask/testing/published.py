"""Samples laid down as the published dataset is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.masks import NOT_OBSERVED, PUBLISHED_NAMES, Mask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hlsmask.samples.sample import Sample

ELSEWHERE: Final = "/home/someone/project/data/opera"
"""Where the published lists say that samples lie: five components, and the empty one before the first slash."""


def write_published(
    folder: Path,
    samples: Iterable[Sample],
    *,
    dtype: str = "float32",
    compressed: bool = False,
    fmask_key: str = "fmask_data",
    prefix: str = ELSEWHERE,
    objects: bool = False,
) -> Path:
    """Write samples as the published dataset has them: npz archives called `.npy`, and a list a split.

    Parameters
    ----------
    folder
        Where to; made if it is not there. Each sample becomes `<folder>/<id>.npy`; an id may hold slashes.
    samples
        Those without a split are in no list.
    dtype
        Of the features, which are HLS integers.
    compressed
        Whether archives are deflated.
    fmask_key
        `fmask_data`, as the published code reads it, or `fmask`, as the published README has it.
    prefix
        What the lists have in place of `folder`.
    objects
        Whether strings are object arrays, which numpy pickles.

    Returns
    -------
    Path
        `folder`. Labels that are not known (255) are written as 0: the published masks know no third value.
    """
    save: Any = np.savez_compressed if compressed else np.savez
    text = object if objects else str
    listed: dict[str, list[str]] = {}
    for sample in samples:
        record = sample.record
        path = folder / f"{record.id}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        layers: dict[str, Any] = {"features": np.ascontiguousarray(sample.bands.transpose(1, 2, 0)).astype(dtype)}
        for name, mask in PUBLISHED_NAMES.items():
            labels = sample.labels[list(Mask).index(mask)]
            plain = np.where(labels == NOT_OBSERVED, 0, labels).astype(np.uint8)
            layers[name] = 1 - plain if mask is Mask.TERRAIN_SHADOW else plain
        layers["cirrus_mask"] = np.zeros(sample.labels.shape[1:], np.uint8)
        if sample.fmask is not None:
            layers[fmask_key] = sample.fmask
        day = "" if record.time is None else f"{record.time:%Y%m%dT%H%M%SZ}"
        for name, value in (("opera_sat", record.platform), ("tile_id", f"T{record.tile}"), ("date_str", day)):
            layers[name] = np.array(value, text)
        layers["mid_latlon"] = np.array([record.lat or 0.0, record.lon or 0.0])
        with path.open("wb") as file:  # given a name, numpy would add .npz to it
            save(file, **layers)
        if record.split:
            listed.setdefault(record.split, []).append(f"{prefix}/{record.id}.npy")
    for split, paths in listed.items():
        with (folder / f"{split}.npy").open("wb") as file:
            np.savez(file, fps=np.array(paths, text))
    return folder
