"""What masking many granules costs beside the masking: planning, resuming, scheduling, and what a second worker brings.

    python benchmarks/archive.py                      all of it; nothing else should run on the machine
    python benchmarks/archive.py --only plan overhead

- **plan**: 10,000 granule folders (their bands are empty files) are listed and planned; then results of all are made up
  and the run is planned again, which finds nothing to do. Seconds, and the peak memory of the process that does it. The
  aims: 20 s, 500 MB.
- **overhead**: 2,000 jobs that do nothing, on 2 processes: milliseconds a job, by the wall. The aim: 50 ms.
- **workers**: small simulated granules (512 x 512), masked by 1 process and by 2: how many times faster. The aim: 1.7.
  One process reads ahead, draws and compresses beside the masking, so it has the second core for a part of the time; it
  is measured on one core alone too, to tell that from what two lose to each other; and two programs that share nothing
  say how much a second core of the machine can bring.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hlsmask.archive.cluster import local
from hlsmask.archive.listing import list_sources
from hlsmask.archive.manifest import Entry, Manifest, State
from hlsmask.archive.plan import Job, Need, Plan, make_plan
from hlsmask.archive.run import carry_out
from hlsmask.archive.work import Orders
from hlsmask.bands import Sensor
from hlsmask.granules.source import Source
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.products.output import Output
from hlsmask.products.request import request_hash
from hlsmask.testing import simulate_granule, write_granule
from hlsmask.testing.granule import TILE

START = datetime(2015, 1, 1, 17, 49, 11, tzinfo=UTC)
ASSETS = ("masks.tif", "qa.tif", "png")
COLUMNS = "DABCEFGHJKLMNPQRSTUV"
"""Of tiles in a zone: that of simulated granules first."""
BUSY = """
import sys, time, zlib
import numpy as np
image = np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32)
count, end = 0, time.perf_counter() + float(sys.argv[1])
while time.perf_counter() < end:
    zlib.compress((image * 40).astype(np.int16).tobytes(), 5)
    for _ in range(20):
        image = (image + np.roll(image, 1, 0) + np.roll(image, 1, 1)) / 3
    count += 1
