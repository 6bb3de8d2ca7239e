"""The nouns hold what their contract says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from sklearn import metrics

from hlsmask import errors
from hlsmask.bands import BANDS, Band, Sensor
from hlsmask.card import Card, Hysteresis, Normalization
from hlsmask.errors import CardError, HlsmaskError, UsageError
from hlsmask.evaluation.confusion import Confusion
from hlsmask.masks import Mask
from hlsmask.raster import Raster
from hlsmask.sun import Sun
from hlsmask.windows import Tiling, Window, round_up
from strategies import tilings


@given(tilings)
def test_every_pixel_is_kept_exactly_once_and_read_with_its_margin(tiling):
    kept = np.zeros(tiling.shape, int)
    scene = Window.of(tiling.shape)
    for tile in tiling:
        kept[tile.keep.slices] += 1
        assert tile.keep & tile.read == tile.keep
        assert tile.read & scene == tile.read
        margin = tile.keep.pad(tiling.context) & scene
        assert margin & tile.read == margin
        assert max(tile.read.shape) <= tiling.size
    assert (kept == 1).all()
    assert len(list(tiling)) == len(tiling)


@given(tilings)
def test_tiles_that_are_cut_to_measure_are_as_many_of_one_shape_and_no_larger(tiling):
    unit, (rows, cols) = tiling.unit, tiling.sizes
    if unit is None:
        assert rows == cols == tiling.size
        return
    assert max(rows, cols) <= tiling.size
    assert len(tiling) == len(replace(tiling, unit=None))
    for tile in tiling:
        assert tile.read.row % unit == tile.read.col % unit == 0
        for read, size, length in zip(tile.read.shape, (rows, cols), tiling.shape, strict=True):
            assert round_up(read, unit) == size or read == length <= tiling.size


def test_tiling_is_a_sequence():
    tiling = Tiling((100, 70), 40, 8)
    assert tiling[-1] == list(tiling)[-1]
    assert tiling[1:3] == list(tiling)[1:3]
    with pytest.raises(IndexError):
        tiling[len(tiling)]


@pytest.mark.parametrize(("size", "overlap", "ramp"), [(8, 8, 0), (8, 4, 5), (8, 3, 0), (10, 8, 8)])
def test_tilings_that_cannot_be_are_refused(size, overlap, ramp):
    with pytest.raises(ValueError, match=r"overlap|ramp"):
        Tiling((10, 10), size, overlap, ramp)


@pytest.mark.parametrize(("size", "overlap", "ramp", "unit"), [(8, 4, 0, 0), (8, 4, 0, 3), (8, 2, 0, 4), (8, 4, 2, 2)])
def test_what_cannot_be_cut_to_measure_is_refused(size, overlap, ramp, unit):
    with pytest.raises(ValueError, match=f"not cut to multiples of {unit}"):
        Tiling((10, 10), size, overlap, ramp, unit)


@given(*[st.builds(Window, *[st.integers(-20, 20)] * 2, *[st.integers(0, 20)] * 2)] * 2)
def test_windows_meet_as_sets_of_pixels_do(a, b):
    def pixels(w):
        return {(r, c) for r in range(w.row, w.bottom) for c in range(w.col, w.right)}

    assert pixels(a & b) == pixels(a) & pixels(b)


def test_a_window_outside_another_is_not_indexed():
    with pytest.raises(ValueError, match="does not lie within"):
        Window(0, 0, 4, 4).within(Window(1, 0, 4, 4))


def test_masks_take_published_names_in_any_order_and_refuse_others():
    assert Mask.parse_all(["sun_mask", "water_mask", "cloud", "water"]) == (
        Mask.WATER,
        Mask.CLOUD,
        Mask.TERRAIN_SHADOW,
    )
    assert Mask.parse("cloud-shadow") is Mask.CLOUD_SHADOW
    with pytest.raises(UsageError, match="the masks are water, cloud"):
        Mask.parse("fog")


def test_band_order_and_layers_are_those_of_hls():
    assert BANDS == ("blue", "green", "red", "nir", "swir1", "swir2")
    assert Sensor.S30.layers[Band.NIR] == "B8A"
    assert Sensor.L30.layers[Band.NIR] == "B05"
    assert list(Sensor.L30.layers.values()) == ["B02", "B03", "B04", "B05", "B06", "B07"]


@pytest.mark.parametrize(("azimuth", "south", "east"), [(180, -1, 0), (90, 0, -1), (0, 1, 0), (270, 0, 1)])
def test_shadows_fall_away_from_the_sun(azimuth, south, east):
    down, right = Sun(azimuth, 45).shadow_step(1000)
    assert (down, right) == pytest.approx((1000 * south, 1000 * east), abs=1e-6)


@pytest.mark.parametrize(
    ("transform", "azimuth"),
    [
        (Affine(30, 0, 5e5, 0, -30, 4e6), 150),
        (Affine(30, 0, 5e5, 0, 30, 4e6), 30),  # rows run north
        (Affine(-30, 0, 5e5, 0, -30, 4e6), 210),  # columns run west
        (Affine(0, 30, 5e5, 30, 0, 4e6), 240),  # rows run east, columns north
    ],
)
def test_the_sun_on_a_grid(transform, azimuth):
    assert Sun(150, 40).on_grid(transform).azimuth == pytest.approx(azimuth)
    assert Sun(150, 40).on_grid(transform).zenith == 40


def test_a_sun_below_the_horizon_is_refused():
    with pytest.raises(ValueError, match="zenith 91"):
        Sun(0, 91)


def test_raster_refuses_what_does_not_fit():
    geobox = GeoBox((4, 5), Affine.identity(), None)
    data, valid = np.zeros((6, 4, 5), np.float32), np.ones((4, 5), bool)
    assert Raster(data, valid, BANDS, geobox).shape == (4, 5)
    with pytest.raises(ValueError, match="float32"):
        Raster(data.astype(float), valid, BANDS, geobox)
    with pytest.raises(ValueError, match="6 bands"):
        Raster(data[:5], valid, BANDS, geobox)
    with pytest.raises(ValueError, match="valid"):
        Raster(data, valid[:3], BANDS, geobox)


def test_card_survives_json():
    card = Card(
        "net",
        (Mask.CLOUD, Mask.WATER),
        normalization=Normalization("sqrt", (0.1,) * 6, (2.0,) * 6),
        thresholds={Mask.CLOUD: 0.3},
        hysteresis={Mask.CLOUD: Hysteresis(0.9, 16)},
        definitions={Mask.TERRAIN_SHADOW: "shad"},
        provenance={"data": ["simulated"]},
    )
    again = Card.from_json(card.to_json())
    assert again.to_json() == card.to_json()
    assert again.masks == (Mask.CLOUD, Mask.WATER)
    assert again.threshold(Mask.CLOUD) == 0.3
    assert again.threshold(Mask.WATER) == 0.5
    assert again.hysteresis == {Mask.CLOUD: Hysteresis(0.9, 16)}
    assert again.reach == 16
    assert "hysteresis" not in json.loads(replace(card, hysteresis={}).to_json())  # as older versions read it


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"card": 99}, "version 99"),
        ({"surprise": 1}, "unknown entries: surprise"),
        ({"hysteresis": {"cloud": {"high": 2, "reach": 3}}}, "high 2 and reach 3"),
        ({"hysteresis": {"cloud": {"high": 0.9, "reach": 2.5}}}, "reach 2.5"),
        ({"hysteresis": {"cloud": {"high": "much", "reach": 2}}}, "does not fit"),
        ({"hysteresis": {"cloud": 0.9}}, "does not fit"),
        ({"hysteresis": {"fog": {"high": 0.9, "reach": 3}}}, "fog"),
        ({"masks": ["fog"]}, "fog"),
        ({"bands": ["pink"]}, "pink"),
        ({"thresholds": {"water": 7}}, "water=7"),
        ({"normalization": {"kind": "magic"}}, "magic"),
        ({"output": "vibes"}, "vibes"),
        ({"size": 100}, "size 100"),
    ],
)
def test_cards_that_do_not_fit_are_refused(change, said):
    values = json.loads(Card("net", (Mask.WATER,)).to_json()) | change
    with pytest.raises(CardError, match=said):
        Card.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{not json"])
def test_what_is_no_card_is_refused(text):
    with pytest.raises(CardError, match=r"tiny\.onnx"):
        Card.from_json(text, source="tiny.onnx")


def test_normalizations():
    bands = np.linspace(0, 1, 6 * 4, dtype=np.float32).reshape(6, 2, 2)
    linear = Normalization("linear", (0.5,) * 6, (0.25,) * 6)(bands)
    assert linear.min() == pytest.approx(-2)
    assert linear.max() == pytest.approx(2)
    root = Normalization("sqrt", (0.6,) * 6, (0.5,) * 6)(bands)  # 2 sqrt(x + 0.1) - 1.2
    assert root[0, 0, 0] == pytest.approx(2 * np.sqrt(0.1) - 1.2)
    joint = Normalization("published")(bands[None] * 7)
    assert (joint.min(), joint.max()) == (0, 1)
    assert Normalization("published")(np.full((6, 2, 2), 0.3, np.float32)).max() == 0


counts = st.builds(Confusion, *[st.integers(0, 1000)] * 4)


@given(counts, counts, counts)
def test_confusions_add(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert (a + b).count == a.count + b.count


@given(st.lists(st.tuples(st.sampled_from([0, 1, 255]), st.sampled_from([0, 1, 255])), min_size=1, max_size=60))
def test_scores_are_those_of_scikit_learn(pairs):
    said, there = (np.array(values, np.uint8) for values in zip(*pairs, strict=True))
    confusion = Confusion.of(said, there)
    known = (said != 255) & (there != 255)
    assert confusion.count == known.sum()
    if (said[known] | there[known]).any():
        assert confusion.f1 == pytest.approx(metrics.f1_score(there[known], said[known], zero_division=0))
        assert confusion.iou == pytest.approx(metrics.jaccard_score(there[known], said[known]))
    if there[known].any():
        assert confusion.recall == pytest.approx(metrics.recall_score(there[known], said[known]))
    if said[known].any():
        assert confusion.precision == pytest.approx(metrics.precision_score(there[known], said[known]))


def test_every_error_is_ours():
    for name in dir(errors):
        thing = getattr(errors, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            assert issubclass(thing, HlsmaskError)
