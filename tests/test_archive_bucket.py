"""Results in object storage: whole or not at all, known again, and none lost where the storage fails."""

import json
from pathlib import Path

import geopandas
import pyarrow.parquet as pq
import pystac
import pytest
import rasterio

from extract_archive import parcel, write_sites
from hlsmask.archive.bucket import Bucket
from hlsmask.archive.patience import Patience
from hlsmask.errors import ServiceError, UnreadableError
from hlsmask.granules.layers import Layer
from hlsmask.hrefs import url_of
from hlsmask.testing import simulate_granule, tiny_granule, write_bands
from object_store import SECRET, storing

NAMES = [f"HLS.S30.T13TDE.2024{day}T174911.v2.0" for day in (190, 191, 192)]
OUT = "s3://basin/masks"


@pytest.fixture
def store(monkeypatch):
    """Serve a store with one bucket, and say to all that ask where it is."""
    with storing(monkeypatch) as served:
        yield served


@pytest.fixture
def granules(tmp_path):
    """Make three granules."""
    for seed, name in enumerate(NAMES):
        tiny_granule(tmp_path / "in", seed=seed, granule_id=name)
    return tmp_path / "in"


@pytest.fixture
def predict(run, granules):
    """Run `hlsmask predict` into the bucket; return the exit code, events and what was complained."""

    def call(*words, out=OUT):
        command = ("predict", granules, "--out", out, "--model", "spectral", "--processes", 1, "--log-json", *words)
        code, printed, err = run(*command)
        return code, [json.loads(line) for line in printed.splitlines()], err

    return call


def objects(store):
    store.files.invalidate_cache()
    return {path.removeprefix("basin/masks/"): path for path in store.files.find("basin/masks")}


def test_results_go_to_a_bucket_and_are_known_again(predict, store, tmp_path):
    code, events, err = predict("--dry-run")
    assert (code, err, events[0]["missing"]) == (0, "", 3)
    assert not objects(store)

    code, (plan, *sources, end), err = predict()
    assert (code, err, end["done"], end["collection"]) == (0, "", 3, f"{OUT}/collection.json")
    assert sorted(entry["output"] for entry in sources) == [f"{OUT}/{name}" for name in NAMES]
    made = {f"{name}/{name}.{kind}" for name in NAMES for kind in ("masks.tif", "qa.tif", "png", "json")}
    assert set(objects(store)) == made | {"manifest.parquet", "collection.json", "items.parquet"}

    store.asked.clear()
    code, (plan,), _ = predict()
    assert (code, plan["sources"], plan["done"]) == (0, 0, 3)
    assert {method for method, _ in store.asked} <= {"GET", "HEAD"}

    store.files.get("basin/masks", str(tmp_path / "copy"), recursive=True)  # as one would to look at it
    collection = pystac.Collection.from_file(str(tmp_path / "copy" / "collection.json"))
    assert sorted(item.id for item in collection.get_items()) == NAMES
    assert sorted(geopandas.read_parquet(tmp_path / "copy" / "items.parquet")["id"]) == NAMES
    for item in collection.get_items():
        with rasterio.open(item.assets["masks"].get_absolute_href()) as file:
            assert file.count == 6
    assert SECRET.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file()
    )
    assert not Path("s3:").exists()


def test_what_is_stale_cut_off_or_gone_is_made_again(predict, store):
    predict()
    keep, gone, cut = NAMES
    store.files.rm(f"basin/masks/{gone}/{gone}.qa.tif")
    store.files.rm(f"basin/masks/{cut}/{cut}.json")  # as after a kill amid the files of a source
    code, (plan, *sources, _), _ = predict()
    assert (code, plan["done"], {entry["id"] for entry in sources}) == (0, 1, {gone, cut})

    store.files.rm("basin/masks/manifest.parquet")  # then the Items tell
    code, (plan,), _ = predict()
    assert (code, plan["done"]) == (0, 3)
    store.files.pipe(f"basin/masks/{keep}/{keep}.masks.tif", b"cut off")
    _, (plan, *sources, _), _ = predict()
    assert [entry["id"] for entry in sources] == [keep]
    assert plan["stale"] == 1

    _, (plan, *_), _ = predict("--buffer", 3)
    assert (plan["stale"], plan["done"]) == (3, 0)


def test_a_store_that_fails_each_fourth_request_loses_nothing(predict, store, granules):
    next(granules.rglob(f"{NAMES[1]}.B11.tif")).write_bytes(b"cut off")
    store.fails_each = 4
    code, (_, *sources, end), _ = predict("--tries", 6)
    assert store.failed > 5
    assert (code, end["done"], end["failed"]) == (1, 2, 1)
    assert [entry["id"] for entry in sources if entry["state"] == "failed"] == [NAMES[1]]
    store.fails_each = 0
    kept = store.files.open("basin/masks/manifest.parquet")
    assert {row["id"]: row["state"] for row in pq.read_table(kept).to_pylist()} == {
        name: "failed" if name == NAMES[1] else "done" for name in NAMES
    }
    assert "B11" in store.files.cat_file("basin/masks/failures.jsonl").decode()
    assert not [path for path in objects(store) if path.startswith(NAMES[1])]