print(count)
"""
"""What two programs that share nothing do at once says what a second core of this machine is worth."""


def nothing(source: Source, request: str, orders: Orders) -> Entry:
    """Do nothing."""
    del orders
    return Entry(source.id, source.href, State.DONE, request=request)


def make_folders(home: Path, count: int) -> None:
    """Make granule folders whose bands are files of one byte."""
    for number in range(count):
        when = START + timedelta(hours=number)
        name = f"HLS.S30.T{TILE}.{when:%Y%jT%H%M%S}.v2.0"
        folder = home / f"{when:%Y}" / name
        folder.mkdir(parents=True)
        for layer in (*Sensor.S30.layers.values(), "Fmask", "SZA", "SAA"):
            (folder / f"{name}.{layer}.tif").write_bytes(b"0")


def make_granules(home: Path, count: int, size: int) -> None:
    """Write `count` granules that can be masked: one in twenty simulated, the others the same in tiles beside it."""
    for seed in range(-(-count // len(COLUMNS))):
        granule = write_granule(simulate_granule(size, seed), home)
        for column in COLUMNS[1 : count - seed * len(COLUMNS)]:
            other = home / granule.name.replace(TILE, TILE[:-2] + column + TILE[-1])
            other.mkdir()
            for path in granule.iterdir():
                (other / path.name.replace(granule.name, other.name)).hardlink_to(path)


def make_results(home: Path, out: Path) -> None:
    """Make up results of all granules, as a run would leave them but for their content."""
    options = Options()
    engine = open_engine(options)
    for source in list_sources([str(home)]).sources:
        folder = out / source.id
        folder.mkdir(parents=True)
        for kind in ASSETS:
            (folder / f"{source.id}.{kind}").write_bytes(b"0")
        request = request_hash(source, engine, options, probabilities=False)
        item = {
            "id": source.id,
            "properties": {"hlsmask:request": request},
            "assets": {kind: {"href": f"{source.id}.{kind}", "file:size": 1} for kind in ASSETS},
        }
        (folder / f"{source.id}.json").write_text(json.dumps(item), encoding="utf-8")


def plan_once(home: Path, out: Path) -> None:
    """List and plan; print seconds, megabytes and how many there are to do."""
    started = time.perf_counter()
    options, output = Options(), Output(out)
    sources = list_sources([str(home)]).sources
    plan = make_plan(sources, open_engine(options), options, output, Manifest(out / "manifest.parquet"))
    seconds = time.perf_counter() - started
    peak = Path("/proc/self/status").read_text(encoding="ascii").split("VmHWM:")[1].split()[0]
    print(
        json.dumps({"seconds": seconds, "megabytes": int(peak) / 1024, "jobs": len(plan.jobs), "done": len(plan.done)})
    )


def planning(count: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        home, out = Path(place) / "in", Path(place) / "out"
        make_folders(home, count)
        for what in ("planned", "resumed (all done)"):
            words = [sys.executable, __file__, "--plan-once", str(home), str(out)]
            ended = subprocess.run(words, capture_output=True, text=True, check=True)
            found = json.loads(ended.stdout.strip().splitlines()[-1])
            print(
                f"{count:,} sources {what}: {found['seconds']:.1f} s, {found['megabytes']:.0f} MB; "
                f"{found['jobs']:,} to do, {found['done']:,} done"
            )
            if what == "planned":
                make_results(home, out)


def overhead(count: int) -> None:
    plan = Plan([Job(Source(f"s{k}", f"/s{k}"), Need.MISSING, "") for k in range(count)], [])
    with tempfile.TemporaryDirectory() as place, local(2) as client:
        manifest = Manifest(Path(place) / "manifest.parquet")
        orders = Orders(Options(), Output(Path(place)))
        started = time.perf_counter()
        entries = list(carry_out(plan, orders, manifest, client, work=nothing))
        seconds = time.perf_counter() - started
    print(f"{len(entries):,} jobs that do nothing, 2 processes: {1e3 * seconds / count:.1f} ms a job")


def workers(count: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "in"
        make_granules(home, count, size)
        took = {}
        for cores, processes in ((1, 1), (2, 1), (2, 2)):
            out = Path(place) / f"out{cores}{processes}"
            words = ("predict", home, "--out", out, "--processes", processes, "--log-json")
            # One process masks with one thread too: else it uses both cores, and nothing is compared.
            command = [sys.executable, "-m", "hlsmask", *map(str, words), "--workers", "1"]
            command = ["taskset", "-c", ",".join(map(str, range(cores))), *command]
            ended = subprocess.run(command, capture_output=True, text=True, check=True)
            end = json.loads(ended.stdout.strip().splitlines()[-1])
            took[cores, processes] = end["seconds"]
            told = f"{end['done']} granules of {size} x {size}, {processes} at once on {cores} cores"
            print(f"{told}: {end['seconds']:.1f} s")
        print(f"2 workers against 1: {took[2, 1] / took[2, 2]:.2f} times")
        alone, beside = rounds(1), rounds(2)
        print(f"two programs that share nothing against one, by the same clock: {beside / alone:.2f} times")
        print(f"2 workers on 2 cores against 1 on 1 core: {took[1, 1] / took[2, 2]:.2f} times")


def rounds(programs: int, seconds: float = 10.0) -> int:
    """Return how often so many programs side by side, one on each core, compress and filter their own megabyte."""
    commands = [["taskset", "-c", str(core), sys.executable, "-c", BUSY, str(seconds)] for core in range(programs)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    return sum(int(program.communicate()[0]) for program in running)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", nargs="+", choices=("plan", "overhead", "workers"))
    arguments.add_argument("--sources", type=int, default=10_000)
    arguments.add_argument("--jobs", type=int, default=2_000)
    arguments.add_argument("--granules", type=int, default=480)
    arguments.add_argument("--size", type=int, default=512)
    arguments.add_argument("--plan-once", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.plan_once:
        plan_once(*asked.plan_once)
        return
    wanted = asked.only or ("plan", "overhead", "workers")
    if "plan" in wanted:
        planning(asked.sources)
    if "overhead" in wanted:
        overhead(asked.jobs)
    if "workers" in wanted:
        workers(asked.granules, asked.size)


if __name__ == "__main__":
    main()
