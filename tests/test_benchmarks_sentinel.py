"""CloudSEN12, CloudSEN12+ and Sen1Floods11, read from tiny files in their own layouts."""

from __future__ import annotations

import pickle
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benchmark_files import container, patch, write_floods, write_memmaps, write_raster, write_taco
from hlsmask.errors import DatasetError, MissingPackageError, SampleError, UsageError
from hlsmask.evaluation.benchmarks import NAMES, open_benchmark
from hlsmask.masks import Mask
from hlsmask.windows import Window

B2_B3_B4_B8A_B11_B12 = [1, 2, 3, 8, 11, 12]
CLOUDS = {0: (255, 0, 0, 255, 255), 1: (255, 1, 0, 255, 255), 2: (255, 1, 0, 255, 255), 3: (255, 0, 1, 255, 255)}
FLOODS = {-1: (255,) * 5, 0: (0, 255, 255, 255, 255), 1: (1, 255, 255, 255, 255)}


def check(samples, index, made, meanings, edge=None):
    """Compare a sample with the image and classes that were made; `edge` is where nothing was observed."""
    image, classes = made
    sample = samples.sample(index)
    bands, labels = samples[index]
    fill = (image == 0).all(axis=0) if edge is None else edge
    expected = np.empty((5, *classes.shape), np.uint8)
    for code in np.unique(classes[~fill]):
        expected[:, classes == code] = np.array(meanings[int(code)])[:, None]
    expected[:, fill] = 255
    np.testing.assert_array_equal(labels, expected)
    assert np.isnan(bands[:, fill]).all()
    np.testing.assert_array_equal(sample.bands[:, ~fill], image[B2_B3_B4_B8A_B11_B12][:, ~fill])
    np.testing.assert_allclose(bands[:, ~fill], image[B2_B3_B4_B8A_B11_B12][:, ~fill] / 10000, rtol=1e-6)


def outside():
    edge = np.zeros((512, 512), np.bool_)
    edge[:, :3] = edge[509:] = True
    return edge


def test_cloudsen12_plus_is_read_from_all_its_parts(tmp_path):
    made = {name: patch(seed) for seed, name in enumerate(["a", "b", "c"])}
    write_taco(
        tmp_path / "cloudsen12-l1c.0000.part.taco",
        [
            ("train", *patch(7), {"tortilla:data_split": "train"}),
            ("scribble", *patch(8), {"label_type": "scribble"}),
            ("large", *patch(9), {"real_proj_shape": 2000}),
            ("a", *made["a"], {}),
            ("b", *made["b"], {}),
        ],
    )
    write_taco(tmp_path / "cloudsen12-l1c.0001.part.taco", [("c", *made["c"], {})])
    write_taco(tmp_path / "cloudsen12-l2a.0000.part.taco", [("other", *patch(6), {})])
    benchmark = open_benchmark("cloudsen12", tmp_path)
    assert benchmark.masks == (Mask.CLOUD, Mask.CLOUD_SHADOW)
    assert "CloudSEN12+" in benchmark.title
    assert [benchmark.samples.record(at).id for at in range(len(benchmark.samples))] == ["a", "b", "c"]
    for at, each in enumerate(made.values()):
        check(benchmark.samples, at, each, CLOUDS, outside())
    record = benchmark.samples.record(0)
    assert (record.sensor, record.split, record.tile, record.lon, record.lat) == ("S30", "test", "19FDF", -70.12, -52.5)
    assert record.time == datetime(2019, 2, 13, 14, 20, 24, tzinfo=UTC)


def test_what_has_no_label_is_fill(tmp_path):
    made = patch(1, edge=99)
    write_taco(tmp_path / "cloudsen12-l1c.0000.part.taco", [("a", *made, {})])
    check(open_benchmark("cloudsen12", tmp_path).samples, 0, made, CLOUDS, outside())


