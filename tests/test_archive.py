"""Many sources: what is named, what is planned, what is kept of a run, and that nothing is lost on the way."""

import json
import pickle
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pystac
import pytest
import rasterio
from pystac import STACObjectType
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from stac_geoparquet.arrow import stac_table_to_items

from hlsmask.archive.catalogue import write_catalogue
from hlsmask.archive.listing import holds_many, list_sources
from hlsmask.archive.manifest import Manifest, State
from hlsmask.archive.patience import Patience, may_pass
from hlsmask.archive.plan import Need, make_plan
from hlsmask.archive.run import carry_out
from hlsmask.archive.work import Orders, mask
from hlsmask.errors import OutputError, ServiceError, UnreadableError
from hlsmask.granules.source import Source
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.products.output import Output
from hlsmask.testing import tiny_granule, write_bands

NAMES = [f"HLS.S30.T13TDE.2024{day}T174911.v2.0" for day in (190, 191, 192)]
OPTIONS = Options(model="spectral")


@pytest.fixture
def home(tmp_path):
    """Make three granules, in folders of their own below one."""
    for seed, name in enumerate(NAMES):
        tiny_granule(tmp_path / "in" / str(seed), seed=seed, granule_id=name)
    return tmp_path


def planned(home, sources=None, options=OPTIONS, **output):
    """Return a plan, what it is carried out by, and the manifest."""
    output = Output(home / "out", **output)
    manifest = Manifest(output.out / "manifest.parquet")
    sources = list_sources([str(home / "in")]).sources if sources is None else sources
    orders = Orders(options, output, Patience(tries=3, wait=0))
    return make_plan(sources, open_engine(options), options, output, manifest), orders, manifest


def ids(sources):
    return [source.id for source in sources]


# ---------------------------------------------------------------- what is named


def item_of(folder, name):
    assets = {path.name.split(".")[-2]: {"href": path.name} for path in sorted(folder.glob("*.tif"))}
    return {"type": "Feature", "id": name, "assets": assets, "properties": {}, "geometry": None, "links": []}


