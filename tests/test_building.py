"""Granules and products become samples: the same pixels, honest labels, nothing lost without a word."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from hlsmask.bands import Sensor
from hlsmask.errors import DatasetError, UsageError
from hlsmask.granules.dswx import find_products
from hlsmask.granules.fmask import decode
from hlsmask.granules.hls import find_granules
from hlsmask.masks import Mask
from hlsmask.samples import open as open_samples
from hlsmask.samples.building import build as building
from hlsmask.samples.building import cutting
from hlsmask.samples.building.build import Recipe, build
from hlsmask.samples.building.gates import chosen, is_all_cloud, why_not
from hlsmask.samples.building.grids import grids_differ
from hlsmask.samples.building.pairing import alone, pair
from hlsmask.samples.building.recipe import Cut, Gates
from hlsmask.samples.labels import Rules, from_dswx, from_spectral, layers_needed, shad_layer
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.store import layout, writing
from hlsmask.samples.store.manifest import read_manifest
from hlsmask.samples.store.reading import StoreSamples
from hlsmask.testing import simulate_granule, simulate_product, write_granule, write_product
from hlsmask.windows import Window

SIZE = 64
SHAPE = (150, 170)
CUT = Cut(size=SIZE)
ALL = Gates(min_valid=0, max_cloudy=1)


def placed(granule, tile, east, south):
    """Return a granule as it would be in another tile."""
    box = GeoBox(granule.bands.shape[1:], Affine(30, 0, 399_960 + east, 0, -30, 4_500_000 - south), "EPSG:32613")
    return replace(granule, id=granule.id.replace("T13TDE", f"T{tile}"), geobox=box)


@pytest.fixture(scope="module")
def simulated():
    """Four granules, in four tiles that do not touch, by both sensors."""
    sensors = [Sensor.S30, Sensor.L30, Sensor.S30, Sensor.L30]
    granules = [simulate_granule(SHAPE, seed, sensor=sensor) for seed, sensor in enumerate(sensors)]
    return [
        placed(each, f"13T{row}E", 200_000 * at, 0) for at, (each, row) in enumerate(zip(granules, "DEFG", strict=True))
    ]


@pytest.fixture(scope="module")
def folders(simulated, tmp_path_factory):
    """Return the folders of the granules and of their products."""
    home = tmp_path_factory.mktemp("archive")
    for granule in simulated:
        write_granule(granule, home / "hls")
        write_product(granule, home / "dswx")
    return home / "hls", home / "dswx"


@pytest.fixture
def copied(folders, tmp_path):
    """Return folders that a test may spoil."""
    for folder in folders:
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / "hls", tmp_path / "dswx"


def pairs(folders):
    return pair(find_granules(folders[0]), find_products(folders[1]))


def contents(store):
    """Return every sample of a store, by name."""
    samples = open_samples(store)
    return {samples.record(at).id: samples.sample(at) for at in range(len(samples))}


def layer(folder, granule, name):
    (path,) = folder.rglob(f"{granule.id}.{name}.tif")
    return path


# ---------------------------------------------------------------- windows


@given(
    st.tuples(st.integers(1, 400), st.integers(1, 400)),
    st.integers(64, 128),
    st.none() | st.integers(1, 200),
    st.sampled_from(["cover", "drop"]),
)
def test_windows_lie_within_the_scene_and_cover_what_they_must(shape, size, stride, edges):
    windows = Cut(size=size, stride=stride, edges=edges).windows(shape)
    covered = np.zeros(shape, np.int64)
    for window in windows:
        assert window & Window.of(shape) == window
        covered[window.slices] += 1
    assert len(set(windows)) == len(windows)
    assert bool(windows) == (min(shape) >= size)
    step = stride or size
    for starts in ({window.row for window in windows}, {window.col for window in windows}):
        assert np.diff(sorted(starts)).max(initial=0) <= step
        if edges == "cover" and step == size:  # no two samples are nearly the same
            assert np.diff(sorted(starts)).min(initial=size) >= size // 8
    if windows and edges == "cover" and step <= size:
        left = [np.flatnonzero(covered.any(axis=axis))[[0, -1]] for axis in (1, 0)]
        for (first, end), length in zip(left, shape, strict=True):
            assert first == 0
            assert (length - 1 - end) * 8 < size
        assert covered[: left[0][1] + 1, : left[1][1] + 1].all()
    if edges == "drop":
        assert {window.row % step for window in windows} <= {0}
        assert step < size or covered.max(initial=0) <= 1


# ---------------------------------------------------------------- what is kept


def test_samples_hold_the_pixels_and_labels_of_their_place(simulated, folders, tmp_path):
    report = build(pairs(folders), tmp_path / "store", Recipe(CUT, ALL))
    found = contents(tmp_path / "store")
    assert report.kept == len(found) == 4 * 3 * 3
    assert report.dropped == {}
    for granule in simulated:
        product = simulate_product(granule)
        labels = from_dswx({name: product[name] for name in layers_needed(Rules())}, granule.fmask, Rules())
        for row in (0, 43, 86):
            for col in (0, 53, 106):
                sample = found[f"{granule.id}.r{row:04d}.c{col:04d}"]
                place = (slice(row, row + SIZE), slice(col, col + SIZE))
                np.testing.assert_array_equal(sample.bands, granule.bands[:, *place])
                np.testing.assert_array_equal(sample.fmask, granule.fmask[place])
                np.testing.assert_array_equal(sample.labels, labels[:, *place])
                assert (sample.labels[:, ~sample.valid] == 255).all()


def test_records_tell_where_and_when(simulated, folders, tmp_path):
    build(pairs(folders), tmp_path / "store", Recipe(CUT, ALL))
    for sample in contents(tmp_path / "store").values():
        record = sample.record
        granule = next(each for each in simulated if each.id == record.granule)
        assert (record.sensor, record.tile) == (granule.sensor, granule.id.split(".")[2][1:])
        assert record.platform in ({"L8", "L9"} if granule.sensor is Sensor.L30 else {"S2A", "S2B", "S2C"})
        assert record.time == granule.time.replace(microsecond=0)
        assert (record.source, record.terrain_shadow, record.crs) == ("observed", "shad", "EPSG:32613")
        with rasterio.open(layer(folders[0], granule, "Fmask")) as source:
            assert source.xy(record.row, record.col, offset="ul") == (record.left, record.top)
            middle = source.xy(record.row + SIZE // 2, record.col + SIZE // 2, offset="ul")
            (lon,), (lat,) = rasterio.warp.transform(source.crs, "OGC:CRS84", *([value] for value in middle))
        assert (record.lon, record.lat) == pytest.approx((lon, lat), abs=1e-9)


def test_gates_drop_and_the_report_says_why(folders, tmp_path):
    gates = Gates(min_valid=0.9, min_share=("water=0.02",), max_cloudy=0.5)
    report = build(pairs(folders), tmp_path / "store", Recipe(CUT, gates))
    found = contents(tmp_path / "store")
    everything = build(pairs(folders), tmp_path / "all", Recipe(CUT, ALL))
    assert 0 < len(found) < everything.kept
    for name, sample in contents(tmp_path / "all").items():
        water = sample.labels[0]
        known = (water != 255).sum()
        passes = sample.valid.mean() >= 0.9 and known and (water == 1).sum() >= 0.02 * known
        assert (name in found) == bool(passes)
    assert set(report.dropped) == {"too little observed", "too little water"}
    told = json.loads((tmp_path / "store" / "report.json").read_text())
    assert told["samples"] == {"kept": len(found), "dropped": report.dropped}
    names = [name for each in told["pairs"] for name in (*each["kept"], *each["dropped"])]
    assert len(names) == len(set(names)) == 36
    for at, mask in enumerate(Mask):
        counts = [sum(int((sample.labels[at] == value).sum()) for sample in found.values()) for value in (1, 0, 255)]
        assert told["masks"][mask] == dict(zip(("present", "absent", "unknown"), counts, strict=True))


def flat(name, *, cloud=0.0, water=0.0, fill=0.0):
    """Return a sample of which so much is cloud, water and fill."""
    bands = np.full((6, SIZE, SIZE), 500, np.int16)
    labels = np.zeros((5, SIZE, SIZE), np.uint8)
    labels[0, : round(water * SIZE)] = 1
    labels[1, : round(cloud * SIZE)] = 1
    bands[:, SIZE - round(fill * SIZE) :] = -9999
    return Sample.of(Record(name, SIZE), bands, labels)


def test_what_the_gates_call_too_little():
    assert why_not(flat("a", fill=0.5), Gates(min_valid=0.5)) == ""
    assert why_not(flat("a", fill=0.75), Gates(min_valid=0.5)) == "too little observed"
    assert why_not(flat("a", water=0.25), Gates(min_share=("water=0.25", "cloud=0"))) == ""
    assert why_not(flat("a", water=0.25), Gates(min_share=("water=0.3",))) == "too little water"
    assert why_not(flat("a", water=0.5, fill=0.5), Gates(min_share=("water=1",))) == ""
    assert is_all_cloud(flat("a", cloud=1)) and not is_all_cloud(flat("a", cloud=0.9))  # noqa: PT018 - two sides
    assert is_all_cloud(flat("a", cloud=0.5, fill=0.5))


@given(
    st.sets(st.integers(0, 99).map(str), max_size=40),
    st.integers(0, 60),
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]),
    st.randoms(use_true_random=False),
)
def test_the_cap_is_met_whatever_the_order(names, others, share, random):
    shuffled = sorted(names)
    random.shuffle(shuffled)
    kept = chosen(shuffled, frozenset(), others, share, 7)
    assert set(kept) == set(chosen(sorted(names), frozenset(), others, share, 7))
    assert len(kept) <= share * (len(kept) + others) + 1e-9 or share == 1
    more = len(kept) + 1
    assert len(kept) == len(names) or more > share * (more + others) - 1e-9  # no fewer than need be
    there = frozenset(list(names)[:3])
    assert there <= set(chosen(shuffled, there, others, share, 7))


@pytest.fixture
def overcast(simulated, tmp_path):
    """One granule in sight, three under cloud."""
    for at, granule in enumerate(simulated):
        fmask = granule.fmask.copy()
        if at:
            fmask[fmask != 255] = 0b10
        else:
            fmask[fmask != 255] &= ~0b10 & 0xFF
        granule = replace(granule, fmask=fmask)  # noqa: PLW2901 - the same with other weather
        write_granule(granule, tmp_path / "hls")
        write_product(granule, tmp_path / "dswx")
    return tmp_path / "hls", tmp_path / "dswx"


def test_clouds_are_capped_the_same_way_in_every_order(overcast, tmp_path):
    pairing = pairs(overcast)
    recipe = Recipe(CUT, Gates(min_valid=0, max_cloudy=0.25))
    report = build(pairing, tmp_path / "one", recipe)
    build(replace(pairing, pairs=pairing.pairs[::-1]), tmp_path / "other", recipe)
    found = contents(tmp_path / "one")
    cloudy = {name for name, sample in found.items() if (sample.labels[1][sample.valid] == 1).mean() > 0.95}
    assert (len(cloudy), len(found)) == (3, 12)
    assert report.dropped == {"all cloud, beyond the cap": 24}
    assert set(contents(tmp_path / "other")) == set(found)
    another = build(pairing, tmp_path / "third", replace(recipe, seed=1))
    assert another.kept == 12
    assert set(contents(tmp_path / "third")) != set(found)


# ---------------------------------------------------------------- labels without a product


def test_spectral_labels_need_no_product(simulated, folders, tmp_path):
    recipe = Recipe(Cut(SIZE, labels="spectral"), ALL)
    build(alone(find_granules(folders[0])), tmp_path / "store", recipe)
    found = contents(tmp_path / "store")
    for granule in simulated:
        labels = from_spectral(granule.bands, granule.fmask)
        sample = found[f"{granule.id}.r0043.c0106"]
        np.testing.assert_array_equal(sample.labels, labels[:, 43:107, 106:170])
        assert (sample.labels[4] == 255).all()
        clouds = decode(sample.fmask)[1]
        known = sample.labels[1] != 255
        np.testing.assert_array_equal(sample.labels[1][known], clouds[known])
        assert sample.record.platform in ("", "S2B")


@pytest.mark.parametrize("origin", ["product", "file", "another grid"])
def test_spectral_terrain_shadow_is_that_of_the_whole_scene(simulated, folders, tmp_path, origin):
    granule = simulated[0]
    dem = None
    if origin != "product":
        dem = layer(folders[0], granule, "dem")
    if origin == "another grid":  # the same ground, a frame around it
        with rasterio.open(dem) as source:
            profile = source.profile | {"height": SHAPE[0] + 80, "width": SHAPE[1] + 80}
            profile["transform"] = source.transform * Affine.translation(-40, -40)
            data = np.pad(source.read(), ((0, 0), (40, 40), (40, 40)), mode="reflect")
        dem = tmp_path / "dem.tif"
        with rasterio.open(dem, "w", **profile) as target:
            target.write(data)
    recipe = Recipe(Cut(SIZE, labels="spectral", dem=dem and str(dem)), ALL)
    pairing = pairs(folders)
    build(replace(pairing, pairs=pairing.pairs[:1]), tmp_path / "store", recipe)
    sun = cutting.sun_of(find_granules(folders[0])[-1] if granule.sensor is Sensor.L30 else pairing.pairs[0].granule)
    shad = shad_layer(granule.elevation, sun, 30)
    wanted = from_spectral(granule.bands, granule.fmask, shad)[4]
    assert (wanted == 1).mean() > 0.002
    for sample in contents(tmp_path / "store").values():
        row, col = sample.record.row, sample.record.col
        np.testing.assert_array_equal(sample.labels[4], wanted[row : row + SIZE, col : col + SIZE])


# ---------------------------------------------------------------- stopped and gone on with


def test_a_stopped_build_goes_on_and_ends_the_same(folders, tmp_path, monkeypatch):
    for module in (layout, writing):
        monkeypatch.setattr(module, "per_shard", lambda _size: 5)  # some are on disk when it stops, some are not
    recipe = Recipe(CUT, Gates(min_valid=0.3, max_cloudy=0.2))
    whole = build(pairs(folders), tmp_path / "whole", recipe)

    def stop(account, _error):
        if account.granule == whole.accounts[2].granule:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(pairs(folders), tmp_path / "store", recipe, tell=stop)
    with pytest.raises(DatasetError, match="cut off while it was written"):
        open_samples(tmp_path / "store")
    again = build(pairs(folders), tmp_path / "store", recipe)
    assert again == whole
    assert StoreSamples(tmp_path / "store").notes["content"] == StoreSamples(tmp_path / "whole").notes["content"]

    class Never:
        def __init__(self, *_):
            raise AssertionError("what is done is read again")

    monkeypatch.setattr(building, "Cutter", Never)
    assert build(pairs(folders), tmp_path / "store", recipe) == whole


def test_new_granules_are_added(simulated, copied, tmp_path):
    late = simulated[3]
    pairing = pairs(copied)
    early = replace(pairing, pairs=tuple(each for each in pairing.pairs if each.granule.id != late.id))
    assert build(early, tmp_path / "store", Recipe(CUT, ALL)).kept == 27
    before = contents(tmp_path / "store")
    assert build(pairing, tmp_path / "store", Recipe(CUT, ALL)).kept == 36
    after = contents(tmp_path / "store")
    assert set(before) < set(after)
    assert {sample.record.granule for name, sample in after.items() if name not in before} == {late.id}


def test_another_recipe_does_not_go_on(folders, tmp_path):
    build(pairs(folders), tmp_path / "store", Recipe(CUT, ALL))
    with pytest.raises(UsageError, match=r"min_valid"):
        build(pairs(folders), tmp_path / "store", Recipe(CUT, Gates(min_valid=0.7)))


@pytest.mark.parametrize("cut_off", [False, True])
def test_samples_of_another_production_stay_and_are_told(simulated, copied, tmp_path, run, monkeypatch, cut_off):  # noqa: PLR0917
    store = tmp_path / "store"
    options = ("--min-valid", 0, "--max-cloudy", 1, "--val", 0, "--test", 0)
    if cut_off:
        for module in (layout, writing):
            monkeypatch.setattr(module, "per_shard", lambda _size: 5)
        monkeypatch.setattr(building._Builder, "_note", stop_at_end(building._Builder._note))
        with pytest.raises(KeyboardInterrupt):
            build(pairs(copied), store, Recipe(replace(CUT, edges="cover"), ALL))
        monkeypatch.undo()
        granule = pairs(copied).pairs[0].granule.id
    else:
        assert built(run, copied, store, *options)[0] == 0
        granule = simulated[0].id
    before = {one.granule.id: one.product.id for one in pairs(copied).pairs}
    newer = write_product(next(one for one in simulated if one.id == granule), copied[1], version="1.1").name
    code, _, err = built(run, copied, store, *options)
    old = before[granule]
    assert code == 1
    assert err.splitlines() == [
        f"hlsmask: {granule}: its samples in {store} were made with {old}; name a new folder to make them with {newer}"
    ]
    told = json.loads((store / "report.json").read_text())
    assert {one["granule"]: one["product"] for one in told["pairs"]} == before
    assert [(one["granule"], one["product"]) for one in told["failed"]] == [(granule, old)]
    names = [row.record.id for row in StoreSamples(store).rows]
    assert sorted(names) == sorted(name for one in told["pairs"] for name in one["kept"])
    shutil.rmtree(copied[1] / newer, ignore_errors=True)
    for path in copied[1].rglob(f"{newer}*.tif"):
        path.unlink()
    assert built(run, copied, store, *options)[:1] == (0,)
    assert len(StoreSamples(store).rows) == 36


def stop_at_end(note):
    """Return `note`, but stopped when a pair is done."""

    def stopping(self, line):
        if "begun" not in line:
            raise KeyboardInterrupt
        note(self, line)

    return stopping


@pytest.mark.parametrize("there", [False, True])
def test_a_build_that_keeps_nothing_leaves_nothing(folders, tmp_path, run, there):
    store = tmp_path / "store"
    if there:
        store.mkdir()
    code, _, err = built(run, folders, store, "--min-share", "snow_ice=1")
    assert code == 1
    assert "too little snow" in err
    assert store.exists() == there
    assert not there or not list(store.iterdir())
    assert built(run, folders, store, "--min-valid", 0, "--val", 0, "--test", 0)[0] == 0


# ---------------------------------------------------------------- bad input


def rewrite(path, value=None, tags=None, **profile):
    """Write a raster again, elsewhere or with other numbers or tags."""
    with rasterio.open(path) as source:
        data, before, told = source.read(), source.profile, source.tags()
    path.unlink()
    before.update(profile, driver="GTiff")
    with rasterio.open(path, "w", **before) as target:
        target.write(data.astype(before["dtype"]) if value is None else np.full_like(data, value))
        target.update_tags(**told | (tags or {}))


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-2000])


FOREIGN = "HLS.S30.T32TPT.2024190T101559.v2.0"
BAD = {
    "moved": (
        "WTR-2",
        lambda path: rewrite(path, transform=Affine(30, 0, 599_990, 0, -30, 4_500_000)),
        "is not on the grid of .*B02.tif: its corners are up to 1 pixels off",
    ),
    "another zone": ("WTR-2", lambda path: rewrite(path, crs="EPSG:32614"), "is not on the grid of .*B02.tif"),
    "cut off": ("WTR-2", cut_off, "cannot be (opened|read): it is cut off or corrupt"),
    "lost": ("WTR-2", lambda path: path.unlink(), "lacks WTR-2; needed are DIAG, WTR-2, SHAD, CLOUD"),
    "another tile's": (
        "WTR-2",
        lambda path: rewrite(path, tags={"HLS_DATASET": FOREIGN}),
        f"was made from {FOREIGN}, not from HLS.L30.T13TEE",
    ),
    "another layer": ("WTR-2", lambda path: rewrite(path, value=7), "holds 7; WTR-2 of DSWx-HLS holds 0, 1, 2"),
    "no Fmask": ("Fmask", lambda path: path.unlink(), "HLS.L30.T13TEE.* lacks Fmask"),
    "no band": ("B05", lambda path: path.unlink(), r"HLS.L30.T13TEE.* lacks B05 \(nir\)"),
    "floats": ("B03", lambda path: rewrite(path, dtype="float32"), "B03.tif holds float32 numbers .* are int16"),
}


@pytest.mark.parametrize("how", BAD)
def test_a_bad_pair_is_told_and_does_not_stop_the_others(simulated, copied, tmp_path, run, how):
    name, spoil, words = BAD[how]
    (path,) = (path for folder in copied for path in folder.rglob(f"*T13TEE*[._]{name}.tif"))
    spoil(path)
    bad = simulated[1].id
    code, out, err = built(run, copied, tmp_path / "store", "--min-valid", 0, "--max-cloudy", 1)
    assert code == 1
    assert re.search(words, err), err
    assert len(err.splitlines()) == 1
    assert "granules that failed" in out
    found = [sample.record.granule for sample in contents(tmp_path / "store").values()]
    assert {*found} >= {each.id for each in simulated if each.id != bad}
    (failed,) = json.loads((tmp_path / "store" / "report.json").read_text())["failed"]
    assert (failed["granule"], failed["kept"]) == (bad, found.count(bad))
    assert re.search(words, failed["reason"])


def test_one_grid_may_be_called_by_several_names():
    south = GeoBox((10, 10), Affine(30, 0, 399_960, 0, -30, -100_000), "EPSG:32613")
    assert grids_differ(south, GeoBox((10, 10), Affine(30, 0, 399_960, 0, -30, 9_900_000), "EPSG:32713")) == ""
    wkt = south.crs.to_wkt().replace('AUTHORITY["EPSG","32613"]', "").replace("WGS 84 / UTM zone 13N", "UTM, WGS84")
    assert grids_differ(south, GeoBox((10, 10), south.affine, wkt.replace(",]", "]"))) == ""
    assert "pixels, not 10 x 10" in grids_differ(south, GeoBox((10, 11), south.affine, south.crs))
    assert grids_differ(south, GeoBox((10, 10), south.affine, None)) == "one of them has no CRS"


# ---------------------------------------------------------------- the command line


def built(run, folders, store, *more):
    return run("samples", "build", "--hls", folders[0], "--dswx", folders[1], "--out", store, "--size", SIZE, *more)


def test_build_prints_and_divides(folders, tmp_path, run):
    store = tmp_path / "store"
    code, out, err = built(run, folders, store, "--min-valid", 0.95, "--val", 0.25, "--test", 0.25)
    assert (code, err) == (0, "")
    for words in ("kept", "dropped: too little observed", "terrain shadow", "4 groups of whole tiles", "25.0"):
        assert words in out
    samples = [open_samples(store, split) for split in ("train", "val", "test")]
    tiles = [{one.record(at).tile for at in range(len(one))} for one in samples]
    assert [len(each) for each in tiles] == [2, 1, 1]
    assert len(set.union(*tiles)) == 4
    told = json.loads((store / "report.json").read_text())
    assert told["splits"]["by"] == "tile"
    assert sum(map(len, samples)) == told["samples"]["kept"]
    assert told["failed"] == []
    before = StoreSamples(store).rows
    assert built(run, folders, store, "--min-valid", 0.95, "--val", 0.25, "--test", 0.25)[0] == 0
    assert StoreSamples(store).rows == before


def test_one_tile_is_refused_before_anything_starts(simulated, tmp_path, run):
    write_granule(simulated[0], tmp_path / "hls")
    write_product(simulated[0], tmp_path / "dswx")
    folders = (tmp_path / "hls", tmp_path / "dswx")
    code, out, err = built(run, folders, tmp_path / "store")
    assert (code, out) == (2, "")
    assert "1 tile cannot be divided into train, val, test tile by tile; use --split-by block" in err
    assert not (tmp_path / "store").exists()
    shares = ("--split-by", "block", "--block-km", 2, "--val", 0.2, "--test", 0.2, "--min-valid", 0)
    assert built(run, folders, tmp_path / "store", *shares)[0] == 0
    rows = StoreSamples(tmp_path / "store").rows
    assert sorted({row.record.split for row in rows}) == ["test", "train", "val"]
    assert len(rows) == 4  # side by side: none had to be left out


def test_samples_that_cannot_be_divided_are_kept(simulated, tmp_path, run):
    write_granule(simulated[0], tmp_path / "hls")
    write_product(simulated[0], tmp_path / "dswx")
    code, out, err = built(run, (tmp_path / "hls", tmp_path / "dswx"), tmp_path / "store", "--split-by", "block")
    assert code == 1
    assert "use a smaller --block-km" in err
    assert "kept" in out
    assert {row.record.split for row in StoreSamples(tmp_path / "store").rows} == {""}
    code, out, err = run("samples", "split", tmp_path / "store", "--by", "block", "--block-km", 2)
    assert (code, err) == (0, "")
    assert "train" in {row.record.split for row in StoreSamples(tmp_path / "store").rows}


def test_what_is_left_alone_is_told(simulated, copied, tmp_path, run):
    lonely = placed(simulate_granule((80, 80), 9), "13TZZ", 0, 900_000)
    write_granule(lonely, copied[0])
    newer = write_product(simulated[0], copied[1], version="1.1").name
    older = newer.replace("_v1.1", "_v1.0")
    code, out, _ = built(run, copied, tmp_path / "store", "--min-valid", 0)
    assert code == 0
    assert f"{lonely.id} has no product: none is of tile 13TZZ" in out
    told = json.loads((tmp_path / "store" / "report.json").read_text())
    assert told["granules_without_product"] == {lonely.id: "none is of tile 13TZZ"}
    assert told["products_superseded"] == [older]
    assert {newer} <= {each["product"] for each in told["pairs"]}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--dswx", "HLS"), 1, "holds no layer of a DSWx-HLS product"),
        ((), 2, "--dswx is missing"),
        (("--dswx", "nowhere"), 1, "nowhere is not there"),
        (("--dswx", "DSWX", "--size", 32), 2, "--size is 32; use 64 pixels or more"),
        (("--dswx", "DSWX", "--min-share", "water=2"), 2, "--min-share is 'water=2'"),
        (("--dswx", "DSWX", "--min-share", "lava=0.1"), 2, "there is no mask 'lava'"),
        (("--dswx", "DSWX", "--dem", "dem.tif"), 2, "--dem goes with --labels spectral"),
        (("--labels", "spectral", "--dem", "no-dem.tif"), 1, "no-dem.tif"),
        (("--dswx", "DSWX", "--workers", 0), 2, "--workers is 0"),
        (("--dswx", "DSWX", "--size", 151), 1, "too few for samples of 151"),
        (("--dswx", "DSWX", "--size", 64, "--min-share", "snow_ice=1"), 1, "gets no samples: none of 4"),
    ],
)
def test_what_cannot_be_built_is_told_in_one_sentence(folders, tmp_path, run, arguments, code, words):  # noqa: PLR0917
    names = {"HLS": folders[0], "DSWX": folders[1]}
    ended, _, err = run(
        *("samples", "build", "--hls", folders[0], "--out", tmp_path / "store"),
        *(names.get(argument, argument) for argument in arguments),
    )
    assert ended == code
    assert words in err
    assert "this should not happen" not in err


# ---------------------------------------------------------------- splits of a store


@pytest.fixture(name="store")
def a_store(folders, tmp_path):
    build(pairs(folders), tmp_path / "store", Recipe(CUT, ALL))
    return tmp_path / "store"


def splits(store):
    return {row.record.id: row.record.split for row in StoreSamples(store).rows}


def test_split_keeps_what_is_there_and_divides_again_when_asked(store, run):
    content = StoreSamples(store).notes
    assert run("samples", "split", store, "--val", 0.25, "--test", 0.25)[0] == 0
    first = splits(store)
    assert sorted(first.values()).count("val") == 9
    code, out, _ = run("samples", "split", store, "--val", 0.25, "--test", 0.25, "--seed", 5)
    assert code == 0
    assert "--again` divides them anew" in out
    assert splits(store) == first
    others = set()
    for seed in range(5):
        assert run("samples", "split", store, "--val", 0.25, "--test", 0.25, "--seed", seed, "--again")[0] == 0
        others.add(tuple(sorted(splits(store).items())))
    assert len(others) > 1
    assert StoreSamples(store).notes == content
    assert read_manifest(store).schema.metadata


def test_split_prints_masks_of_every_split(store, run):
    _, out, _ = run("samples", "split", store, "--val", 0.25, "--test", 0.25)
    table = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    rows = StoreSamples(store).rows
    for split in ("train", "val", "test"):
        members = [row for row in rows if row.record.split == split]
        assert table[split][1] == f"{len(members)}"
        water = 100 * sum(row.present[0] for row in members) / sum(row.known[0] for row in members)
        assert table[split][4] == f"{water:.2f}"


def test_split_of_what_is_no_store(tmp_path, run, store):
    code, _, err = run("samples", "split", tmp_path)
    assert code == 1
    assert "is no store of samples" in err
    code, _, err = run("samples", "split", store, "--val", 0.6, "--test", 0.5)
    assert code == 2
    assert "leave nothing to train on" in err
    code, _, err = run("samples", "split", store, "--by", "block", "--block-km", 5000)
    assert code == 1
    assert "use a smaller --block-km" in err