def test_splits_have_our_names_and_theirs(tmp_path):
    told = {"tortilla:data_split": "validation"}
    write_taco(tmp_path / "cloudsen12-l1c.0000.part.taco", [("a", *patch(1), told)])
    for name in ("val", "validation"):
        assert open_benchmark("cloudsen12", tmp_path, name).samples.record(0).split == "val"
    with pytest.raises(DatasetError, match="in the split test"):
        open_benchmark("cloudsen12", tmp_path)
    with pytest.raises(UsageError, match="use train, val, test"):
        open_benchmark("cloudsen12", tmp_path, "bolivia")


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_rows_may_tell_less(tmp_path, nothing):
    unknown = {"s2_id": None, "stac:time_start": nothing, "stac:centroid": None}
    write_taco(tmp_path / "cloudsen12-l1c.0000.part.taco", [("a", *patch(1), unknown)])
    record = open_benchmark("cloudsen12", tmp_path).samples.record(0)
    assert (record.tile, record.time, record.lon) == ("", None, None)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no TACO file of version 1"),
        (b"PK\3\4" + bytes(300), "no TACO file of version 1"),
        (b"WX" + (10**6).to_bytes(8, "little") + (50).to_bytes(8, "little"), "cut off or corrupt"),
        (b"WX" + (2**64 - 1).to_bytes(8, "little") * 2, "cut off or corrupt"),
        (container([b"x"], [{"tortilla:id": "a"}], b"WX"), "does not tell label_type"),
    ],
)
def test_a_container_that_cannot_be_read_is_named(tmp_path, content, says):
    (tmp_path / "cloudsen12-l1c.0000.part.taco").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"cloudsen12-l1c\.0000\.part\.taco.* {says}"):
        open_benchmark("cloudsen12", tmp_path)


def test_a_patch_of_another_size_or_without_labels_is_named(tmp_path):
    image, classes = patch(1)
    path = tmp_path / "cloudsen12-l1c.0000.part.taco"
    write_taco(path, [("a", image[:, :500], classes[:500], {}), ("b", image, classes + 4, {})])
    samples = open_benchmark("cloudsen12", tmp_path).samples
    with pytest.raises(SampleError, match="500 x 512"):
        samples.sample(0)
    with pytest.raises(SampleError, match=r"b in .* holds the classes 4, 5, 6, 7"):
        samples.sample(1)


def test_cloudsen12_plus_says_which_package_it_needs(tmp_path, monkeypatch):
    write_taco(tmp_path / "cloudsen12-l1c.0000.part.taco", [("a", *patch(1), {})])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingPackageError, match=r"CloudSEN12\+ needs pyarrow.*hlsmask\[samples\]"):
        open_benchmark("cloudsen12", tmp_path)


def test_the_first_cloudsen12_is_read_from_raw_numbers(tmp_path):
    patches = [patch(seed) for seed in range(2)]
    write_memmaps(tmp_path, "test", patches)
    benchmark = open_benchmark("cloudsen12", tmp_path)
    assert len(benchmark.samples) == 2
    assert "NC" in benchmark.source
    for at, each in enumerate(patches):
        check(benchmark.samples, at, each, CLOUDS, outside())
    assert benchmark.samples.record(1).id == "test/00001"
    bands, labels = benchmark.samples[1]
    part, marks = benchmark.samples.read(1, Window(500, 0, 12, 100))
    np.testing.assert_array_equal(part, bands[:, 500:, :100])
    np.testing.assert_array_equal(marks, labels[:, 500:, :100])


def test_raw_numbers_that_do_not_belong_together_are_refused(tmp_path):
    write_memmaps(tmp_path, "test", [patch(1)])
    with pytest.raises(DatasetError, match=r"train lacks LABEL_manual_hq\.dat"):
        open_benchmark("cloudsen12", tmp_path, "train")
    band = tmp_path / "test" / "L1C_B8A.dat"
    whole = band.read_bytes()
    for content, says in (
        (whole * 2, "different numbers"),
        (whole[:-2], r"L1C_B8A\.dat holds"),
        (b"", "holds 0 bytes"),
    ):
        band.write_bytes(content)
        with pytest.raises(DatasetError, match=says):
            open_benchmark("cloudsen12", tmp_path)
    band.write_bytes(whole)
    samples = open_benchmark("cloudsen12", tmp_path).samples
    band.write_bytes(whole[:1000])
    with pytest.raises(SampleError, match=r"L1C_B8A\.dat"):
        samples.sample(0)


