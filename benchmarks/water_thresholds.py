"""F1 of water against floods drawn by hand, by threshold, on chips of the places that a threshold may be chosen on.

    python benchmarks/water_thresholds.py --data ../shared/data --model FILE.safetensors

Real: `water_reference` of the splits train and val of `chips.py`, 2 pixels on either side of its edges left out, and
what Fmask calls cloud, shadow or adjacent to them. The split test, on which `accuracy.py` scores, is not looked at.
Beside it, three or more tests of DSWx, the water bit of Fmask, and the same grown by a pixel.

Each split is judged as it is and below the veil of clear and of hazy air, as scenes at the top of the atmosphere are.
Fmask's water is that of the scene without it. What the veil adds and lets through is plausible, and measured nowhere.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from accuracy_chips import Chips, read_chips
from accuracy_counting import away_from_edges, counted, grown
from hlsmask import models
from hlsmask.granules.fmask import BITS
from hlsmask.masks import Mask

STEPS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
AIR = {
    "as it is": ((0, 0, 0, 0, 0, 0), (1, 1, 1, 1, 1, 1)),
    "clear air": ((0.075, 0.045, 0.025, 0.010, 0.002, 0.001), (0.80, 0.83, 0.87, 0.92, 0.95, 0.94)),
    "hazy air": ((0.110, 0.078, 0.055, 0.033, 0.012, 0.007), (0.72, 0.77, 0.82, 0.88, 0.93, 0.93)),
}
"""Reflectance that air adds, and share of the ground's that it lets through, by band."""


def below(chips: Chips, air: str) -> Chips:
    """Return chips as they look from above some air."""
    added, passing = (np.array(ends, np.float32)[:, None, None] for ends in AIR[air])
    return replace(chips, bands=chips.bands * passing + added)


def probabilities(net: models.MaskNet, chips: Chips) -> np.ndarray:
    """Return those of water, float32 (n, h, w)."""
    water = net.card.masks.index(Mask.WATER)
    with torch.inference_mode():
        return np.stack(
            [
                torch.sigmoid(net(torch.from_numpy(net.card.normalize(bands[None], missing=0))))[0, water].numpy()
                for bands in chips.bands
            ]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--model", default="hlsmask_s", help="name or file of weights")
    asked = parser.parse_args()
    net = models.load(asked.model).eval()
    chips = read_chips(asked.data)
    head = ["split", "air", "places", "pixels", "DSWx", "Fmask", "grown", *(f"{step:g}" for step in STEPS)]
    print(f"| {' | '.join(head)} |")
    print("| --- " * len(head) + "|")
    for split, air in product(("train", "val"), AIR):
        own = below(chips.take(chips.split == split), air)
        known = away_from_edges(own.drawn) & own.clear
        there, bit, chance = own.drawn == 1, own.bit(BITS[Mask.WATER]), probabilities(net, own)
        masks = [own.passed >= 3, bit, grown(bit), *(chance > step for step in STEPS)]
        shown = " | ".join(f"{counted(mask, there, known).f1:.3f}" for mask in masks)
        print(f"| {split} | {air} | {len(np.unique(own.place))} | {known.sum():,} | {shown} |")


if __name__ == "__main__":
    main()
