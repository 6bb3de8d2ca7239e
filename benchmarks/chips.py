"""Backgrounds for developing the simulation: the project's real HLS chips as a store of samples.

    python benchmarks/chips.py ../shared/data/hls_chips.tif --out chips.store

A sample a chip, in the order of the file: HLS integers, Fmask, and labels from the DSWx tests on the bands and Fmask.
Terrain shadow is 0 on level ground that nothing in the chip can shade, and not known elsewhere, since the chips do not
tell the sun: less steep than 5 degrees, from which slope a side can count as turned from it, with all pixels beside it,
and in no cast shadow of the lowest sun of HLS, wherever that stands. Elevations of chips with 100 m of relief or more
go aside, into `OUT.dem.npy` (chip, row, column; metres), to lay over others: `relief.dem` of a simulation.

With `--locations hls_chips_labels.npz`, chips of every fourth location become the split `test`, those of every eighth
`val`, the others `train`: chips that overlap or touch stay on one side, and nothing learns from `test`, nor do any but
elevations of `train` go aside. Outside of `test`, flood labels that were drawn there help where Fmask and DSWx are at
odds, and `--most` bounds how many chips a location gives: one of them has 148.
"""

from __future__ import annotations

import argparse
import warnings
from math import radians, tan
from pathlib import Path

import numpy as np
import rasterio
from scipy.ndimage import binary_dilation, binary_erosion

from hlsmask.aside import aside
from hlsmask.granules import fmask as fmask_code
from hlsmask.granules.fmask import BITS
from hlsmask.inference.spectral.water import diagnostic
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.samples.labels import from_spectral
from hlsmask.samples.sample import Record, Sample, reflectance
from hlsmask.samples.store import StoreWriter
from hlsmask.sun import Sun
from hlsmask.testing.relief import cast_shadow

CHIP = 128
PIXEL = 30.0
FLAT = 5.0  # degrees, BACK_SLOPE of the DSWx SHAD layer
LOWEST = 76.0  # degrees from straight up: HLS has no granules of a lower sun
AZIMUTHS = np.arange(0, 360, 15)
BANDS, FMASK, DEM = slice(0, 6), 6, 7
TURNS = ("train", "test", "train", "val", "train", "test", "train", "train")  # of locations, again and again
PASSED = np.array([code.bit_count() for code in range(32)], np.uint8)  # DSWx tests, of a code
HILLY = 100  # metres from the lowest to the highest point of a chip whose elevations are laid over others
RIM = 2  # pixels on either side of the edges of drawn labels, which are loose


def labels_of(bands: np.ndarray, fmask: np.ndarray, dem: np.ndarray) -> np.ndarray:
    labels = from_spectral(bands, fmask)
    labels[4] = np.where(unshaded(dem.astype(np.float32)), 0, NOT_OBSERVED)
    return labels


def unshaded(dem: np.ndarray) -> np.ndarray:
    """Return where elevations (h, w), metres, cannot lie in terrain shadow, whatever the sun."""
    steep = np.hypot(*np.gradient(dem, PIXEL)) >= tan(radians(FLAT))
    reached = [cast_shadow(dem, Sun(azimuth, LOWEST), spacing=PIXEL) for azimuth in AZIMUTHS.tolist()]
    return ~binary_dilation(steep, np.ones((3, 3))) & ~np.any(reached, axis=0)


def splits_of(locations: np.ndarray) -> list[str]:
    """Return the split of each chip, by its location."""
    _, place = np.unique(locations, return_inverse=True)
    return [TURNS[number % len(TURNS)] for number in place]


def inner(drawn: np.ndarray, value: int) -> np.ndarray:
    """Return where drawn labels (h, w) have `value`, away from their edges."""
    return binary_erosion(drawn == value, np.ones((2 * RIM + 1,) * 2), border_value=1)


def improve_water(labels: np.ndarray, bands: np.ndarray, fmask: np.ndarray, drawn: np.ndarray) -> None:
    """Settle the label of water, in place, where the DSWx tests and Fmask are at odds.

    It is water where three or more tests say so; where Fmask does and one test; where a flood was drawn and two tests.
    What two tests alone say is not known, and no water where the drawing says so too. Nor is known what the drawing or
    Fmask says against all tests, or open water that both deny.
    """
    passed = PASSED[diagnostic(reflectance(bands))]
    bit = fmask & (1 << BITS[Mask.WATER]) != 0
    wet, dry = inner(drawn, 1), inner(drawn, 0)
    water = labels[0]
    free = ~hidden(fmask) & (fmask != fmask_code.FILL) & (labels[3] != 1)
    there = (passed >= 3) | bit & (passed >= 1) | wet & (passed >= 2)
    maybe = (passed == 2) & ~(dry & ~bit) | (bit | wet) & ~there | (passed >= 3) & dry & ~bit
    water[free] = np.where(maybe & ~(there & ~dry), NOT_OBSERVED, there)[free]


def hidden(fmask: np.ndarray) -> np.ndarray:
    return fmask & (1 << BITS[Mask.CLOUD] | 1 << BITS[Mask.CLOUD_SHADOW]) != 0


def kept(places: np.ndarray, most: int | None) -> np.ndarray:
    """Return which chips to take, at most so many a location, evenly over its own."""
    taken = np.ones(len(places), bool)
    for place in np.unique(places) if most else ():
        own = np.flatnonzero(places == place)
        taken[np.setdiff1d(own, own[np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int)])] = False
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chips", type=Path, help="hls_chips.tif")
    parser.add_argument("--out", type=Path, required=True, help="the store to write")
    parser.add_argument("--locations", type=Path, help="hls_chips_labels.npz")
    parser.add_argument("--most", type=int, help="chips of a location to train on at most")
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(given.chips) as file:
            stack = file.read()
    count = stack.shape[1] // CHIP
    chips = stack.reshape(stack.shape[0], count, CHIP, CHIP).swapaxes(0, 1)
    splits, taken, drawn = [""] * count, np.ones(count, bool), None
    if given.locations is not None:
        with np.load(given.locations) as told:
            places, drawn = told["location"], told["water_reference"]
        splits = splits_of(places)
        taken = kept(places, given.most) | (np.array(splits) == "test")
    with StoreWriter(given.out, options={"chips": given.chips.name}) as store:
        for number, chip in enumerate(chips):
            bands, fmask = chip[BANDS].astype(np.int16), chip[FMASK].astype(np.uint8)
            record = Record(id=f"chip-{number:04d}", size=CHIP, split=splits[number])
            if record.id in store.ids or not taken[number]:
                continue
            labels = labels_of(bands, fmask, chip[DEM])
            if drawn is not None and splits[number] != "test":
                improve_water(labels, bands, fmask, drawn[number])
            store.append(Sample.of(record, bands, labels, fmask))
    with aside(given.out.with_name(f"{given.out.name}.dem.npy")) as draft, draft.open("wb") as stream:
        learned = np.array([split in ("", "train") for split in splits])
        np.save(stream, chips[learned & (np.ptp(chips[:, DEM], axis=(1, 2)) >= HILLY), DEM])
    print(f"{given.out}: {np.count_nonzero(taken)} samples of {CHIP} x {CHIP}")


if __name__ == "__main__":
    main()
