"""Learn all five masks from a few dozen simulated samples, on the CPU, in minutes; and judge what was learned.

    python examples/train_demo.py [--out train-demo]

Landscapes are made up (`hlsmask.testing`), clouds, shadows, snow and relief are simulated over them
(`hlsmask samples simulate`), the smallest network learns them (`hlsmask train`), and `hlsmask evaluate` judges it on
samples over landscapes that it never saw, beside the spectral engine. It ends with 1 if a mask was not learned: if
its F1 is not above that of saying "there" everywhere, and of the spectral engine, by a fifth of what is missing to 1.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from math import isnan, nan
from pathlib import Path

from hlsmask.masks import Mask
from hlsmask.samples import Record, Sample
from hlsmask.samples.store import StoreWriter
from hlsmask.testing import simulate_granule

SIZE = 256
LANDSCAPES = {"train": range(100, 132), "val": range(200, 208), "test": range(300, 312)}
SAMPLES = 96  # each of the split of its landscape
EPOCHS = 90
MARGIN = 0.2


def backgrounds(folder: Path) -> None:
    """Write clear ground with its labels, each landscape into one split."""
    with StoreWriter(folder, options={"kind": "landscapes"}) as store:
        for split, seeds in LANDSCAPES.items():
            for seed in seeds:
                granule = simulate_granule(SIZE, seed, clouds=0, fill=False)
                record = Record(f"{split}-{seed}", SIZE, split=split, terrain_shadow="shad+cast")
                store.append(Sample.of(record, granule.bands, granule.truth))


def command(*words: object) -> None:
    """Run a command of hlsmask, shown as it is typed."""
    print(f"\n$ hlsmask {' '.join(str(word) for word in words)}", flush=True)
    subprocess.run([sys.executable, "-m", "hlsmask", *map(str, words)], check=True)


def learned(table: Path) -> bool:
    """Print what F1 each mask has and what it would have without learning; say whether all are well above that."""
    rows: dict[str, dict[Mask, dict[str, str]]] = {}
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["contender"], {})[Mask(row["mask"])] = row
    network, spectral = (rows[name] for name in rows)
    print(f"\n{'F1':16}{'learned':>10}{'spectral':>10}{'chance':>10}")
    well = True
    for mask in Mask:
        counts = {name: int(network[mask][name]) for name in ("tp", "fp", "fn", "tn")}
        share = (counts["tp"] + counts["fn"]) / sum(counts.values())
        chance = 2 * share / (1 + share)
        ours, physics = (float(each[mask]["f1"]) if mask in each else nan for each in (network, spectral))
        least = max(chance, 0.0 if isnan(physics) else physics)
        good = ours > least + MARGIN * (1 - least)
        well &= good
        shown = "-" if isnan(physics) else f"{physics:.3f}"
        print(f"{mask.title:16}{ours:10.3f}{shown:>10}{chance:10.3f}{'' if good else '   not learned'}")
    return well


def main() -> int:
    """Make, learn, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("train-demo"))
    out = parser.parse_args().out
    ground, store, run = out / "landscapes.store", out / "samples.store", out / "run"
    if not ground.exists():
        backgrounds(ground)
    command("samples", "simulate", "--backgrounds", ground, "--count", SAMPLES, "--out", store)
    command(
        *("train", "--data-dir", store, "--out", run, "--backbone", "hlsmask_s", "--epochs", EPOCHS, "--size", 128),
        *("--loss-type", "bce+dice", "--lr", 4e-3, "--scheduler", "onecycle", "--clip", 1, "--workers", 0),
        *("--optimizer", "adamw", "--weight-decay", 0.01),
    )
    best = max(run.glob("*_best.safetensors"))
    command("evaluate", "--data-dir", store, "--checkpoint", best, "--compare", "spectral")
    return 0 if learned(best.with_name(f"{best.stem}_comparison.csv")) else 1


if __name__ == "__main__":
    sys.exit(main())