@pytest.mark.usefixtures("store")
def test_a_bucket_that_is_not_there_or_refuses_is_one_sentence(predict):
    code, events, err = predict(out="s3://nobodys/masks")
    assert code == 1
    assert err.startswith("hlsmask: s3://nobodys/masks cannot be ")
    assert err.count("\n") == 1
    assert not [event for event in events if event["event"] == "source"]
    code, _, err = predict(out="https://example.org/masks")
    assert (code, err.startswith("hlsmask: results cannot be written to https://example.org/masks; name")) == (2, True)
    code, _, err = predict(out="nostore://x/masks")
    assert code == 2
    assert "nostore" in err


def test_an_item_counts_only_when_all_else_is_there(store, tmp_path):
    folder = tmp_path / "scene"
    folder.mkdir()
    for kind in ("json", "masks.tif", "qa.tif", "png"):
        (folder / f"scene.{kind}").write_bytes(b"new")
    bucket = Bucket(OUT, Patience(tries=1))
    store.files.pipe("basin/masks/scene/scene.json", b"old")
    assert bucket.deliver(folder) == f"{OUT}/scene"
    changes = [(method, Path(path).suffix) for method, path in store.asked if method in {"PUT", "DELETE"}]
    assert changes[-5][0] == "DELETE"
    assert changes[-1] == ("PUT", ".json")
    assert ("PUT", ".json") not in changes[-5:-1]

    store.refuses = True
    with pytest.raises(ServiceError, match=r"^s3://basin/masks cannot be written to: Access Denied$"):
        bucket.deliver(folder)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("s3://basin/masks", "s3://basin/masks"),
        ("gs://basin", "gs://basin"),
        ("file:///tmp/x", "file:///tmp/x"),
        ("masks", ""),
        ("/data/s3:/x", ""),
        ("C:/masks", ""),
    ],
)
def test_a_url_that_was_taken_for_a_path_is_known(path, url):
    assert url_of(Path(path)) == url


def test_scenes_are_read_from_where_results_are_put(store, run, tmp_path):
    scene = write_bands(tmp_path / "scene.tif", simulate_granule(96, 0).bands)
    store.files.put_file(str(scene), "basin/scenes/scene.tif")
    command = ("predict", "s3://basin/scenes/scene.tif", "--model", "spectral", "--out")
    assert run(*command, tmp_path / "masks")[0] == run(*command, OUT)[0] == 0
    here, there = (json.loads(text) for text in ((tmp_path / "masks/scene/scene.json").read_bytes(), item_of(store)))
    assert here["properties"]["hlsmask:share"] == there["properties"]["hlsmask:share"]
    assert there["links"][-1]["href"] == "s3://basin/scenes/scene.tif"


def test_a_scene_that_was_refused_is_asked_for_again(store, tmp_path):
    store.files.put_file(str(write_bands(tmp_path / "a.tif", simulate_granule(32, 0).bands)), "basin/a.tif")
    store.refuses = True
    for _ in range(2):
        with pytest.raises(UnreadableError, match=r"^s3://basin/a\.tif cannot be opened"):
            Layer("s3://basin/a.tif")
    store.refuses = False
    Layer("s3://basin/a.tif").close()


def item_of(store, name="scene"):
    return store.files.cat(f"basin/masks/{name}/{name}.json")


# ---------------------------------------------------------------- sites are looked up in what lies there


@pytest.fixture
def sites(tmp_path):
    """Make a file of one site, all of the granules."""
    return write_sites(tmp_path / "sites.geojson", parcel(2, 2, 30, 30, id="all"))


def test_extract_from_object_storage_is_extract_from_a_folder(store, predict, sites, run, tmp_path):
    assert predict()[0] == predict(out=tmp_path / "masks")[0] == 0
    told = {}
    for name, place in {"folder": tmp_path / "masks", "bucket": OUT}.items():
        code, printed, err = run("extract", place, "--sites", sites, "--out", tmp_path / f"{name}.csv")
        assert (code, err) == (0, "")
        assert "3 rows: 1 site in 3 granules" in printed
        told[name] = (tmp_path / f"{name}.csv").read_text(encoding="utf-8")
    assert told["folder"] == told["bucket"]
    store.fails_each = 4
    one = run("extract", f"{OUT}/{NAMES[1]}", "--sites", sites, "--out", tmp_path / "one.csv")
    assert (one[0], store.failed > 0) == (0, True)
    assert (tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()[1] == told["folder"].splitlines()[2]


def test_masks_that_lie_there_no_more_are_named_and_the_others_extracted(store, predict, sites, run, tmp_path):
    assert predict()[0] == 0
    store.files.rm(f"basin/masks/{NAMES[1]}/{NAMES[1]}.masks.tif")
    code, printed, err = run("extract", OUT, "--sites", sites, "--out", tmp_path / "o.csv", "--processes", 2)
    assert (code, "2 rows: 1 site in 2 granules, 1 granule could not be read" in printed) == (1, True)
    assert f"{NAMES[1]}.masks.tif" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("place", ["s3://basin/nothing", "s3://basin"])
def test_a_place_without_results_is_one_sentence(store, sites, run, tmp_path, place):
    code, printed, err = run("extract", place, "--sites", sites, "--out", tmp_path / "o.csv")
    assert (code, printed) == (1, "")
    assert err == f"hlsmask: {place} holds no results; name the place that hlsmask predict wrote to\n"
    assert store.asked
