"""Goals 4 and 5 of `accuracy.py` on simulated ice and relief, over real chips that nothing was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from accuracy_chips import CLOUD, SNOW, TERRAIN, WATER, flat
from accuracy_contenders import SIDE, mirrored
from accuracy_counting import SCORES, counted, scores
from hlsmask.evaluation.confusion import Confusion
from hlsmask.samples.simulate import Simulation, Simulator
from hlsmask.samples.simulate.ground import Relief, Snow, WaterColour
from hlsmask.samples.simulate.sky import Clouds, Light

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from accuracy_chips import Chips
    from accuracy_contenders import Masker
    from accuracy_counting import Report
    from hlsmask.samples.simulate.simulator import Parts

SEED = 900_000
"""Windows have the seeds (900000, part, number); those of training begin with the seed of its recipe, another one."""
TOGETHER = 8
RELIEF = 150  # metres from the lowest to the highest point of a chip whose DEM is laid over others
PIXEL = 3  # pixels of the Sentinel-2 scenes' DEM, 10 m, on the side of one of 30 m

FAINT, DEEP = 0.2, 0.5  # of the direct light on open level ground that is lost

NOTHING = Simulation(
    clouds=Clouds(share=0, high=0, contrails=0),
    snow=Snow(share=0, ice_alone=0),
    relief=Relief(share=0),
    light=Light(morning=0.5, zenith=(20.0, 70.0)),
    water=WaterColour(lakes=0),
)
"""No cloud, snow or relief; ground, air and sensor vary as they do by default; half of the suns are morning suns."""


def windows(
    simulation: Simulation, chips: Chips, count: int, part: int, elevation: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray, Parts]]:
    """Yield batches of bands (n, 6, h, w), labels (n, 5, h, w) and what they were made from, `count` windows in all.

    Chips come in turn, mirrored to 256 x 256 pixels, and so do elevations (m, 256, 256), where they are given.
    """
    simulator = Simulator(simulation)
    bands, known = mirrored(chips.bands), mirrored(chips.known)
    for start in range(0, count, TOGETHER):
        numbers = np.arange(start, min(start + TOGETHER, count))
        own = numbers % len(bands)
        metres = None if elevation is None else torch.from_numpy(elevation[numbers % len(elevation)])
        made, labels, parts = simulator.render(
            torch.from_numpy(bands[own]),
            torch.from_numpy(known[own]),
            seed=[[SEED, part, int(number)] for number in numbers],
            elevation=metres,
        )
        yield made.numpy(), labels.numpy(), parts


def lake_ice(report: Report, chips: Chips, masker: Masker, count: int) -> None:
    """Score ice on water that is laid over chips with water."""
    wet = (chips.known[:, WATER] == 1).mean(axis=(1, 2)) >= 0.05
    chips = chips.take(wet)
    simulation = replace(NOTHING, snow=Snow(share=0, ice_alone=1))
    counts, on_ice, clouded = Confusion(), 0, 0
    for bands, labels, _ in windows(simulation, chips, count, 1):
        masks = masker(bands)
        counts += counted(masks[:, SNOW], labels[:, SNOW], np.ones(labels[:, SNOW].shape, bool))
        ice = labels[:, SNOW] == 1
        on_ice += int(ice.sum())
        clouded += int((masks[:, CLOUD][ice] == 1).sum())
    share = clouded / max(1, on_ice)
    report.say(
        f"Simulated: ice on the water of {len(chips.number)} real chips of the split `test`, {count} windows of "
        f"{SIDE} x {SIDE} pixels; {share:.2%} of the ice is called cloud.\n"
    )
    report.table(["", *SCORES], [["snow and ice: hlsmask", *scores(counts)]])
    figure = f"F1 {counts.f1:.3f}, recall {counts.recall:.3f}, {share:.2%} called cloud"
    report.goal(
        "4. simulated lake ice: F1 0.8, under 2 % called cloud (bounds of our own)",
        figure,
        reached=counts.f1 >= 0.8 and share < 0.02,
    )


def share(part: Confusion, whole: Confusion) -> float:
    """Return which share of what is there in `whole` is there in a part of it."""
    return (part.hits + part.misses) / max(1, whole.hits + whole.misses)


def elevations(chips: Chips, data: Path) -> dict[str, np.ndarray]:
    """Return real elevations, metres (m, 256, 256), mirrored: of chips with relief, and of the Sentinel-2 scene."""
    steep = chips.dem[np.ptp(chips.dem, axis=(1, 2)) >= RELIEF]
    with np.load(data / "s2_l2a_scenes.npz") as file:
        metres = file["dem"].astype(np.float32)
    hilly = metres[[int(np.argmax(np.ptp(metres, axis=(1, 2))))]]
    side = hilly.shape[1] // PIXEL
    hilly = hilly[:, : side * PIXEL, : side * PIXEL].reshape(1, side, PIXEL, side, PIXEL).mean(axis=(2, 4))
    return {
        f"the DEMs of {len(steep)} test chips with {RELIEF} m of relief or more": mirrored(steep),
        f"the DEM of the hilliest Sentinel-2 scene ({np.ptp(hilly):.0f} m), at 30 m": mirrored(hilly),
    }


def relief(report: Report, chips: Chips, data: Path, masker: Masker, count: int) -> None:
    """Score terrain shadow where relief is laid over flat chips, each part of it apart."""
    ground = chips.take(flat(chips) & ((chips.known[:, WATER] == 1).mean(axis=(1, 2)) < 0.05))
    report.say("## 5. Terrain shadow (self-shading and cast)\n")
    report.say(
        f"Simulated light on {len(ground.number)} flat real chips of the split `test` with little water, no clouds; "
        "suns 20 to 70 degrees from straight up. Recall of the parts: self-shading (DSWx SHAD), and cast by other "
        "relief alone.\n"
    )
    rows = []
    cases = {"simulated relief, new seeds": (None, count)}
    for name, metres in elevations(chips, data).items():
        cases[name] = (metres, count if len(metres) > 1 else count // 3)
    for part, (name, (metres, most)) in enumerate(cases.items(), 2):
        simulation = NOTHING if metres is not None else replace(NOTHING, relief=Relief(share=1))
        counts, shad, cast = Confusion(), Confusion(), Confusion()
        faint, deep = Confusion(), Confusion()
        for bands, labels, parts in windows(simulation, ground, most, part, metres):
            said, there = masker(bands)[:, TERRAIN], labels[:, TERRAIN]
            shading = parts.shading
            own, other = shading.shad.numpy(), (shading.cast & ~shading.shad).numpy()
            counts += counted(said, there, np.ones(there.shape, bool))
            shad += counted(said, there, own)
            cast += counted(said, there, other)
            light = shading.light.numpy()
            faint += counted(said, there, light > 1 - FAINT)
            deep += counted(said, there, light <= 1 - DEEP)
        recalls = [f"{shad.recall:.3f}", f"{cast.recall:.3f}", f"{cast.hits + cast.misses:,}"]
        recalls += [f"{one.recall:.3f} of {share(one, counts):.0%}" for one in (faint, deep)]
        rows.append([name, *scores(counts), *recalls, str(most)])
        report.goal(f"5. terrain shadow F1 0.80: {name}", f"F1 {counts.f1:.3f}", reached=counts.f1 >= 0.8)
    told = [f"recall, loses less than {FAINT:.0%}", f"recall, loses {DEEP:.0%} or more"]
    report.table(["", *SCORES, "recall, self", "recall, cast", "pixels cast alone", *told, "windows"], rows)
    report.say(
        "The last recalls are of terrain shadow by what it loses of the direct light that open level ground has, and "
        "of how much of all terrain shadow that is: the SHAD layer also holds slopes in nearly full light.\n"
    )
