"""SPARCS and L8 Biome, read from tiny files in their own layouts."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark_files import ELEVATION, GAIN, OFFSET, SCENE, write_biome, write_mtl, write_raster, write_sparcs
from hlsmask.errors import DatasetError, SampleError, UsageError
from hlsmask.evaluation.benchmarks import l8biome, open_benchmark
from hlsmask.evaluation.benchmarks.l8biome import L8BiomeSamples
from hlsmask.evaluation.benchmarks.landsat import Calibration
from hlsmask.evaluation.confusion import Confusion
from hlsmask.masks import Mask
from hlsmask.windows import Tiling, Window

WATER, CLOUD, SHADOW, SNOW, TERRAIN = range(5)

SPARCS = {  # class: water, cloud, cloud shadow, snow/ice, terrain shadow
    0: (0, 0, 1, 255, 255),
    1: (1, 0, 1, 0, 255),
    2: (1, 0, 0, 0, 255),
    3: (0, 0, 0, 1, 255),
    4: (0, 0, 0, 0, 255),
    5: (255, 1, 0, 255, 255),
    6: (255, 0, 0, 0, 255),
}
BIOME = {
    0: (255, 255, 255, 255, 255),
    64: (255, 0, 1, 255, 255),
    128: (255, 0, 0, 255, 255),
    192: (255, 1, 0, 255, 255),
    255: (255, 1, 0, 255, 255),
}


def by_hand(classes, meanings):
    """Labels, pixel by pixel."""
    labels = np.empty((5, *classes.shape), np.uint8)
    for place in np.ndindex(classes.shape):
        labels[(slice(None), *place)] = meanings[int(classes[place])]
    return labels


def plain(image):
    """Reflectance of bands 2 to 7 of an image that begins with band 1, by the formula of the handbook."""
    sine = np.sin(np.deg2rad(ELEVATION))
    return np.stack([(GAIN * n * image[n - 1].astype(float) + OFFSET) / sine for n in range(2, 8)])


def check_tile(samples, index, image, classes, meanings):
    bands, labels = samples[index]
    fill = image[1] == 0
    expected = by_hand(classes, meanings)
    expected[:, fill] = 255
    np.testing.assert_array_equal(labels, expected)
    assert np.isnan(bands[:, fill]).all()
    np.testing.assert_allclose(bands[:, ~fill], plain(image)[:, ~fill], atol=0.51e-4)


@pytest.mark.parametrize("ending", ["_labels.tif", "_labels.png", "_mask.png"])
def test_a_piece_of_sparcs_is_read_with_its_classes_and_reflectance(tmp_path, ending):
    image, classes = write_sparcs(tmp_path / "sending", ending=ending)
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / f"._{SCENE}_18_data.tif").write_bytes(b"what an archive made on a Mac holds beside it")
    benchmark = open_benchmark("sparcs", tmp_path)
    check_tile(benchmark.samples, 0, image, classes, SPARCS)
    assert benchmark.masks == (Mask.WATER, Mask.CLOUD, Mask.CLOUD_SHADOW, Mask.SNOW_ICE)
    assert "1 of 80" in benchmark.protocol
    record = benchmark.samples.record(0)
    assert (record.id, record.sensor, record.platform, record.split) == (f"{SCENE}_18", "L30", "L8", "")
    assert record.time.isoformat() == "2013-08-08T18:31:05+00:00"


def test_a_palette_in_the_labels_changes_nothing(tmp_path):
    _, classes = write_sparcs(tmp_path, ending="_mask.png")
    colours = {code: (40 * code, 255 - code, 7, 255) for code in range(7)}
    write_raster(tmp_path / f"{SCENE}_18_mask.png", classes, "PNG", colours=colours)
    _, labels = open_benchmark("sparcs", tmp_path).samples[0]
    assert ((labels[CLOUD] == 1) == ((classes == 5) & (labels[CLOUD] != 255))).all()


def test_pieces_come_in_the_order_of_their_names_and_window_by_window(tmp_path):
    written = {name: write_sparcs(tmp_path, name, seed=seed) for seed, name in enumerate(["LC8_b", "LC8_a"])}
    samples = open_benchmark("sparcs", tmp_path).samples
    assert [samples.record(at).id for at in range(len(samples))] == ["LC8_a", "LC8_b"]
    check_tile(samples, 1, *written["LC8_b"], SPARCS)
    bands, labels = samples[1]
    part, marks = samples.read(1, Window(5, 0, 20, 11))
    np.testing.assert_array_equal(part, bands[:, 5:25, :11])
    np.testing.assert_array_equal(marks, labels[:, 5:25, :11])


def test_a_prediction_that_repeats_the_labels_is_perfect(tmp_path):
    write_sparcs(tmp_path)
    benchmark = open_benchmark("sparcs", tmp_path)
    sample = benchmark.samples.sample(0)
    said = np.where(sample.labels == 255, 0, sample.labels)
    for at, mask in enumerate(Mask):
        counts = Confusion.of(said[at], sample.labels[at])
        assert counts.f1 == 1 if mask in benchmark.masks else counts.count == 0


@pytest.mark.parametrize("together", [False, True])
def test_a_scene_of_l8_biome_is_cut_into_tiles_that_hold_every_pixel_once(tmp_path, together):
    image, classes = write_biome(tmp_path / "barren", together=together)
    samples = L8BiomeSamples(tmp_path, size=64)
    assert len(samples) == 6
    expected = by_hand(classes, BIOME)
    expected[:, image[1] == 0] = 255
    seen = np.zeros(classes.shape, int)
    for index in range(len(samples)):
        sample = samples.sample(index)
        row, col = sample.record.row, sample.record.col
        height, width = min(64, 150 - row), min(64, 101 - col)
        seen[row : row + height, col : col + width] += 1
        inside = slice(row, row + height), slice(col, col + width)
        np.testing.assert_array_equal(sample.labels[:, :height, :width], expected[(slice(None), *inside)])
        assert (sample.labels[:, height:] == 255).all()
        assert (sample.labels[:, :, width:] == 255).all()
        assert (sample.bands[:, height:] == -9999).all()
        valid = sample.valid[:height, :width]
        np.testing.assert_array_equal(valid, image[1][inside] != 0)
        got = sample.bands[:, :height, :width] * 1e-4
        np.testing.assert_allclose(got[:, valid], plain(image)[(slice(None), *inside)][:, valid], atol=0.51e-4)
    assert (seen == 1).all()


@given(st.integers(1, 400), st.integers(1, 400), st.integers(64, 130))
def test_tiles_of_any_two_scenes_cover_them_once(rows, columns, size):
    samples = object.__new__(L8BiomeSamples)  # the geometry alone, of scenes that are never written
    tilings = [Tiling((rows, columns), size), Tiling((columns, rows), size)]
    samples.scenes = tuple(type("Scene", (), {"tiling": tiling})() for tiling in tilings)
    samples._ends = np.cumsum([len(tiling) for tiling in tilings])
    covered = [np.zeros(tiling.shape, int) for tiling in tilings]
    for index in range(len(samples)):
        scene, cell = samples._place(index)
        covered[samples.scenes.index(scene)][cell.slices] += 1
        assert max(cell.shape) <= size
    assert all((each == 1).all() for each in covered)


def test_windows_of_an_edge_tile_are_parts_of_it(tmp_path):
    write_biome(tmp_path)
    samples = L8BiomeSamples(tmp_path, size=64)
    bands, labels = samples[5]
    for window in (Window(0, 0, 64, 64), Window(10, 20, 30, 40), Window(20, 30, 10, 34), Window(40, 50, 3, 3)):
        part, marks = samples.read(5, window)
        np.testing.assert_array_equal(part, bands[(slice(None), *window.slices)])
        np.testing.assert_array_equal(marks, labels[(slice(None), *window.slices)])


def test_shadow_is_not_judged_in_scenes_where_nobody_labelled_it(tmp_path, monkeypatch):
    monkeypatch.setattr(l8biome, "_STRIP", 64)  # three strips a scene
    write_biome(tmp_path, shadow=False)
    write_biome(tmp_path, "LC80530022014156LGN00", seed=5)
    samples = L8BiomeSamples(tmp_path, size=64)
    _, bare = samples[0]
    assert (bare[SHADOW] == 255).all()
    assert (bare[CLOUD] != 255).any(), "cloud is judged all the same"
    _, labelled = samples[6]
    assert (labelled[SHADOW] == 0).any(), "its one pixel of shadow lies in another tile"
    assert not (labelled[SHADOW] == 1).any()


def test_a_scene_has_tiles_of_1024_and_the_record_tells_their_place(tmp_path):
    write_biome(tmp_path, shape=(70, 1030))
    benchmark = open_benchmark("l8biome", tmp_path)
    assert len(benchmark.samples) == 2
    assert benchmark.samples[1][0].shape == (6, 1024, 1024)
    record = benchmark.samples.record(1)
    assert (record.id, record.row, record.col, record.size) == (f"{SCENE}/0_1024", 0, 1024, 1024)
    assert (record.sensor, record.time.year) == ("L30", 2013)


@pytest.mark.parametrize(("name", "write"), [("sparcs", write_sparcs), ("l8biome", write_biome)])
def test_benchmarks_go_to_other_processes(tmp_path, name, write):
    write(tmp_path)
    benchmark = open_benchmark(name, tmp_path)
    before = benchmark.samples[0]
    copy = pickle.loads(pickle.dumps(benchmark))  # noqa: S301 - our own
    for one, other in zip(before, copy.samples[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_very_bright_numbers_do_not_wrap_around(tmp_path):
    write_mtl(tmp_path / "MTL.txt", elevation=4)
    counts = np.full((6, 2, 2), 65535, np.uint16)
    assert (Calibration.read(tmp_path / "MTL.txt").integers(counts) == 32767).all()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda home: (home / f"{SCENE}_18_mtl.txt").unlink(), "_mtl.txt"),
        (lambda home: (home / f"{SCENE}_18_labels.tif").unlink(), "_labels.tif"),
        (lambda home: write_mtl(home / f"{SCENE}_18_mtl.txt", without="MULT_BAND_4"), "REFLECTANCE_MULT_BAND_4"),
        (lambda home: write_mtl(home / f"{SCENE}_18_mtl.txt", elevation=-3), "SUN_ELEVATION is -3"),
        (lambda home: write_mtl(home / f"{SCENE}_18_mtl.txt", elevation="nan"), "SUN_ELEVATION is nan"),
        (lambda home: write_mtl(home / f"{SCENE}_18_mtl.txt", elevation="high"), "SUN_ELEVATION is 'high'"),
        (lambda home: write_raster(home / f"{SCENE}_18_labels.tif", np.full((64, 64), 9, np.uint8)), "the classes 9"),
        (lambda home: write_raster(home / f"{SCENE}_18_labels.tif", np.zeros((64, 60), np.uint8)), "64 x 60"),
        (lambda home: write_raster(home / f"{SCENE}_18_labels.tif", np.zeros((64, 64), np.float32)), "float32"),
        (lambda home: write_raster(home / f"{SCENE}_18_data.tif", np.ones((10, 64, 70), np.uint16)), "64 x 70"),
        (lambda home: write_raster(home / f"{SCENE}_18_data.tif", np.ones((4, 64, 64), np.uint16)), "4 bands"),
        (lambda home: (home / f"{SCENE}_18_data.tif").write_bytes(b"II*\0"), "_data.tif"),
    ],
)
def test_what_is_wrong_with_a_piece_is_said(tmp_path, damage, says):
    write_sparcs(tmp_path)
    damage(tmp_path)
    benchmark = open_benchmark("sparcs", tmp_path)
    with pytest.raises(SampleError, match=says):
        benchmark.samples.sample(0)


@pytest.mark.parametrize("lost", ["_MTL.txt", "_fixedmask.img", "_B6.TIF"])
def test_what_is_lost_of_a_scene_is_said(tmp_path, lost):
    write_biome(tmp_path)
    (tmp_path / SCENE / f"{SCENE}{lost}").unlink()
    samples = L8BiomeSamples(tmp_path, size=64)
    with pytest.raises(SampleError, match=lost):
        samples.sample(0)


def test_a_scene_that_cannot_be_opened_stops_no_other(tmp_path):
    write_biome(tmp_path)
    write_biome(tmp_path, "LC80530022014156LGN00", seed=5)
    (tmp_path / SCENE / f"{SCENE}_B2.TIF").write_bytes(b"cut off")
    samples = L8BiomeSamples(tmp_path, size=64)
    with pytest.raises(SampleError, match=r"_B2\.TIF"):
        samples.sample(0)
    assert samples.record(1).id.startswith("LC80530022014156LGN00")


@pytest.mark.parametrize("name", ["sparcs", "l8biome"])
def test_a_folder_that_does_not_hold_it_is_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="LC8"):
        open_benchmark(name, tmp_path)
    with pytest.raises(DatasetError, match="is no folder"):
        open_benchmark(name, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no split 'test'"):
        open_benchmark(name, tmp_path, "test")


def test_unknown_benchmarks_are_refused_with_those_that_exist(tmp_path):
    with pytest.raises(UsageError, match="sparcs, l8biome, cloudsen12, sen1floods11"):
        open_benchmark("pixbox", tmp_path)
