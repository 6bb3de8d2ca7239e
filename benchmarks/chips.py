"""Backgrounds for developing the simulation: the project's real HLS chips as a store of samples.

    python benchmarks/chips.py ../shared/data/hls_chips.tif --out chips.store

A sample a chip, in the order of the file: HLS integers, Fmask, and labels from the DSWx tests on the bands and Fmask.
Terrain shadow is 0 where the elevation is less steep than 5 degrees, from which slope no side can count as turned
from the sun, and not known elsewhere: the chips do not tell the sun. Elevations go aside, into `OUT.dem.npy`
(chip, row, column; metres). With `--locations hls_chips_labels.npz`, chips of every fifth location become the split
`val`, the others `train`: chips that overlap or touch stay on one side.
"""

from __future__ import annotations

import argparse
import warnings
from math import radians, tan
from pathlib import Path

import numpy as np
import rasterio

from hlsmask.aside import aside
from hlsmask.masks import NOT_OBSERVED
from hlsmask.samples.labels import from_spectral
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.store import StoreWriter

CHIP = 128
PIXEL = 30.0
FLAT = 5.0  # degrees, BACK_SLOPE of the DSWx SHAD layer
BANDS, FMASK, DEM = slice(0, 6), 6, 7
VALIDATION = 5


def labels_of(bands: np.ndarray, fmask: np.ndarray, dem: np.ndarray) -> np.ndarray:
    labels = from_spectral(bands, fmask)
    slope = np.hypot(*np.gradient(dem.astype(np.float32), PIXEL))
    labels[4] = np.where(slope < tan(radians(FLAT)), 0, NOT_OBSERVED)
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chips", type=Path, help="hls_chips.tif")
    parser.add_argument("--out", type=Path, required=True, help="the store to write")
    parser.add_argument("--locations", type=Path, help="hls_chips_labels.npz")
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(given.chips) as file:
            stack = file.read()
    count = stack.shape[1] // CHIP
    chips = stack.reshape(stack.shape[0], count, CHIP, CHIP).swapaxes(0, 1)
    splits = [""] * count
    if given.locations is not None:
        with np.load(given.locations) as told:
            places = told["location"]
        _, place = np.unique(places, return_inverse=True)
        splits = ["val" if number % VALIDATION == 0 else "train" for number in place]
    with StoreWriter(given.out, options={"chips": given.chips.name}) as store:
        for number, chip in enumerate(chips):
            bands, fmask = chip[BANDS].astype(np.int16), chip[FMASK].astype(np.uint8)
            record = Record(id=f"chip-{number:04d}", size=CHIP, split=splits[number])
            if record.id not in store.ids:
                store.append(Sample.of(record, bands, labels_of(bands, fmask, chip[DEM]), fmask))
    with aside(given.out.with_name(f"{given.out.name}.dem.npy")) as draft, draft.open("wb") as stream:
        np.save(stream, chips[:, DEM])
    print(f"{given.out}: {count} samples of {CHIP} x {CHIP}")


if __name__ == "__main__":
    main()