@pytest.mark.parametrize("home", ["", "v1.1"])
def test_the_chips_of_a_flood_are_read(tmp_path, home):
    made = write_floods(tmp_path / home)
    benchmark = open_benchmark("sen1floods11", tmp_path)
    assert benchmark.masks == (Mask.WATER,)
    assert [benchmark.samples.record(at).id for at in range(2)] == list(made)
    for at, each in enumerate(made.values()):
        check(benchmark.samples, at, each, FLOODS)
    record = benchmark.samples.record(0)
    assert (record.sensor, record.crs, record.left, record.top) == ("S30", "EPSG:4326", -1.5, 10.25)
    assert record.lon == pytest.approx(-1.5 + 32 * 9e-5)
    assert record.lat == pytest.approx(10.25 - 32 * 9e-5)


@pytest.mark.parametrize(
    ("asked", "file", "kept"), [("val", "valid", "val"), ("valid", "valid", "val"), ("bolivia", "bolivia", "")]
)
def test_the_official_lists_are_used(tmp_path, asked, file, kept):
    write_floods(tmp_path, file, chips=("Bolivia_1",))
    write_floods(tmp_path, "test", chips=("Ghana_2", "Ghana_3"))
    samples = open_benchmark("sen1floods11", tmp_path, asked).samples
    assert (samples.record(0).id, samples.record(0).split, len(samples)) == ("Bolivia_1", kept, 1)


def test_what_is_wrong_with_a_chip_is_said(tmp_path):
    write_floods(tmp_path)
    hand = tmp_path / "data" / "flood_events" / "HandLabeled"
    samples = open_benchmark("sen1floods11", tmp_path).samples
    write_raster(hand / "S2Hand" / "Ghana_103272_S2Hand.tif", np.ones((6, 64, 64), np.uint16))
    with pytest.raises(SampleError, match=r"Ghana_103272_S2Hand\.tif has 6 bands"):
        samples.sample(0)
    (hand / "LabelHand" / "Bolivia_60373_LabelHand.tif").unlink()
    with pytest.raises(SampleError, match=r"Bolivia_60373_LabelHand\.tif .* no such file"):
        samples.sample(1)


def test_folders_without_sen1floods11_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="HandLabeled"):
        open_benchmark("sen1floods11", tmp_path)
    with pytest.raises(DatasetError, match="neither CloudSEN12"):
        open_benchmark("cloudsen12", tmp_path)
    write_floods(tmp_path)
    for asked in ("bolivia", "valid"):
        told = rf"{tmp_path.name} has no list of the split {asked}: download v1\.1/splits/flood_handlabeled into it$"
        with pytest.raises(DatasetError, match=told):
            open_benchmark("sen1floods11", tmp_path, asked)
    with pytest.raises(UsageError, match="use train, val, test, bolivia"):
        open_benchmark("sen1floods11", tmp_path, "all")
    for content in ("", "a,b\n", "x_S1Hand.tif,../../secret_LabelHand.tif\n"):
        (tmp_path / "splits" / "flood_handlabeled" / "flood_test_data.csv").write_text(content)
        with pytest.raises(DatasetError, match="no list of chips"):
            open_benchmark("sen1floods11", tmp_path)


def test_they_go_to_other_processes(tmp_path):
    write_floods(tmp_path / "floods")
    write_taco(tmp_path / "plus" / "cloudsen12-l1c.0000.part.taco", [("a", *patch(1), {})])
    write_memmaps(tmp_path / "first", "test", [patch(1)])
    for name, folder in (("sen1floods11", "floods"), ("cloudsen12", "plus"), ("cloudsen12", "first")):
        benchmark = open_benchmark(name, tmp_path / folder)
        copy = pickle.loads(pickle.dumps(benchmark))  # noqa: S301 - our own
        np.testing.assert_array_equal(copy.samples[0][1], benchmark.samples[0][1])
        np.testing.assert_array_equal(copy.samples[0][0], benchmark.samples[0][0])


def test_the_page_shows_every_benchmark():
    page = (Path(__file__).resolve().parents[1] / "docs" / "how-to" / "human-labelled-benchmarks.md").read_text()
    assert all(f"--benchmark {name} " in page for name in NAMES)
