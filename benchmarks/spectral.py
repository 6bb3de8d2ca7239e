"""How good the spectral engine is: on real imagery, beside Fmask and ukis-csmask, and on simulated granules.

    python benchmarks/spectral.py --data ../shared/data

Needs the real imagery of the project's developers; without it, the simulated part alone is printed. Nothing here was
tuned on `hls_chips.tif`; `s2_cloud_scene.npz` was looked at when variants of the literature were chosen, and says so.
`ukis-csmask` is scored where it can be imported. Fmask is a mask, not a truth: against it, figures are agreement.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import rasterio

from hlsmask.evaluation.confusion import Confusion
from hlsmask.granules import fmask
from hlsmask.inference.spectral import Spectral
from hlsmask.masks import Mask
from hlsmask.sun import Sun
from hlsmask.testing import simulate_granule

CHIP = 128
WATER, CLOUD, SHADOW, SNOW, TERRAIN = range(5)
HEAD = f"{'':52} {'F1':>6} {'prec.':>6} {'recall':>6} {'pixels':>10}"


def said(name: str, prediction: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> None:
    """Print the scores of one boolean mask where `where` is True."""
    where = np.ones(truth.shape, bool) if where is None else where
    score = Confusion.of(prediction[where].astype(np.uint8), truth[where].astype(np.uint8))
    there = score.hits + score.misses
    print(f"{name:52} {score.f1:6.3f} {score.precision:6.3f} {score.recall:6.3f} {there:10,}")


def chips(data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(data / "hls_chips.tif") as file:
            stack = file.read()
    count = stack.shape[1] // CHIP
    bands = stack[:6].reshape(6, count, CHIP, CHIP).transpose(1, 0, 2, 3).astype(np.float32)
    bands[np.broadcast_to((bands == -9999).any(axis=1, keepdims=True), bands.shape)] = np.nan
    bands *= np.float32(0.0001)
    byte = stack[6].astype(np.uint8).reshape(count, CHIP, CHIP)
    theirs = fmask.decode(byte.reshape(-1, CHIP)).reshape(5, count, CHIP, CHIP) == 1
    clear = (byte != fmask.FILL) & (byte & 0b0001_1110 == 0)
    levels = Spectral()(bands)
    ours = levels.transpose(1, 0, 2, 3) > 0.5
    partial = levels[:, 0] > Spectral(partial_water=True).card.threshold(Mask.WATER)
    print(f"\n{count} real HLS chips, {clear.sum():,} pixels that Fmask calls clear\n{HEAD}")
    said("water (DSWx high, moderate) against the Fmask bit", ours[WATER], theirs[WATER], clear)
    said("water with --partial-water against the Fmask bit", partial, theirs[WATER], clear)
    with np.load(data / "hls_chips_labels.npz") as labels:
        drawn = labels["water_reference"]
    where = clear & (drawn != 255)
    said("water against the loose map-like flood labels", ours[WATER], drawn == 1, where)
    said("... with --partial-water", partial, drawn == 1, where)
    said("... the Fmask bit itself against them", theirs[WATER], drawn == 1, where)
    for name, at in (("cloud", CLOUD), ("cloud shadow", SHADOW), ("snow/ice", SNOW)):
        print(f"false {name + ' on clear pixels':46} {100 * ours[at][clear].mean():.4f} %")
    muddy = theirs[SNOW] & (byte != fmask.FILL) & (ours[WATER] | partial)
    print(f"snow/ice where Fmask says snow and DSWx water: ours {ours[SNOW][muddy].sum():,} of {muddy.sum():,} pixels")


def sentinel(data: Path) -> None:
    with np.load(data / "s2_cloud_scene.npz") as scene:
        bands, label = scene["bands"].astype(np.float32), scene["label"]
    print(f"\ns2_cloud_scene, Sentinel-2 top of atmosphere (looked at when variants were chosen)\n{HEAD}")
    for name, sun in (("sun read off the picture", Sun(156, 35)), ("sun not known", None)):
        masks = Spectral(sun=sun)(bands[None])[0] > 0.5
        said(f"cloud, {name}", masks[CLOUD], label == 4)
        said(f"cloud shadow, {name}", masks[SHADOW], label == 0)
    said("water", masks[WATER], label == 1, (label == 1) | (label == 3))
    try:
        from ukis_csmask.mask import CSmask
    except ImportError:
        print("ukis-csmask is not installed")
        return
    names = ["blue", "green", "red", "nir", "swir16", "swir22"]
    found = CSmask(img=np.ascontiguousarray(bands.transpose(1, 2, 0)), band_order=names, product_level="l1c").csm[
        ..., 0
    ]
    said("ukis-csmask: cloud", found == 1, label == 4)
    said("ukis-csmask: cloud shadow", found == 2, label == 0)


def simulated(seeds: int, size: int) -> None:
    totals, rivals = [Confusion()] * 5, [Confusion()] * 5
    for seed in range(seeds):
        granule = simulate_granule(size, seed)
        bands = granule.bands.astype(np.float32) * np.float32(0.0001)
        bands[:, ~granule.observed] = np.nan
        stack = np.concatenate([bands, granule.elevation[None]])
        masks = (Spectral(sun=granule.sun, elevation=True)(stack[None])[0] > 0.5).astype(np.uint8)
        theirs = fmask.decode(granule.fmask)
        for at in range(5):
            totals[at] += Confusion.of(masks[at], granule.truth[at])
            rivals[at] += Confusion.of(theirs[at], granule.truth[at])
    print(f"\nsimulated granules, seeds 0 to {seeds - 1}, {size} x {size} pixels: they show that it works\n{HEAD}")
    for mask, total, rival in zip(Mask, totals, rivals, strict=True):
        for name, score in ((mask.title, total), (f"{mask.title}: the imitated Fmask", rival)):
            if score.count:
                there = score.hits + score.misses
                print(f"{name:52} {score.f1:6.3f} {score.precision:6.3f} {score.recall:6.3f} {there:10,}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    arguments.add_argument("--seeds", type=int, default=6)
    arguments.add_argument("--size", type=int, default=768)
    asked = arguments.parse_args()
    if asked.data.is_dir():
        chips(asked.data)
        sentinel(asked.data)
    else:
        print(f"no real imagery at {asked.data}")
    simulated(asked.seeds, asked.size)


if __name__ == "__main__":
    main()
