"""`hlsmask extract`: the numbers of its table, held against other libraries, and what it does with what fails."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio

from extract_archive import (
    BANDS,
    LAYERS,
    NAMES,
    judged,
    judged_polygon,
    judged_values,
    make_archive,
    parcel,
    point,
    predict,
    put_masks,
    random_masks,
    write_sites,
)
from hlsmask.archive.sites import extract, measuring, read_sites
from hlsmask.testing import write_bands

SITES = (parcel(5.2, 8.3, 30.7, 44.9, id="lake"), point(24.3, 31.8, name="gauge", radius=200))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def home(made, tmp_path):
    """Copy the archive, which then lies elsewhere than when it was masked."""
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def rows_of(path):
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    return pq.read_table(path).to_pylist()


def test_every_number_is_what_independent_libraries_say(made, tmp_path, run):
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    code, out, err = run("extract", made / "masks", "--sites", sites, "--out", tmp_path / "out.parquet")
    assert (code, err) == (0, "")
    assert "6 rows: 2 sites in 3 granules" in out
    rows = rows_of(tmp_path / "out.parquet")
    assert [(row["site"], row["granule"]) for row in rows] == [(s, name) for s in ("lake", "gauge") for name in NAMES]
    for row in rows:
        name = row["granule"]
        if row["site"] == "lake":
            expected = judged_polygon(made, name, SITES[0]["geometry"])
        else:
            expected = judged(made, name, 24.3, 31.8, 200)
        assert expected["clear_water"] > 20
        for key, value in expected.items():
            assert row[key] == pytest.approx(value, abs=2e-6), (row["site"], name, key)
        assert (row["sensor"], row["inside"]) == ("S30", 1)
    assert rows[0]["time"] == datetime(2024, 7, 8, 17, 49, 11, tzinfo=UTC)


def test_csv_tells_the_same_as_parquet_and_the_same_again(made, tmp_path, run):
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    for name in ("a.csv", "b.csv", "a.parquet", "b.parquet"):
        assert run("extract", made / "masks", "--sites", sites, "--out", tmp_path / name)[0] == 0
    for kind in ("csv", "parquet"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    plain, typed = rows_of(tmp_path / "a.csv"), rows_of(tmp_path / "a.parquet")
    assert list(plain[0]) == list(typed[0])
    assert plain[0]["time"] == "2024-07-08T17:49:11Z"
    for one, other in zip(plain, typed, strict=True):
        for key in set(one) - {"time"}:
            assert one[key] == ("" if other[key] is None else str(other[key]))


def test_columns_say_what_they_are(made, tmp_path, run):
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    run("extract", made / "masks", "--sites", sites, "--out", tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert all(field.metadata[b"description"] for field in schema)
    assert schema.field("clear_water").type == "int64"
    assert str(schema.field("time").type) == "timestamp[ms, tz=UTC]"
    expected = ["site", "time", "granule", "sensor", "pixels", "inside", "observed", "clear_water"]
    expected += [f"{mask}_share" for mask in LAYERS[:5]]
    expected += [f"{band}_{word}" for band in BANDS for word in ("q25", "median", "q75")]
    assert schema.names == expected


def test_where_there_is_no_clear_water_there_is_no_reflectance_and_no_scene_is_needed(home, tmp_path, run):
    layers = random_masks((64, 48), 0)
    layers[1:, :][layers[1:, :] != 255] = 0
    layers[1][layers[1] != 255] = 1  # cloud everywhere
    put_masks(home / "masks" / NAMES[0], layers)
    shutil.rmtree(home / "scenes")
    single = home / "masks" / NAMES[0]
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    code, _, _ = run("extract", single, "--sites", sites, "--out", tmp_path / "out.csv")
    assert code == 0
    for row in rows_of(tmp_path / "out.csv"):
        assert (row["clear_water"], float(row["cloud_share"])) == ("0", 1)
        assert {row[f"{band}_median"] for band in BANDS} == {""}


def test_water_that_is_not_known_is_not_none(home, tmp_path, run):
    layers = random_masks((64, 48), 1)
    layers[[0, 4, 5]] = 255  # as after --masks cloud cloud_shadow snow_ice, with a model that has no water
    put_masks(home / "masks" / NAMES[0], layers)
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    run("extract", home / "masks" / NAMES[0], "--sites", sites, "--out", tmp_path / "out.parquet")
    row = rows_of(tmp_path / "out.parquet")[0]
    assert (row["clear_water"], row["water_share"], row["terrain_shadow_share"]) == (None, None, None)
    assert 0 < row["cloud_share"] < 1


def test_scenes_that_moved_are_found_where_one_says(home, made, tmp_path, run):
    gone = home / "gone"
    with_links_to_nowhere(home, gone)
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    words = ("extract", home / "masks", "--sites", sites, "--out", tmp_path / "out.csv")
    code, _, err = run(*words)
    assert code == 1
    assert not (tmp_path / "out.csv").exists()
    assert err.count("tell with --scenes FOLDER where it lies now") == 3
    assert run(*words, "--scenes", tmp_path / "home" / "scenes")[0] == 0
    run("extract", made / "masks", "--sites", sites, "--out", tmp_path / "before.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "before.csv").read_bytes()


def with_links_to_nowhere(home, gone, names=NAMES):
    for name in names:
        path = home / "masks" / name / f"{name}.json"
        item = json.loads(path.read_bytes())
        for link in item["links"]:
            if link["rel"] == "derived_from":
                link["href"] = str(gone / link["href"].rsplit("/", 1)[-1])
        path.write_text(json.dumps(item), encoding="utf-8")


@pytest.mark.parametrize("how", ["scene", "masks", "item", "other grid"])
def test_one_bad_granule_is_named_and_does_not_stop_the_others(home, tmp_path, run, how):
    folder = home / "masks" / NAMES[1]
    told = NAMES[1]
    if how == "scene":
        with_links_to_nowhere(home, home / "gone", NAMES[1:2])
    elif how == "masks":
        (folder / f"{NAMES[1]}.masks.tif").write_bytes(b"II*\0 cut off")
        told = "masks.tif cannot be opened"
    elif how == "item":
        (folder / f"{NAMES[1]}.json").write_text('{"type": "Feature"', encoding="utf-8")
        told = f"{NAMES[1]}.json is not JSON"
    else:
        for path in (home / "scenes" / NAMES[1]).glob("*.B*.tif"):
            with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
                file.transform = file.transform @ rasterio.Affine.translation(1, 0)
        with_links_to_nowhere(home, home / "scenes" / NAMES[1], NAMES[1:2])
        told = "is not on the grid of its masks"
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    code, out, err = run("extract", home / "masks", "--sites", sites, "--out", tmp_path / "out.csv")
    assert code == 1
    assert told in err
    assert len(err.splitlines()) == 1
    assert "4 rows: 2 sites in 2 granules, 1 granule could not be read" in out
    assert {row["granule"] for row in rows_of(tmp_path / "out.csv")} == {NAMES[0], NAMES[2]}


def test_processes_side_by_side_give_the_same_table(home, tmp_path, run):
    with_links_to_nowhere(home, home / "gone", NAMES[1:2])
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    told = []
    for count in (1, 2):
        path = tmp_path / f"{count}.csv"
        code, _, err = run("extract", home / "masks", "--sites", sites, "--out", path, "--processes", count)
        told.append((code, err, path.read_bytes()))
    assert told[0] == told[1]
    assert told[0][0] == 1


def test_large_sites_are_read_in_strips_and_only_where_they_are(made, tmp_path, monkeypatch):
    sites = read_sites(write_sites(tmp_path / "sites.geojson", *SITES))
    expected = list(extract(made / "masks", sites))
    windows = []
    read = measuring.Layer.read

    def watched(layer, indexes, window, **options):
        if layer.href.endswith("masks.tif"):
            windows.append(window)
        return read(layer, indexes, window, **options)

    monkeypatch.setattr(measuring.Layer, "read", watched)
    monkeypatch.setattr(measuring, "_AT_ONCE", 100)
    assert list(extract(made / "masks", sites)) == expected
    assert max(window.height * window.width for window in windows) <= 100
    assert min(window.row for window in windows) >= 8
    assert max(window.bottom for window in windows) <= 45


def test_rasters_of_any_name_without_a_date_come_last(made, tmp_path, run):
    shutil.copytree(made, tmp_path / "home")
    bands = (np.random.default_rng(0).random((6, 64, 48)) * 900 + 100).astype("int16")
    folder = predict(write_bands(tmp_path / "AA.tif", bands), tmp_path / "home" / "masks")
    put_masks(folder, random_masks((64, 48), 7))
    sites = write_sites(tmp_path / "sites.geojson", SITES[0])
    chart = ("--charts", tmp_path / "charts")
    assert run("extract", tmp_path / "home" / "masks", "--sites", sites, "--out", tmp_path / "o.csv", *chart)[0] == 0
    rows = rows_of(tmp_path / "o.csv")
    assert [row["granule"] for row in rows] == [*NAMES, "AA"]
    assert (rows[-1]["time"], rows[-1]["sensor"]) == ("", "")
    assert "1 of them without a date" in (tmp_path / "charts" / "lake.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("asked", [(), ("--scale", "0.0001")])
def test_reflectance_is_what_the_scene_was_masked_with(tmp_path, run, asked):
    bands = (np.random.default_rng(0).random((6, 64, 48)) * 900 + 100).astype("int16")
    source = write_bands(tmp_path / "AA.tif", bands)
    told = ("--model", "spectral", "--scale", "0.0002")
    assert run("predict", source, "--out", tmp_path / "masks", *told)[0] == 0
    layers = np.zeros((6, 64, 48), np.uint8)
    layers[[0, 5]] = 1
    put_masks(tmp_path / "masks" / "AA", layers)
    sites = write_sites(tmp_path / "sites.geojson", SITES[0])
    assert run("extract", tmp_path / "masks", "--sites", sites, "--out", tmp_path / "o.parquet", *asked)[0] == 0
    (row,) = rows_of(tmp_path / "o.parquet")
    expected = judged_values(bands, SITES[0]["geometry"]) * float(asked[1] if asked else 0.0002)
    assert row["red_median"] == pytest.approx(np.median(expected, axis=1)[2], abs=2e-6)


def test_scenes_without_a_crs_are_named(made, tmp_path, run):
    shutil.copytree(made, tmp_path / "home")
    predict(write_bands(tmp_path / "flat.tif", np.full((6, 8, 8), 500, "int16"), crs=None), tmp_path / "home" / "masks")
    sites = write_sites(tmp_path / "sites.geojson", SITES[0])
    code, _, err = run("extract", tmp_path / "home" / "masks", "--sites", sites, "--out", tmp_path / "o.csv")
    assert code == 1
    assert "flat has no place on Earth: its source has no coordinate reference system" in err
    assert len(rows_of(tmp_path / "o.csv")) == 3


def test_sites_that_lie_nowhere_are_told(made, tmp_path, run):
    far = {"type": "Feature", "properties": {"id": "far"}, "geometry": {"type": "Point", "coordinates": [10, 50]}}
    sites = write_sites(tmp_path / "sites.geojson", SITES[0], far)
    code, _, err = run("extract", made / "masks", "--sites", sites, "--out", tmp_path / "o.csv", "--radius", 90)
    assert (code, err) == (0, "note: site far lies in no scene\n")
    sites = write_sites(tmp_path / "far.geojson", far)
    code, _, err = run("extract", made / "masks", "--sites", sites, "--out", tmp_path / "n.csv", "--radius", 90)
    assert code == 1
    assert "none of the 1 site in" in err
    assert not (tmp_path / "n.csv").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--out", "o.xlsx"), "--out is o.xlsx; use a name that ends in .parquet or .csv"),
        (("--out", "o.csv", "--radius", "0"), "--radius is 0; use more than 0"),
        (("--out", "o.csv", "--processes", "0"), "--processes is 0; use 1 or more"),
        (("--out", "o.csv", "--chart-bands", "rouge"), "--chart-bands names 'rouge'"),
        (("--out", "o.csv", "--scale", "0"), "--scale is 0.0; use a number above 0"),
        (("--out", "o.csv", "--scenes", "gone"), "gone is not there; name the folder to look in"),
    ],
)
def test_wrong_words_are_one_sentence(made, tmp_path, run, words, told):
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    code, _, err = run("extract", made / "masks", "--sites", sites, *words)
    assert code == (2 if told.startswith("--") else 1)
    assert told in err
    assert "Traceback" not in err


def test_folders_without_results_are_one_sentence(tmp_path, run):
    sites = write_sites(tmp_path / "sites.geojson", *SITES)
    for name, told in (("gone", "is not there"), (".", "holds no results"), ("sites.geojson", "is no folder")):
        code, _, err = run("extract", tmp_path / name, "--sites", sites, "--out", tmp_path / "o.csv")
        assert code == 1
        assert told in err


def test_csv_needs_no_extra_and_parquet_says_which(made, tmp_path, light):
    write_sites(tmp_path / "sites.geojson", *SITES)
    words = ("extract", made / "masks", "--sites", "sites.geojson", "--charts", "charts")
    done = light(*words, "--out", "o.csv")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "charts").iterdir())) == 2
    done = light(*words, "--out", "o.parquet")
    assert done.returncode == 1
    assert ".parquet (.csv does not) needs pyarrow" in done.stderr


def test_the_door_loads_nothing_before_it_is_used():
    code = (
        "import sys, hlsmask.archive.sites as s; dir(s); import hlsmask.cli.extract; print('rasterio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
