"""Cutting, blending and deciding lose no pixel and leave no seam."""

import threading

import numpy as np
import onnx
import pytest
from affine import Affine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from scipy.ndimage import maximum_filter, uniform_filter

from hlsmask.card import Card, Hysteresis
from hlsmask.errors import UsageError
from hlsmask.granules.arrays import ArrayScene
from hlsmask.inference.blend import Blend
from hlsmask.inference.clear import clear_water
from hlsmask.inference.decide import ADJACENT, decide, threshold
from hlsmask.inference.hysteresis import supported
from hlsmask.inference.onnx import OnnxEngine
from hlsmask.inference.stream import stream, tiling_for
from hlsmask.masks import Mask
from hlsmask.windows import Tiling, Window, round_up
from strategies import tilings


def test_a_granule_is_cut_into_windows_of_one_shape_as_few_as_its_card_allows():
    card = Card("net", tuple(Mask), size=960, overlap=256, multiple=16, view=128)
    tiling = tiling_for((3660, 3660), card, blends=False)
    assert (len(tiling), tiling.sizes) == (30, (832, 944))
    assert {tuple(round_up(side, 16) for side in tile.read.shape) for tile in tiling} == {tiling.sizes}


@pytest.mark.parametrize(("width", "view", "size"), [(3660, 128, 896), (12_000, 128, 768), (12_000, None, 896)])
def test_cells_of_wide_scenes_fill_the_blocks_of_files_where_masks_do_not_depend_on_them(width, view, size):
    card = Card("wide", tuple(Mask), size=896, overlap=256, multiple=32, view=view)
    assert tiling_for((4000, width), card, blends=not card.seamless).size == size
    assert tiling_for((4000, width), card, blends=not card.seamless, window=1024).size == 1024


def test_windows_of_wide_scenes_are_smaller_but_not_mostly_what_they_share():
    card = Card("wide", tuple(Mask), size=1312, overlap=512, multiple=4)
    assert tiling_for((4000, 12_000), card, blends=False).size == 1152
    assert tiling_for((4000, 3660), card, blends=False).size == 1312


@given(tilings, st.integers(0, 99))
@settings(max_examples=60)
def test_blending_tiles_that_agree_gives_the_scene(tiling, seed):
    scene = np.random.default_rng(seed).random((2, *tiling.shape), np.float32)
    out, seen = np.zeros_like(scene), np.zeros(tiling.shape, int)
    blend = Blend(tiling, 2)
    for tile in tiling:
        given = tile.read if tiling.ramp else tile.keep
        window, finished = blend.feed(tile, scene[:, *given.slices].copy())
        out[:, *window.slices] = finished
        seen[window.slices] += 1
    assert (seen == 1).all()
    np.testing.assert_allclose(out, scene, atol=1e-6)
    if not tiling.ramp:
        np.testing.assert_array_equal(out, scene)


def test_blending_ramps_between_tiles_that_differ():
    tiling = Tiling((8, 40), 28, 8, 8)
    blend = Blend(tiling, 1)
    row = []
    for tile in tiling:
        _, finished = blend.feed(tile, np.full((1, *tile.read.shape), float(tile.index[1]), np.float32))
        row.append(finished[0, 0])
    row = np.concatenate(row)
    assert (row[:20] == 0).all()
    np.testing.assert_allclose(row[20:28], (np.arange(8) + 0.5) / 8, atol=1e-6)
    assert (row[28:] == 1).all()


def cut(array, rng):
    """Cells of random size, row by row."""
    _, height, width = array.shape
    step = int(rng.integers(1, max(height, width) + 1))
    for tile in Tiling((height, width), step):
        yield tile.keep, array[:, *tile.keep.slices]


