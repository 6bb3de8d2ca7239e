"""Train the default network over clear backgrounds, judge it on simulated samples, and lay it where it is shipped.

    python recipes/make_weights.py --backgrounds STORE [--dem FILE] [--trained FILE] [--init FILE] [--out FOLDER]

STORE has the splits train, val and test (`hlsmask samples split`). Training takes `recipes/hlsmask_s.toml`; words after
`--` go to `hlsmask train`, such as `-- --epochs 5`. With `--dem`, half of the relief that is trained on is cut from
those elevations, metres, of ground that is in none of the other splits.

Thresholds are those of highest F1 on samples that are simulated over the split val, and scores those over the split
test: figures on simulated data. There (`recipes/judged.toml`) the rim that training leaves out counts as people draw
it: as cloud, and as no shadow. Those of cloud and of water are then lowered as far as it costs no more than 0.005 of F1
there, nor on samples simulated over train: networks are less certain of the real ones than of simulated ones. Where too
much of the clear ground of the split train or of val, as it is, would be called cloud, shadow (0.1 %) or terrain shadow
(0.5 %), that threshold is raised. Terrain shadow has hysteresis: it is there only where it is sure nearby.

`--trained` leaves out training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

import hlsmask.samples
from hlsmask import models
from hlsmask.card import Hysteresis
from hlsmask.inference.hysteresis import supported
from hlsmask.masks import Mask
from hlsmask.models.headers import tensors_sha256
from hlsmask.samples.simulate.parameters import read_parameters

HERE = Path(__file__).parent
NAME = "hlsmask_s"
CLEAR = {Mask.CLOUD: 0.001, Mask.CLOUD_SHADOW: 0.001, Mask.TERRAIN_SHADOW: 0.005}
"""What the backgrounds are free of, where they know it, and how much of such ground may be called it."""
HYSTERESIS = {Mask.TERRAIN_SHADOW: Hysteresis(high=0.97, reach=16)}
"""What is believed only near what is sure (docs/decisions/0026), from relief simulated over train and over val."""
LENIENT = {Mask.WATER: 0.005, Mask.CLOUD: 0.005}
"""What must not be missed, and how much F1 on simulated samples that is worth."""
STEPS = np.arange(1, 20) / 20
PRIVATE = ("data", "out", "simulate", "init", "parameters")  # of the recipe: paths of the machine that trained


def command(*words: object) -> None:
    """Run a command of hlsmask, shown as it is typed."""
    print(f"\n$ hlsmask {' '.join(map(str, words))}", flush=True)
    subprocess.run([sys.executable, "-m", "hlsmask", *map(str, words)], check=True)


def told(provenance: dict[str, Any], backgrounds: str) -> dict[str, Any]:
    """Return what the card says of where the weights come from: nothing of the machine, and what is simulated."""
    recipe = {name: value for name, value in provenance["recipe"].items() if name not in PRIVATE}
    judged = provenance["evaluation"]
    return {
        "recipe": recipe,
        "data": {
            "backgrounds": backgrounds,
            "simulated": "clouds, shadows, snow, ice, relief, haze, sensor: recipes/simulation.toml",
            "content": sorted(map(str, provenance["data"].values())),
        },
        "scores": {"on": "simulated samples over backgrounds that were not trained on", **judged["scores"]},
        "date": datetime.now(UTC).date().isoformat(),
        "versions": provenance["versions"],
        "licence": "Apache-2.0",
    }


def laid(dem: Path | None, folder: Path) -> Path:
    """Return the file of what is simulated to train on, with the relief of `dem` where that is given."""
    recipe = HERE / "simulation.toml"
    if dem is None:
        return recipe
    simulation = read_parameters(recipe)
    changed = folder / "simulation.json"
    changed.write_text(replace(simulation, relief=replace(simulation.relief, dem=str(dem.resolve()))).to_json())
    return changed


def counted(net: models.MaskNet, store: Path, split: str, value: int) -> dict[Mask, np.ndarray]:
    """Return how many pixels whose label is `value` are above each of `STEPS`, and last how many there are, by mask."""
    counts = {mask: np.zeros(len(STEPS) + 1, np.int64) for mask in net.card.masks}
    for bands, labels in hlsmask.samples.open(store, split):
        taken = torch.from_numpy(net.card.normalize(bands[None], missing=0))
        with torch.inference_mode():
            given = supported(torch.sigmoid(net(taken))[0].numpy(), net.card.masks, net.card.hysteresis)
        for at, mask in enumerate(net.card.masks):
            chances = given[at][labels[list(Mask).index(mask)] == value]
            counts[mask] += [*((chances > step).sum() for step in STEPS), chances.size]
    return counts


def lowered(net: models.MaskNet, simulated: Path) -> dict[Mask, float]:
    """Return the network's thresholds, lowered where that costs next to nothing on simulated samples.

    On those over ground of train and on those over ground of val each: val alone has little ground.
    """
    thresholds = {mask: net.card.threshold(mask) for mask in net.card.masks}
    least = dict.fromkeys(LENIENT, 0.0)
    for split in ("train", "val"):
        there, absent = (counted(net, simulated, split, value) for value in (1, 0))
        for mask, cost in LENIENT.items():
            hits, false_alarms = there[mask][:-1], absent[mask][:-1]
            f1 = 2 * hits / np.maximum(hits + false_alarms + there[mask][-1], 1)
            own = float(STEPS[f1 >= f1.max() - cost].min())
            print(f"{mask.title}: {thresholds[mask]:g} by F1, {own:g} for {cost:g} of it on {split}")
            least[mask] = max(least[mask], own)
    return {mask: min(threshold, least.get(mask, threshold)) for mask, threshold in thresholds.items()}


def raised(net: models.MaskNet, thresholds: dict[Mask, float], backgrounds: Path) -> dict[Mask, float]:
    """Return thresholds, raised where too much clear ground of train or of val is above them.

    Each split counts alone: there is more ground in train, and that in val was not trained on.
    """
    for split in ("train", "val"):
        above = counted(net, backgrounds, split, 0)
        for mask, share in CLEAR.items():
            clear = above[mask][-1]
            few = STEPS[above[mask][:-1] <= share * clear]
            least = float(few.min()) if few.size else float(STEPS.max())
            print(f"{mask.title}: {thresholds[mask]:g}; {least:g} at least by {clear:,} clear pixels of {split}")
            thresholds[mask] = max(thresholds[mask], least)
    return thresholds


def ship(trained: Path, out: Path, simulated: Path, store: Path, backgrounds: str) -> None:
    """Write both files, with the same card."""
    net = models.load(trained).eval()
    form = models.NETWORKS[NAME]  # how scenes are cut for it is no matter of training
    cut = {"size": form.size, "multiple": form.multiple, "overlap": form.overlap, "view": form.view}
    net.card = replace(net.card, thresholds=raised(net, lowered(net, simulated), store), **cut)
    version = datetime.now(UTC).strftime("%Y.%m.%d.%H%M")  # of two that were trained on one day, each has its own
    card = replace(net.card, name=NAME, version=version, provenance=told(dict(net.card.provenance), backgrounds))
    net.card = card
    to_train = out / f"{NAME}.safetensors"
    models.save(net, to_train)
    net.card = replace(card, provenance={**card.provenance, "tensors_sha256": tensors_sha256(to_train)})
    models.save(net, to_train)
    models.export(net, out / f"{NAME}.onnx")
    print(f"{to_train} and {NAME}.onnx: version {card.version}, thresholds {dict(card.thresholds)}")


def main() -> None:
    """Do it."""
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--dem", type=Path, help="real elevations to train on: `relief.dem` of a simulation")
    parser.add_argument("--trained", type=Path, help="weights that `hlsmask train` wrote")
    parser.add_argument("--init", type=Path, help="start from these weights")
    parser.add_argument("--about", default="real clear HLS samples of the user", help="the backgrounds, for the card")
    parser.add_argument("--count", type=int, default=1500, help="samples that are simulated to judge on")
    parser.add_argument("--out", type=Path, default=HERE.parent / "src/hlsmask/weights")
    given = parser.parse_args(words[:cut])
    with tempfile.TemporaryDirectory() as place:
        folder, trained = Path(place), given.trained
        if trained is None:
            start = ("--init", given.init) if given.init else ()
            asked = ("--config", HERE / f"{NAME}.toml", "--parameters", laid(given.dem, folder))
            command("train", *asked, "--simulate", given.backgrounds, *start, "--out", folder, *words[cut + 1 :])
            trained = max(folder.glob("*_best.safetensors"))
        weights = folder / "judged.safetensors"
        net = models.load(trained)
        net.card = replace(net.card, hysteresis=HYSTERESIS)
        models.save(net, weights)
        store = folder / "simulated.store"
        parameters = HERE / "judged.toml"
        judged = ("--backgrounds", given.backgrounds, "--parameters", parameters, "--seed", 77, "--count", given.count)
        command("samples", "simulate", *judged, "--out", store)
        command("evaluate", "--data-dir", store, "--checkpoint", weights, "--threshold-step", 0.05)
        ship(weights, given.out, store, given.backgrounds, given.about)


if __name__ == "__main__":
    main()
