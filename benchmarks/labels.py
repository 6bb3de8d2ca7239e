"""How much the label rules leave unknown, and how right the rest is: `docs/explanation/labels.md`.

    python benchmarks/labels.py --data FOLDER

FOLDER holds `hls_chips.tif` and `hls_chips_labels.npz`; without it only simulated granules are looked at.
"""

import argparse
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from hlsmask.masks import Mask
from hlsmask.samples.labels import Rules, from_dswx, from_spectral
from hlsmask.testing import simulate_granule, simulate_product

SALT = 146
"""A chip whose reference calls a salt pan water."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--granules", type=int, default=8)
    arguments = parser.parse_args()
    simulated(arguments.granules)
    if arguments.data:
        rivers(arguments.data)


def simulated(number):
    counts = np.zeros((2, 5, 4), np.int64)
    for seed in range(number):
        granule = simulate_granule(768, seed)
        layers = simulate_product(granule)
        for way, mask in product(range(2), range(5)):
            if way == 0:
                labels = from_dswx(layers, granule.fmask)[mask]
            else:
                labels = from_spectral(granule.bands, granule.fmask, layers["SHAD"])[mask]
            truth, seen = granule.truth[mask], granule.observed
            known = seen & (labels != 255)
            both = known & (truth != 255)
            counts[way, mask] += [known.sum(), seen.sum(), (labels == truth)[both].sum(), both.sum()]
    print(f"{number} simulated granules, Fmask with its faults\n")
    print(
        "| mask | labelled | of it true | labelled, from the bands | of it true |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for mask, name in enumerate(Mask):
        cells = [f"{counts[way, mask, at] / counts[way, mask, at + 1]:.3f}" for way in (0, 1) for at in (0, 2)]
        print(f"| {name} | {' | '.join(cells)} |")


def rivers(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(folder / "hls_chips.tif") as source:
            stored = source.read(range(1, 8))
    bands, fmask = stored[:6], np.where(stored[6] < 0, 255, stored[6]).astype(np.uint8)
    with np.load(folder / "hls_chips_labels.npz") as archive:
        reference = archive["water_reference"].reshape(fmask.shape).copy()
    reference[SALT * 128 : (SALT + 1) * 128] = 255
    snow = (fmask & 16 > 0) & (fmask != 255) & (fmask & 10 == 0)
    print("\nPixels of real HLS chips that Fmask calls snow, by a loose reference of water\n")
    print("| reference | rules | pixels | snow 1 | snow 255 | snow 0 | water 1 | water 255 | water 0 |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, chosen in (("default", Rules()), ("--false-snow water", Rules(false_snow="water"))):
        labels = from_spectral(bands, fmask, rules=chosen)
        for kind, value in (("water", 1), ("not water", 0)):
            at = snow & (reference == value)
            shares = [f"{(labels[mask][at] == label).mean():.3f}" for mask in (3, 0) for label in (1, 255, 0)]
            print(f"| {kind} | {name} | {at.sum()} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