@given(st.integers(1, 1400), st.integers(1, 30), st.integers(0, 40), st.integers(0, 9))
@example(30, 9000, 7, 0)
@settings(max_examples=40)
def test_decisions_do_not_depend_on_how_the_scene_was_cut(height, width, buffer, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.random((5, height, width), np.float32)
    probabilities[1:3] **= 40  # few clouds and shadows, so that distances matter
    probabilities[:, rng.random((height, width)) < 0.1] = np.nan
    thresholds = dict.fromkeys(Mask, 0.5)
    parts = list(decide(cut(probabilities, rng), (height, width), tuple(Mask), thresholds, buffer=buffer))
    seen, whole = np.zeros((height, width), int), {}
    for name, dtype in {"masks": np.uint8, "clear_water": np.uint8, "adjacent": bool, "observed": bool}.items():
        whole[name] = np.zeros((5, height, width) if name == "masks" else (height, width), dtype)
    for part in parts:
        seen[part.window.slices] += 1
        for name, array in whole.items():
            array[..., *part.window.slices] = getattr(part, name)
    assert (seen == 1).all()

    masks = threshold(probabilities, tuple(Mask), thresholds)
    np.testing.assert_array_equal(whole["masks"], masks)
    hazard = (masks[1:3] == 1).any(axis=0)
    observed = (masks != 255).any(axis=0)
    np.testing.assert_array_equal(whole["observed"], observed)
    ring = maximum_filter(hazard, 2 * ADJACENT + 1, mode="constant") & ~hazard & observed
    np.testing.assert_array_equal(whole["adjacent"], ring)
    near = maximum_filter(hazard, 2 * buffer + 1, mode="constant")
    clear = whole["clear_water"]
    np.testing.assert_array_equal(clear == 1, (masks[0] == 1) & ~(masks[1:] == 1).any(axis=0) & ~near)
    np.testing.assert_array_equal(clear == 255, masks[0] == 255)


@given(st.integers(1, 1100), st.integers(1, 30), st.integers(0, 40), st.integers(0, 9))
@example(30, 5000, 7, 0)
@settings(max_examples=30)
def test_faint_pixels_count_only_near_sure_ones_however_the_scene_was_cut(height, width, reach, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.random((5, height, width), np.float32)
    probabilities[1:] **= 9  # few sure ones, so that distances matter
    probabilities[:, rng.random((height, width)) < 0.1] = np.nan
    thresholds = dict.fromkeys(Mask, 0.3)
    rules = {Mask.CLOUD: Hysteresis(0.9, 3), Mask.TERRAIN_SHADOW: Hysteresis(0.95, reach)}
    cells = cut(probabilities, rng)
    said = np.zeros((5, height, width), np.uint8)
    clear = np.zeros((height, width), np.uint8)
    for part in decide(cells, (height, width), tuple(Mask), thresholds, hysteresis=rules, buffer=4):
        said[:, *part.window.slices] = part.masks
        clear[part.window.slices] = part.clear_water

    masks = threshold(probabilities, tuple(Mask), thresholds)
    for mask, rule in rules.items():
        plane, chances = masks[list(Mask).index(mask)], probabilities[list(Mask).index(mask)]
        near = maximum_filter(chances > np.float32(rule.high), 2 * rule.reach + 1, mode="constant")
        plane[(plane == 1) & ~near] = 0
    np.testing.assert_array_equal(said, masks)
    cloudy = maximum_filter((masks[1:3] == 1).any(axis=0), 9, mode="constant")  # none where no cloud is sure nearby
    np.testing.assert_array_equal(clear == 1, (masks[0] == 1) & ~(masks[1:] == 1).any(axis=0) & ~cloudy)

    for low in (0, 0.3, 0.97):  # what `evaluate` counts is what `predict` says, at all thresholds
        gated, lows = supported(probabilities.copy(), tuple(Mask), rules), dict.fromkeys(Mask, low)
        for part in decide(cut(probabilities, rng), (height, width), tuple(Mask), lows, hysteresis=rules):
            there = threshold(gated[:, *part.window.slices], tuple(Mask), lows)
            np.testing.assert_array_equal(part.masks, there)


def test_clear_water_takes_unknown_masks_as_absent():
    masks = np.array([1, 0, 255, 0, 255], np.uint8).reshape(5, 1, 1)
    assert clear_water(masks, np.zeros((1, 1), bool)) == 1
    masks[0] = 255
    assert clear_water(masks, np.zeros((1, 1), bool)) == 255


@given(
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.sampled_from([1, 4, 32]),
    st.integers(64, 1600),
    st.integers(0, 600),
    st.booleans(),
)
def test_windows_begin_at_multiples_of_what_the_card_asks(shape, multiple, window, overlap, blends):
    card = Card("net", (Mask.WATER,), multiple=multiple)
    try:
        tiling = tiling_for(shape, card, blends=blends, window=window, overlap=overlap)
    except UsageError:
        return
    for tile in tiling[:40]:
        assert tile.read.row % multiple == 0
        assert tile.read.col % multiple == 0


class Shape:
    """An array scene that notes what was read."""

    def __new__(cls, bands):
        return ArrayScene(bands, GeoBox(bands.shape[1:], Affine(30, 0, 5e5, 0, -30, 4e6), "EPSG:32613"))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (7, 200), (64, 64), (150, 130)])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_network_sees_the_whole_scene(make_network, shape, workers):
    bands = np.random.default_rng(0).random((6, *shape), np.float32) * 0.5 + 0.02
    engine = OnnxEngine(make_network())
    scene = Shape(bands)
    out = np.full((5, *shape), np.inf, np.float32)
    for window, cell in stream(scene, engine, workers=workers):
        out[:, *window.slices] = cell
    wanted = uniform_filter(bands[1], 3, mode="constant")
    np.testing.assert_allclose(out, np.broadcast_to(wanted, out.shape), atol=1e-5)


def test_a_network_whose_weights_lie_in_a_file_beside_it(make_network, tmp_path):
    whole = make_network()
    apart = tmp_path / "apart" / "tiny.onnx"
    apart.parent.mkdir()
    onnx.save(onnx.load(whole), str(apart), save_as_external_data=True, location="tiny.data", size_threshold=0)
    bands = np.random.default_rng(0).random((1, 6, 64, 64), np.float32)
    np.testing.assert_array_equal(OnnxEngine(apart)(bands), OnnxEngine(whole)(bands))


def test_fill_stays_fill_and_does_not_spread(make_network):
    bands = np.full((6, 90, 90), 0.2, np.float32)
    bands[:, 40:, 50:] = np.nan
    out = np.zeros((5, 90, 90), np.float32)
    for window, cell in stream(Shape(bands), OnnxEngine(make_network())):
        out[:, *window.slices] = cell
    np.testing.assert_array_equal(np.isnan(out[0]), np.isnan(bands[0]))


def test_what_was_read_is_shown_once_a_tile(make_network):
    seen = []
    list(
        stream(
            Shape(np.full((6, 100, 100), 0.2, np.float32)),
            OnnxEngine(make_network()),
            on_read=lambda window, bands: seen.append((window, bands.shape == (6, *window.shape))),
        )
    )
    assert len(set(seen)) == len(seen) > 1
    assert all(fits for _, fits in seen)


def test_stopping_half_way_leaves_no_thread(make_network):
    cells = stream(Shape(np.full((6, 400, 400), 0.2, np.float32)), OnnxEngine(make_network()))
    next(cells)
    cells.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hlsmask")]


def test_window_of_zero_area_is_fine():
    assert (Window(0, 0, 0, 3) & Window(5, 5, 1, 1)).shape == (0, 0)
