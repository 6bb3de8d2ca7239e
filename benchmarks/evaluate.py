"""One pass over validation against one a threshold, as the published evaluation goes; and what memory it takes.

    python benchmarks/evaluate.py [--samples 24] [--size 256] [--backbone mobilenetv3] [--device cpu]

Both run the same network in the same batches over the same samples, read from the same store: ten passes run it anew
for each threshold from 0.0 to 0.9 and count that threshold alone; one pass keeps a histogram, of a hundred times finer
steps. Each is warmed up by one batch, takes turns with the other, and its best time of `--rounds` counts. Memory is
the peak of a process that judges n samples, and of one that judges four times as many.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from hlsmask.evaluation.confusion import Confusion
from hlsmask.evaluation.judging import judge, survey
from hlsmask.evaluation.network import open_network
from hlsmask.evaluation.seen import Feed
from hlsmask.evaluation.thresholds import sweep
from hlsmask.inference.decide import threshold
from hlsmask.masks import Mask
from hlsmask.samples.opening import open_samples
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.store import StoreWriter

THRESHOLDS = [step / 10 for step in range(10)]


def make_store(path: Path, count: int, size: int) -> None:
    rng = np.random.default_rng(0)
    with StoreWriter(path, options={}) as store:
        for number in range(count):
            field = np.kron(rng.random((6, size // 16, size // 16)), np.ones((16, 16)))
            bands = (field * 6000 + rng.integers(0, 300, field.shape)).astype(np.int16)
            labels = (bands[1] > np.array([1500, 3000, 4500, 5500, 1000])[:, None, None]).astype(np.uint8)
            store.append(Sample.of(Record(f"s-{number:04d}", size, "val"), bands, labels))


def ten_passes(feed: Feed, network) -> dict[Mask, float]:
    """Go over all samples once a threshold; return the best of each mask."""
    scores = []
    for value in THRESHOLDS:
        counts = {mask: Confusion() for mask in network.masks}
        for batch in feed:
            for seen, given in zip(batch, network(batch), strict=True):
                said = threshold(given, network.masks, dict.fromkeys(network.masks, value))
                for at, mask in enumerate(Mask):
                    counts[mask] += Confusion.of(said[at], seen.labels[at])
        scores.append(counts)
    return {
        mask: max(zip(THRESHOLDS, scores, strict=True), key=lambda pair, mask=mask: np.nan_to_num(pair[1][mask].f1))[0]
        for mask in network.masks
    }


def one_pass(feed: Feed, network) -> dict[Mask, float]:
    found = survey(feed, network).thresholds(THRESHOLDS)
    return {mask: found.get(mask, 0.0) for mask in network.masks}


def timed(what, feed, network):
    started = perf_counter()
    return what(feed, network), perf_counter() - started


def memory(given) -> None:
    """Judge a store in this process and print its peak memory in MiB."""
    network = open_network(given.weights, device=given.device)
    feed = Feed(open_samples(given.memory))
    found = survey(feed, network)
    judge(feed, [network])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"samples": found.samples, "mib": round(peak, 1)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--backbone", default="mobilenetv3")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory is not None:
        memory(given)
        return
    import torch

    from hlsmask.models import create, save

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        weights = save(create(given.backbone).eval(), folder / "weights.safetensors")
        network = open_network(weights, device=given.device)
        make_store(folder / "some", given.samples, given.size)
        make_store(folder / "more", 4 * given.samples, given.size)
        feed = Feed(open_samples(folder / "some"))
        network(next(iter(feed)))
        times: dict[str, list[float]] = {"ten": [], "one": []}
        for _ in range(given.rounds):
            theirs, seconds = timed(ten_passes, feed, network)
            times["ten"].append(seconds)
            ours, seconds = timed(one_pass, feed, network)
            times["one"].append(seconds)
            if ours != theirs:
                sys.exit(f"they disagree: {ours} and {theirs}")
        ten, one = min(times["ten"]), min(times["one"])
        print(f"{network.engine.name}, {given.backbone}, {given.samples} samples of {given.size} x {given.size}")
        print(
            f"ten passes {ten:.2f} s, one pass {one:.2f} s (of {len(sweep(0.001))} thresholds): {ten / one:.1f} times"
        )
        for name in ("some", "more"):
            words = [
                sys.executable,
                __file__,
                "--memory",
                folder / name,
                "--weights",
                weights,
                "--device",
                given.device,
            ]
            print(
                subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout, end=""
            )


if __name__ == "__main__":
    main()
