"""Train the default network over clear backgrounds, judge it on simulated samples, and lay it where it is shipped.

    python recipes/make_weights.py --backgrounds STORE [--trained FILE.safetensors] [--init FILE] [--out FOLDER]

STORE has the splits train, val and test (`hlsmask samples split`). Training takes `recipes/hlsmask_s.toml`; words after
`--` go to `hlsmask train`, such as `-- --epochs 5`. Thresholds are those of highest F1 on samples that are simulated
over the split val, and scores those over the split test: figures on simulated data. There (`recipes/judged.toml`) the
rim that training leaves out counts as people draw it: as cloud, and as no shadow. Where too much of the clear ground of
the splits train and val, as it is, would be called cloud, shadow (0.1 %) or terrain shadow (0.5 %), that threshold is
raised.
`--trained` leaves out training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

import hlsmask.samples
from hlsmask import models
from hlsmask.masks import Mask
from hlsmask.models.headers import tensors_sha256

HERE = Path(__file__).parent
NAME = "hlsmask_s"
CLEAR = {Mask.CLOUD: 0.001, Mask.CLOUD_SHADOW: 0.001, Mask.TERRAIN_SHADOW: 0.005}
"""What the backgrounds are free of, where they know it, and how much of such ground may be called it."""
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


def raised(net: models.MaskNet, backgrounds: Path) -> dict[Mask, float]:
    """Return the network's thresholds, raised where too much clear ground of train and val is above them."""
    steps, above, clear = np.arange(1, 20) / 20, {mask: np.zeros(19) for mask in CLEAR}, Counter[Mask]()
    for bands, labels in chain(hlsmask.samples.open(backgrounds, "train"), hlsmask.samples.open(backgrounds, "val")):
        taken = torch.from_numpy(net.card.normalize(bands[None], missing=0))
        with torch.inference_mode():
            given = torch.sigmoid(net(taken))[0].numpy()
        for mask in CLEAR:
            known = labels[list(Mask).index(mask)] == 0
            chances = given[net.card.masks.index(mask)][known]
            above[mask] += [(chances > step).sum() for step in steps]
            clear[mask] += chances.size
    thresholds = {mask: net.card.threshold(mask) for mask in net.card.masks}
    for mask in CLEAR:
        few = steps[above[mask] <= CLEAR[mask] * clear[mask]]
        least = float(few.min()) if few.size else 0.95
        print(f"{mask.title}: {thresholds[mask]:g} by F1, {least:g} at least by {clear[mask]:,} pixels of clear ground")
        thresholds[mask] = max(thresholds[mask], least)
    return thresholds


def ship(trained: Path, out: Path, store: Path, backgrounds: str) -> None:
    """Write both files, with the same card."""
    net = models.load(trained).eval()
    net.card = replace(net.card, thresholds=raised(net, store))
    today = datetime.now(UTC).strftime("%Y.%m.%d")  # of two that were trained on one day, each has its own
    card = replace(net.card, name=NAME, version=today, provenance=told(dict(net.card.provenance), backgrounds))
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
            config = HERE / f"{NAME}.toml"
            command(
                "train", "--config", config, "--simulate", given.backgrounds, *start, "--out", folder, *words[cut + 1 :]
            )
            trained = max(folder.glob("*_best.safetensors"))
        weights = folder / "judged.safetensors"
        weights.write_bytes(trained.read_bytes())
        store = folder / "simulated.store"
        parameters = HERE / "judged.toml"
        judged = ("--backgrounds", given.backgrounds, "--parameters", parameters, "--seed", 77, "--count", given.count)
        command("samples", "simulate", *judged, "--out", store)
        command("evaluate", "--data-dir", store, "--checkpoint", weights, "--threshold-step", 0.05)
        ship(weights, given.out, given.backgrounds, given.about)


if __name__ == "__main__":
    main()