def test_every_way_to_name_granules_names_the_same(home, monkeypatch):
    monkeypatch.chdir(home)
    folders = [next((home / "in" / str(k)).iterdir()) for k in range(3)]
    lines = "\n".join(["# clear ones", *map(str, folders[:2]), "", str(folders[2].relative_to(home))])
    (home / "list.txt").write_text(lines, encoding="utf-8")
    pq.write_table(pa.table({"source": list(map(str, folders)), "cloud": [1, 2, 3]}), home / "list.parquet")
    items = [item_of(folder, name) for folder, name in zip(folders, NAMES, strict=True)]
    for item, folder in zip(items, folders, strict=True):
        for asset in item["assets"].values():
            asset["href"] = str(folder / asset["href"])
    (home / "found.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}), encoding="utf-8")
    rows = [{"id": item["id"], "assets": item["assets"]} for item in items]
    pq.write_table(pa.Table.from_pylist(rows), home / "items.parquet")
    expected = [set(folder.glob("*.tif")) for folder in folders]
    for word in ("in", "list.txt", "list.parquet", "found.json", "items.parquet"):
        listing = list_sources([word])
        assert (ids(listing.sources), listing.problems) == (NAMES, [])
        assert [{Path(href).absolute() for href in source.hrefs()} for source in listing.sources] == expected, word
        assert holds_many(word)
    assert ids(list_sources(["list.txt", "in"]).sources) == NAMES  # each once
    assert not holds_many(str(folders[0]))


def test_masks_that_lie_among_granules_are_no_granules(home):
    folder = home / "in" / "out" / NAMES[0].replace("190", "195")
    folder.mkdir(parents=True)
    (folder / f"{folder.name}.masks.tif").touch()
    assert ids(list_sources([str(home / "in")]).sources) == NAMES


def test_what_names_nothing_is_told_and_the_rest_is_found(home):
    (home / "list.txt").write_text(f"{home}/gone\n{home}/in/0/{NAMES[0]}\n", encoding="utf-8")
    (home / "empty").mkdir()
    (home / "none.parquet").write_bytes(b"no table")
    pq.write_table(pa.table({"scene": ["x"]}), home / "other.parquet")
    words = [str(home / name) for name in ("list.txt", "empty", "none.parquet", "other.parquet")]
    listing = list_sources(words)
    assert ids(listing.sources) == NAMES[:1]
    reasons = [str(error) for _, error in listing.problems]
    assert len(reasons) == 4
    for words, reason in zip(("gone does not exist", "no layer", "no Parquet", "it has scene"), reasons, strict=True):
        assert words in reason


def test_two_sources_of_one_name_are_refused_before_anything_starts(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        write_bands(tmp_path / place / "scene.tif", np.ones((6, 8, 8), np.int16), names=None)
    with pytest.raises(OutputError, match="share the ID scene"):
        list_sources([str(tmp_path / place / "scene.tif") for place in ("a", "b")])


def test_sources_travel_to_workers(home):
    for source in list_sources([str(home / "in")]).sources:
        assert pickle.loads(pickle.dumps(source)) == source  # noqa: S301 - our own


# ---------------------------------------------------------------- plan, run, resume


def test_a_second_run_does_only_what_is_missing_stale_or_failed(home):
    plan, orders, manifest = planned(home)
    assert plan.counts == {Need.MISSING: 3}
    assert plan.size == sum(path.stat().st_size for path in home.rglob("in/**/*.B*.tif"))
    entries = list(carry_out(plan, orders, manifest))
    assert [entry.state for entry in entries] == [State.DONE] * 3

    (home / "out" / NAMES[1] / f"{NAMES[1]}.masks.tif").unlink()
    plan, _, _ = planned(home)
    assert (plan.counts, [entry.id for entry in plan.done]) == ({Need.STALE: 1}, [NAMES[0], NAMES[2]])
    assert plan.seconds(workers=2) == plan.seconds_each / 2
    plan, _, _ = planned(home, options=replace(OPTIONS, buffer=3))
    assert plan.counts == {Need.STALE: 3}
    plan, _, _ = planned(home, overwrite=True)
    assert plan.counts == {Need.AGAIN: 3}


def test_what_failed_is_kept_with_its_reason_and_tried_again(home):
    victim = next(home.rglob(f"{NAMES[1]}.B04.tif"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[:200])
    plan, orders, manifest = planned(home)
    list(carry_out(plan, orders, manifest))
    kept = {row["id"]: row for row in pq.read_table(home / "out" / "manifest.parquet").to_pylist()}
    assert {name: kept[name]["state"] for name in NAMES} == dict(zip(NAMES, ["done", "failed", "done"], strict=True))
    assert "B04" in kept[NAMES[1]]["reason"]
    assert not (home / "out" / NAMES[1]).exists()

    victim.write_bytes(whole)
    plan, orders, manifest = planned(home)
    assert plan.counts == {Need.FAILED: 1}
    assert [entry.state for entry in carry_out(plan, orders, manifest)] == [State.DONE]


def test_a_run_that_is_broken_off_keeps_what_it_did(home):
    plan, orders, manifest = planned(home)
    entries = carry_out(plan, orders, manifest)
    first = next(entries)
    entries.close()
    kept = Manifest(home / "out" / "manifest.parquet").entries
    assert [kept[name].state for name in NAMES] == [State.DONE, State.PLANNED, State.PLANNED]
    assert kept[first.id] == first
    plan, _, _ = planned(home)
    assert plan.counts == {Need.MISSING: 2}


def test_a_manifest_that_is_none_is_not_written_over(home):
    (home / "out").mkdir()
    (home / "out" / "manifest.parquet").write_bytes(b"somebody's")
    with pytest.raises(OutputError, match="is no manifest of this hlsmask; remove it"):
        planned(home)


# ---------------------------------------------------------------- troubles that pass


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("HTTP response code: 503", True),
        ("the server answered 429", True),
        ("CURL error: Operation timed out after 30000 milliseconds", True),
        ("HTTP response code: 404", False),
        ("x.B04.tif is truncated at byte 5030", False),
    ],
)
def test_troubles_of_servers_may_pass(text, passes):
    cause = OSError(text)
    error = UnreadableError("https://host/x.B04.tif cannot be read")
    error.__cause__ = cause
    assert may_pass(error) == passes
    assert not may_pass(OutputError(text))


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(home, monkeypatch):
    source = Source("scene", "https://user:secret@host/scene.tif?sig=secret")
    tries = []

    def fails(*_):
        tries.append(1)
        raise ServiceError("the server answered 503" if len(tries) < 3 else "it refuses")

    monkeypatch.setattr("hlsmask.archive.work.produce", fails)
    entry = mask(source, "request", Orders(OPTIONS, Output(home / "out"), Patience(tries=5, wait=0)))
    assert (entry.state, entry.tries, entry.passing) == (State.FAILED, 3, False)
    assert "secret" not in repr(entry)


def test_a_full_disk_is_told_and_nothing_half_made_is_left(home):
    """A limit to the size of files stands for the disk: the system refuses in the midst of writing, as it would."""
    plan, orders, manifest = planned(home)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    entries = []
    try:
        for entry in carry_out(plan, orders, manifest):
            entries.append(entry)
            most = 1500 if len(entries) == 1 else limits[0]  # the second source finds the disk full
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [entry.state for entry in entries] == [State.DONE, State.FAILED, State.DONE]
    assert (entries[1].error, entries[1].tries, entries[1].passing) == ("OutputError", 1, False)
    assert "cannot be written" in entries[1].reason
    assert not (home / "out" / NAMES[1] / f"{NAMES[1]}.json").exists()
    assert not [path for path in (home / "out").iterdir() if path.name.startswith(".")]
    plan, orders, manifest = planned(home)
    assert [(job.source.id, job.need) for job in plan.jobs] == [(NAMES[1], Need.FAILED)]
    assert [entry.state for entry in carry_out(plan, orders, manifest)] == [State.DONE]


# ---------------------------------------------------------------- two at once


def test_two_processes_make_a_source_once(home):
    """Whoever comes second waits, and finds it made."""
    code = (
        "import sys; from hlsmask.cli import main; "
        f"main(['predict', {str(home / 'in')!r}, '--out', {str(home / 'out')!r}, '--model', 'spectral',"
        " '--processes', '1', '--log-json'])"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all('"state": "failed"' not in text for text in printed)
    plan, _, _ = planned(home)
    assert [entry.id for entry in plan.done] == NAMES  # whole
    kept = Manifest(home / "out" / "manifest.parquet").entries
    assert {name: entry.state for name, entry in kept.items()} == dict.fromkeys(NAMES, State.DONE)
    assert not [path for path in (home / "out").iterdir() if path.name.startswith(".")]


# ---------------------------------------------------------------- the catalogue


def test_the_table_of_items_is_read_by_those_who_read_such_tables(home):
    plan, orders, manifest = planned(home)
    list(carry_out(plan, orders, manifest))
    path = write_catalogue(home / "out")
    collection = pystac.Collection.from_file(str(path))
    assert JsonSchemaSTACValidator().validate_core(collection.to_dict(), STACObjectType.COLLECTION, "1.1.0")
    assert [item.id for item in collection.get_items()] == NAMES
    table = home / "out" / collection.assets["items"].href
    frame = geopandas.read_parquet(table)
    assert list(frame["id"]) == NAMES
    assert frame.crs.to_epsg() == 4326
    for values in stac_table_to_items(pq.read_table(table)):
        item = pystac.Item.from_dict(values)
        plain = item.to_dict(transform_hrefs=False)
        assert JsonSchemaSTACValidator().validate_core(plain, STACObjectType.ITEM, "1.1.0")
        with rasterio.open(home / "out" / item.assets["masks"].href) as file:
            assert file.count == 6
        assert item.properties["hlsmask:model"] == "spectral"
