"""How fast samples are simulated, and what they look like in figures beside real scenes.

    python benchmarks/simulate.py
    python benchmarks/simulate.py --backgrounds chips.store --scene ../shared/data/s2_cloud_scene.npz

Time is CPU time of one thread a 256 x 256 window, median of several rounds, default parameters; with `--device cuda`
it is time on the clock, in large batches. With `--backgrounds` (a store of clear samples, see `benchmarks/chips.py`)
the shares of the labels are told, and with `--scene` the brightness of clouds and the darkness of shadows beside those
of a real Sentinel-2 scene (top of atmosphere) with a label read off the picture.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from hlsmask.masks import Mask
from hlsmask.samples import open as open_samples
from hlsmask.samples.simulate import SimulatedSamples, Simulation, Simulator
from hlsmask.samples.simulate.kinds import Cumulus
from hlsmask.samples.simulate.sky import Air, Clouds

SIZE = 256
ROUNDS = 12
SCENE_SHADOW, SCENE_LAND, SCENE_CLOUD = 0, 3, 4
NEAR, FAR = 4, 30  # pixels from cloud and shadow, between which ground is compared with shadow
HEAD = f"{'':44}" + "".join(f"{name:>8}" for name in ("blue", "green", "red", "nir", "swir1", "swir2"))


def speed(device: str) -> None:
    torch.set_num_threads(1)
    simulator = Simulator(device=device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    print(f"\nmilliseconds a window of {SIZE} x {SIZE} on {device}, torch {torch.__version__}, one thread")
    for together in (1, 4, 8) if device == "cpu" else (8, 32, 128):
        bands = torch.rand(together, 6, SIZE, SIZE) * 0.3
        labels = torch.zeros(together, 5, SIZE, SIZE, dtype=torch.uint8)
        labels[:, 0, :, :80] = 1
        bands, labels = bands.to(device), labels.to(device)
        took = []
        for number in range(max(3, ROUNDS * 8 // together) + 1):
            start = clock()
            made = simulator(bands, labels, seed=[[number, window] for window in range(together)])
            float(made[0][0, 0, 0, 0])  # waits for the device
            took.append(clock() - start)
        took = np.array(took[1:]) * 1000 / together
        print(f"  {together:4} together: median {np.median(took):6.2f}, mean {took.mean():6.2f}")


def shares(backgrounds: Path) -> None:
    stream = SimulatedSamples(open_samples(backgrounds), size=SIZE)
    labels = np.concatenate([stream.batch(range(k, k + 8))[1].numpy() for k in range(0, 160, 8)])
    print("\n160 windows over the backgrounds, default parameters: share of pixels")
    for number, mask in enumerate(Mask):
        own = labels[:, number]
        print(f"  {mask.title:16} there {(own == 1).mean():6.1%}   not known {(own == 255).mean():6.1%}")


def told(name: str, values: np.ndarray) -> None:
    print(f"{name:44}" + "".join(f"{value:8.3f}" for value in values))


def beside(backgrounds: Path, scene: Path) -> None:
    with np.load(scene) as file:
        bands, label = file["bands"].astype(np.float32), file["label"]
    dark, cloud = label == SCENE_SHADOW, label == SCENE_CLOUD
    away = distance_transform_edt(~(dark | cloud))
    open_ground = (label == SCENE_LAND) & (away > NEAR) & (away < FAR)
    print(f"\nBeside a real scene, at the top of the atmosphere\n{HEAD}")
    for share in (25, 50, 95):
        told(f"real cloud, percentile {share}", np.percentile(bands[:, cloud], share, axis=1))
    told("real shadow / ground near it (medians)", np.median(bands[:, dark], 1) / np.median(bands[:, open_ground], 1))
    clouds = Clouds(share=1, high=0, contrails=0)
    others = {name: replace(getattr(clouds, name), weight=0) for name in ("broken", "thin", "overcast", "fog")}
    simulation = Simulation(
        clouds=replace(clouds, cumulus=Cumulus(), **others), air=Air(haze=0, toa=1, toa_level=(1, 1))
    )
    plain = {"snow": replace(simulation.snow, share=0, ice_alone=0), "relief": replace(simulation.relief, share=0)}
    simulation = replace(simulation, **plain, ground=replace(simulation.ground, bright=0))
    made, known, _ = SimulatedSamples(open_samples(backgrounds), simulation, size=SIZE).batch(range(48))
    bare = replace(simulation, clouds=replace(simulation.clouds, share=0))
    clear = SimulatedSamples(open_samples(backgrounds), bare, size=SIZE).batch(range(48))[0]
    made, clear = (array.numpy().transpose(1, 0, 2, 3) for array in (made, clear))
    cloud = known[:, 1].numpy() == 1
    dark = (known[:, 2].numpy() == 1) & (known[:, 0].numpy() == 0)
    for share in (25, 50, 95):
        told(f"simulated cumulus, percentile {share}", np.percentile(made[:, cloud], share, axis=1))
    ratio = made[:, dark] / np.maximum(clear[:, dark], 1e-3)
    for share in (50, 10):
        told(f"simulated shadow / same ground, percentile {share}", np.percentile(ratio, share, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backgrounds", type=Path, help="a store of clear samples")
    parser.add_argument("--scene", type=Path, help="s2_cloud_scene.npz")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    speed(given.device)
    if given.backgrounds is not None:
        shares(given.backgrounds)
        if given.scene is not None:
            beside(given.backgrounds, given.scene)


if __name__ == "__main__":
    main()
