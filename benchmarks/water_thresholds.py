"""F1 of water against floods drawn by hand, by threshold, on chips of the places that a threshold may be chosen on.

    python benchmarks/water_thresholds.py --data ../shared/data --model FILE.safetensors

Real: `water_reference` of the splits train and val of `chips.py`, 2 pixels on either side of its edges left out, and
what Fmask calls cloud, shadow or adjacent to them. The split test, on which `accuracy.py` scores, is not looked at.
Beside it, the water bit of Fmask, and the same grown by a pixel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from accuracy_chips import Chips, read_chips
from accuracy_counting import away_from_edges, counted, grown
from hlsmask import models
from hlsmask.granules.fmask import BITS
from hlsmask.masks import Mask

STEPS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)


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
    print("| split | places | pixels | Fmask | grown | " + " | ".join(f"{step:g}" for step in STEPS) + " |")
    print("| --- " * (5 + len(STEPS)) + "|")
    for split in ("train", "val"):
        own = chips.take(chips.split == split)
        known = away_from_edges(own.drawn) & own.clear
        there, bit, chance = own.drawn == 1, own.bit(BITS[Mask.WATER]), probabilities(net, own)
        masks = [bit, grown(bit), *(chance > step for step in STEPS)]
        shown = " | ".join(f"{counted(mask, there, known).f1:.3f}" for mask in masks)
        print(f"| {split} | {len(np.unique(own.place))} | {known.sum():,} | {shown} |")


if __name__ == "__main__":
    main()
