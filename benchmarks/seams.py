"""Do masks depend on how a scene is cut? Probabilities of one scene, masked in windows of two sizes, pixel by pixel.

    python benchmarks/seams.py                          a simulated granule, the default network, windows 512 and 1024
    python benchmarks/seams.py SOURCE --model FILE      whatever `hlsmask predict` takes
    python benchmarks/seams.py --overlap 64             with another overlap than the card's

A pixel counts as the same where its probability differs by 0.02 or less. The aim is 99.9 % of the observed pixels, for
each mask; the exit code says whether it was met. Beside it: the largest difference, and the share of pixels whose mask
(the probability against the card's threshold) is another.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hlsmask.granules.source import locate
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.inference.stream import stream
from hlsmask.testing import simulate_granule, write_granule

MOST = 0.02
LEAST = 0.999


@dataclass(frozen=True, slots=True)
class Seams:
    """How much the probabilities of one mask depend on the windows."""

    same: float
    """Share of observed pixels whose probabilities differ by `MOST` or less."""

    largest: float
    """The largest difference."""

    turned: float
    """Share of observed pixels that lie on the other side of the threshold."""


def compare(source: str | Path, windows: tuple[int, int], options: Options) -> dict[str, Seams]:
    """Return, by mask, how much the probabilities of `source` differ between windows of two sizes."""
    engine = open_engine(options)
    thresholds = options.thresholds(engine.card)
    masks = engine.card.masks
    with locate(source).open(scale=options.scale) as scene:
        one, other = (
            stream(scene, engine, window=window, overlap=options.overlap, workers=options.workers) for window in windows
        )
        first = np.empty((len(masks), scene.geobox.height, scene.geobox.width), np.float32)
        for window, cell in one:
            first[:, *window.slices] = cell
        count = 0
        same, turned = np.zeros((2, len(masks)), np.int64)
        largest = np.zeros(len(masks), np.float32)
        limits = np.array([thresholds[mask] for mask in masks], np.float32)[:, None]
        for window, cell in other:
            before = first[:, *window.slices]
            if not np.array_equal(np.isnan(before), np.isnan(cell)):
                raise SystemExit(f"{source}: what counts as observed depends on the windows, at {window}")
            seen = ~np.isnan(cell[0])
            old, new = before[:, seen], cell[:, seen]
            difference = np.abs(new - old)
            count += int(seen.sum())
            same += (difference <= MOST).sum(axis=1)
            turned += ((old > limits) != (new > limits)).sum(axis=1)
            largest = np.maximum(largest, difference.max(axis=1, initial=0))
    if not count:
        raise SystemExit(f"{source} holds no pixel that was observed")
    return {
        mask.value: Seams(same[number] / count, float(largest[number]), turned[number] / count)
        for number, mask in enumerate(masks)
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("source", nargs="?", help="else a simulated granule")
    arguments.add_argument("--model", help="a file of weights; else the default network")
    arguments.add_argument("--engine", default="auto")
    arguments.add_argument("--windows", type=int, nargs=2, default=(512, 1024))
    arguments.add_argument("--overlap", type=int, help="else the card's")
    arguments.add_argument("--size", type=int, default=3660, help="rows and columns of the simulated granule")
    arguments.add_argument("--seed", type=int, default=0, help="of the simulated granule")
    asked = arguments.parse_args()
    options = Options(model=asked.model, engine=asked.engine, overlap=asked.overlap)
    with tempfile.TemporaryDirectory() as folder:
        source = asked.source or write_granule(simulate_granule(asked.size, asked.seed), Path(folder))
        found = compare(source, tuple(asked.windows), options)
    print(f"{source if asked.source else 'a simulated granule'}, windows of {asked.windows[0]} and {asked.windows[1]}")
    print(f"{'':16} {f'within {MOST}':>12} {'largest':>10} {'mask turned':>12}")
    for mask, seams in found.items():
        print(f"{mask:16} {seams.same:12.4%} {seams.largest:10.3f} {seams.turned:12.4%}")
    least = min(seams.same for seams in found.values())
    print(f"{'seamless' if least >= LEAST else 'NOT seamless'}: {least:.4%} at least, the aim is {LEAST:.1%}")
    sys.exit(int(least < LEAST))


if __name__ == "__main__":
    main()
