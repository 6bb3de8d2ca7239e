"""Many sources on workers: processes of this machine, or those of a scheduler."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pystac
import pytest

from hlsmask.archive.cluster import local, remote
from hlsmask.archive.manifest import Entry, Manifest, State
from hlsmask.archive.plan import Job, Need, Plan
from hlsmask.archive.run import carry_out
from hlsmask.archive.work import Orders
from hlsmask.errors import ServiceError
from hlsmask.granules.source import Source
from hlsmask.inference.options import Options
from hlsmask.products.output import Output
from hlsmask.testing import tiny_granule

NAMES = [f"HLS.S30.T13TDE.2024{190 + k}T174911.v2.0" for k in range(5)]


@pytest.fixture
def home(tmp_path):
    """Make five granules, one of which cannot be read."""
    for seed, name in enumerate(NAMES):
        tiny_granule(tmp_path / "in", seed=seed, granule_id=name)
    next(tmp_path.rglob(f"{NAMES[3]}.B11.tif")).write_bytes(b"cut off")
    return tmp_path


def events(printed):
    return [json.loads(line) for line in printed.splitlines()]


def test_a_folder_of_granules_is_masked_side_by_side_and_again_only_where_it_failed(run, home):
    words = ("predict", home / "in", "--out", home / "out", "--model", "spectral", "--log-json", "--processes", 2)
    code, printed, err = run(*words, "--dry-run")
    (plan,) = events(printed)
    assert (code, err, plan["missing"], plan["done"]) == (0, "", 5, 0)
    assert plan["bytes"] == sum(path.stat().st_size for path in home.rglob("*.B*.tif"))
    assert not (home / "out").exists()

    code, printed, err = run(*words)
    plan, *sources, end = events(printed)
    assert code == 1, err
    assert sorted(entry["id"] for entry in sources) == NAMES
    assert [entry["id"] for entry in sources if entry["state"] == "failed"] == [NAMES[3]]
    assert (end["done"], end["failed"]) == (4, 1)
    assert plan["dashboard"].startswith("http://127.0.0.1")
    kept = {row["id"]: row for row in pq.read_table(home / "out" / "manifest.parquet").to_pylist()}
    assert "B11" in kept[NAMES[3]]["reason"]
    assert "B11" in (home / "out" / "failures.jsonl").read_text(encoding="utf-8")
    collection = pystac.Collection.from_file(str(home / "out" / "collection.json"))
    assert sorted(item.id for item in collection.get_items()) == [name for name in NAMES if name != NAMES[3]]

    code, printed, _ = run(*words)
    plan, source, _ = events(printed)
    assert (code, plan["failed"], plan["done"], source["id"]) == (1, 1, 4, NAMES[3])


def stubborn(source: Source, request: str, orders: Orders) -> Entry:
    """Mask nothing; end the process of a worker where one source says so."""
    del request, orders
    if source.id == "s7":
        os._exit(1)
    return Entry(source.id, source.href, State.DONE)


@pytest.mark.filterwarnings("ignore")
def test_a_source_that_kills_its_workers_is_told_and_all_others_are_done(tmp_path):
    sources = [Source(f"s{k}", f"/x/s{k}") for k in range(40)]
    plan = Plan([Job(source, Need.MISSING, "") for source in sources], [])
    manifest = Manifest(tmp_path / "manifest.parquet")
    with local(2) as client:
        entries = list(carry_out(plan, Orders(Options(), Output(tmp_path)), manifest, client, work=stubborn))
    states = {entry.id: entry.state for entry in entries}
    assert len(entries) == len(states) == 40
    assert [name for name, state in states.items() if state is State.FAILED] == ["s7"]
    assert "worker died" in manifest.entries["s7"].reason


def test_where_no_scheduler_listens_nothing_is_started(run, home, monkeypatch):
    monkeypatch.setattr("hlsmask.archive.cluster._WAIT", 1)
    code, printed, err = run("predict", home / "in", "--out", home / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert (code, printed) == (1, "")
    assert err.startswith("hlsmask: no Dask scheduler answers at tcp://127.0.0.1:9")
    assert not list((home / "out").glob("HLS*"))


def test_workers_of_another_version_are_refused(monkeypatch):
    with local(1) as client:
        monkeypatch.setattr("hlsmask.archive.cluster.__version__", "99.0")
        with (
            pytest.raises(ServiceError, match=r"1 of 1 workers differ: .* has hlsmask \S+, this is hlsmask 99.0"),
            remote(client.scheduler.address),
        ):
            pass


def test_when_the_scheduler_is_killed_what_was_done_is_kept_and_the_rest_is_done_next_time(home):
    script = Path(__file__).with_name("lost_scheduler.py")
    command = [sys.executable, str(script), str(home / "in"), str(home / "out")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    told = json.loads(run.stdout)
    assert "the Dask scheduler was lost with " in told["raised"]
    assert "run the same command again" in told["raised"]
    assert set(told["first"]) == {*NAMES[:3], "killer"}
    assert told["first"]["killer"] == State.PLANNED
    assert {name: told["second"][name] for name in NAMES[:3]} == dict.fromkeys(NAMES[:3], State.DONE)
    assert not [path for path in (home / "out").iterdir() if path.name.endswith(".partial")]
