"""Two hundred granules, some broken, while workers and the run itself are killed: nothing lost, nothing double."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pystac
import pytest
import rasterio

from hlsmask.testing import tiny_granule

COUNT = 200
NAMES = [f"HLS.S30.T13TDE.{2015 + k // 100}{1 + 3 * (k % 100):03}T174911.v2.0" for k in range(COUNT)]
BROKEN = {NAMES[k]: k for k in (3, 50, 77, 120, 121, 199)}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def granules(tmp_path_factory):
    """Make the granules, a folder a year; break six, each in a way of its own."""
    home = tmp_path_factory.mktemp("archive")
    for seed, name in enumerate(NAMES):
        tiny_granule(home / name[15:19], seed=seed, granule_id=name)

    def band(name, layer):
        return next(home.rglob(f"{name}.{layer}.tif"))

    band(NAMES[3], "B11").write_bytes(b"cut off")
    band(NAMES[50], "B02").write_bytes(band(NAMES[50], "B02").read_bytes()[:400])
    band(NAMES[77], "B04").unlink()
    band(NAMES[120], "B12").write_text("<html>please log in</html>")
    band(NAMES[121], "B03").write_bytes(b"")
    small = next(tiny_granule(home.parent / "small", (32, 48), granule_id=NAMES[199]).rglob("*.B8A.tif"))
    small.replace(band(NAMES[199], "B8A"))  # of another grid
    return home


def start(granules, out):
    words = ("predict", granules, "--out", out, "--model", "spectral", "--processes", 2, "--log-json")
    command = [sys.executable, "-m", "hlsmask", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def workers_of(run):
    """Return the processes of Dask's workers, which their nannies start again."""
    found = psutil.Process(run.pid).children(recursive=True)
    return [process for process in found if "spawn_main" in " ".join(process.cmdline())]


def whole(folder):
    """Return whether results are whole: all that the Item names is there, in full, and can be read."""
    item = json.loads((folder / f"{folder.name}.json").read_bytes())
    for asset in item["assets"].values():
        assert (folder / asset["href"]).stat().st_size == asset["file:size"], folder
    with rasterio.open(folder / f"{folder.name}.masks.tif") as file:
        return file.read().shape == (6, 64, 48)


def made(out):
    """Return when the results of each source were made, by its name."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("HLS*/*.json")}


def test_nothing_is_lost_and_nothing_double(granules, tmp_path):
    out = tmp_path / "out"
    with start(granules, out) as run:
        for count, _ in enumerate(run.stdout):
            if count == 20:
                workers_of(run)[0].kill()
            if count == 90:
                os.killpg(run.pid, signal.SIGKILL)  # the client, its scheduler, all workers: as when the machine goes
                break
    first = made(out)
    assert 80 <= len(first) < COUNT - len(BROKEN)
    assert all(whole(out / name) for name in first)

    both = [start(granules, out) for _ in range(2)]  # two at once
    printed = [run.communicate() for run in both]
    assert [run.returncode for run in both] == [1, 1], printed
    last = made(out)
    assert set(last) == set(NAMES) - set(BROKEN)
    assert {name: last[name] for name in first} == first  # what was done was not done again
    assert all(whole(out / name) for name in last)
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]

    failures = [json.loads(line) for line in (out / "failures.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {next(name for name in BROKEN if name in failure["source"]) for failure in failures} == set(BROKEN)
    assert all(Path(failure["source"]).name in failure["reason"] for failure in failures)
    kept = {row["id"]: row["state"] for row in pq.read_table(out / "manifest.parquet").to_pylist()}
    assert kept == {name: "failed" if name in BROKEN else "done" for name in NAMES}
    collection = pystac.Collection.from_file(str(out / "collection.json"))
    assert {item.id for item in collection.get_items()} == set(last)
    assert pq.read_table(out / "items.parquet").num_rows == len(last)

    with start(granules, out) as again:
        events = [json.loads(line) for line in again.stdout]
    assert (events[0]["failed"], events[0]["done"], events[0]["sources"]) == (len(BROKEN), len(last), len(BROKEN))
    assert made(out) == last


def test_a_granule_is_mended_and_the_rest_is_left_alone(granules, tmp_path):
    out, few = tmp_path / "out", tmp_path / "in"
    few.mkdir()
    for name in NAMES[:5]:
        folder = next(path for path in granules.rglob(name) if path.is_dir())
        (few / name).symlink_to(folder)
    with start(few, out) as run:
        events = [json.loads(line) for line in run.stdout]
    assert (events[-1]["done"], events[-1]["failed"]) == (4, 1)
    before = made(out)
    (few / NAMES[3]).unlink()
    tiny_granule(few, seed=3, granule_id=NAMES[3])
    with start(few, out) as run:
        events = [json.loads(line) for line in run.stdout]
    assert run.returncode == 0
    assert (events[-1]["done"], events[-1]["failed"]) == (1, 0)
    assert not (out / "failures.jsonl").exists()
    assert {name: when for name, when in made(out).items() if name in before} == before
    assert Path(out / NAMES[3]).is_dir()
