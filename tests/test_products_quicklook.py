"""The picture shows the scene, its masks and its gaps, whatever the scene's shape."""

from __future__ import annotations

import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from PIL import Image, ImageFont

from hlsmask.bands import BANDS
from hlsmask.masks import Mask
from hlsmask.products.page import percent
from hlsmask.products.palette import COLOURS, LAYERS
from hlsmask.products.preview import BlockMeans
from hlsmask.products.quicklook import Preview
from hlsmask.products.render import overlay, tone
from hlsmask.raster import Raster
from hlsmask.windows import Window

SHARES = dict.fromkeys(LAYERS, 0.1)


def scene(shape, seed=0):
    rng = np.random.default_rng(seed)
    bands = rng.uniform(0, 0.4, (6, *shape)).astype(np.float32)
    bands[:, rng.random(shape) < 0.1] = np.nan
    masks = rng.choice(np.uint8([0, 1, 255]), (6, *shape))
    return bands, masks


@pytest.mark.parametrize("step", [64, 50, 1000])
def test_means_do_not_depend_on_the_windows(step):
    bands, masks = scene((130, 201))
    means = BlockMeans((130, 201), longest=32)
    assert means.stride == 8
    assert means.shape == (17, 26)
    for row in range(0, 130, step):
        for col in range(0, 201, step):
            part = Window(row, col, min(step, 130 - row), min(step, 201 - col))
            means.add_bands(part, bands[(slice(None), *part.slices)])
            means.add_masks(part, masks[(slice(None), *part.slices)])
    for row, col in [(0, 0), (3, 5), (16, 24)]:
        block = (slice(row * 8, row * 8 + 8), slice(col * 8, col * 8 + 8))
        want = np.nanmean(bands[(slice(None), *block)], axis=(1, 2))
        np.testing.assert_allclose(means.true_colour()[:, row, col], want[[2, 1, 0]], rtol=1e-5)
        for layer in range(6):
            known = masks[(layer, *block)][masks[(layer, *block)] != 255]
            np.testing.assert_allclose(means.coverage()[layer, row, col], (known == 1).mean(), rtol=1e-5)
    assert means.unseen() == pytest.approx(np.isnan(bands[0]).mean())


def test_means_count_more_pixels_than_a_byte_holds():
    means = BlockMeans((512, 512), longest=1)
    means.add_bands(Window(0, 0, 512, 512), np.ones((6, 512, 512), np.float32))
    means.add_masks(Window(0, 0, 512, 512), np.ones((6, 512, 512), np.uint8))
    assert means.true_colour().tolist() == [[[1]]] * 3
    assert means.coverage().tolist() == [[[1]]] * 6


@pytest.mark.parametrize("window", [Window(0, 0, 4, 5), Window(-1, 0, 4, 4), Window(8, 8, 4, 4)])
def test_windows_that_do_not_fit_are_refused(window):
    preview = Preview((10, 10))
    with pytest.raises(ValueError, match="does not fit"):
        preview.add_bands(window, np.zeros((6, 4, 4), np.float32))
    with pytest.raises(ValueError, match="does not fit"):
        preview.add_masks(window, np.zeros((6, 4, 4), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (465, 283), (283, 465), (2049, 300), (60, 2500)])
def test_a_picture_of_any_shape(tmp_path, shape):
    bands, masks = scene(shape)
    preview = Preview(shape)
    preview.add_bands(Window.of(shape), bands)
    preview.add_masks(Window.of(shape), masks)
    path = tmp_path / "a.png"
    preview.save(path, title="scene " * 30, subtitle="model", shares=SHARES, metres_per_pixel=30)
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.mode == "RGB"
        assert 600 < picture.width < 2400
        assert 250 < picture.height < 2600
        assert np.asarray(picture)[0].min() == 255  # nothing runs into the margin
        assert np.asarray(picture)[:, -10:].min() == 255
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_a_scene_that_nobody_observed_is_hatched():
    preview = Preview((20, 20))
    preview.add_bands(Window.of((20, 20)), np.full((6, 20, 20), np.nan, np.float32))
    preview.add_masks(Window.of((20, 20)), np.full((6, 20, 20), 255, np.uint8))
    page = np.asarray(preview.draw(title="a", shares=dict.fromkeys(LAYERS)))
    panel = page[200:600, 100:800].astype(int)
    assert panel.min() > 200
    assert np.ptp(panel, axis=-1).max() < 6


def test_a_raster_is_taken_too():
    bands, _ = scene((20, 30))
    raster = Raster(bands, np.isfinite(bands[0]), BANDS, GeoBox((20, 30), (30, 0, 0, 0, -30, 0), "EPSG:32616"))
    preview, same = Preview((20, 30)), Preview((20, 30))
    preview.add_bands(Window.of((20, 30)), raster)
    same.add_bands(Window.of((20, 30)), bands)
    pages = [one.draw(title="a", shares=SHARES).tobytes() for one in (preview, same)]
    assert pages[0] == pages[1]


def test_clouds_are_white_and_forests_visible():
    forest, cloud = (0.03, 0.05, 0.02), (0.7, 0.7, 0.7)
    light = np.empty((3, 10, 10), np.float32)
    light[:] = np.float32(forest)[:, None, None]
    assert 40 < tone(light).max() < 160
    light[:, :5] = np.float32(cloud)[:, None, None]
    picture = tone(light)
    assert picture[:5].min() > 235
    assert 20 < picture[5:].max() < 120


@pytest.mark.parametrize("name", LAYERS)
def test_each_mask_shows_in_its_colour_and_grey_elsewhere(name):
    coverage = np.zeros((6, 2, 2), np.float32)
    coverage[LAYERS.index(name), 0] = 1
    drawn = overlay(np.full((2, 2, 3), 200, np.uint8), coverage).astype(int)
    distance = {other: np.abs(drawn[0, 0] - COLOURS[other]).sum() for other in LAYERS}
    assert min(distance, key=distance.get) == name
    assert np.ptp(drawn[1, 0]) == 0


def test_cloud_covers_the_water_beneath():
    coverage = np.zeros((6, 1, 1), np.float32)
    coverage[[LAYERS.index(Mask.WATER), LAYERS.index(Mask.CLOUD)]] = 1
    red, green, blue = overlay(np.full((1, 1, 3), 200, np.uint8), coverage)[0, 0]
    assert red > blue > green


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "not known"), (0.0, "0 %"), (0.0004, "< 0.1 %"), (0.1234, "12.3 %"), (0.9999, "> 99.9 %"), (1.0, "100 %")],
)
def test_shares_are_readable(share, text):
    assert percent(share) == text


def test_the_legend_has_a_font_that_scales():
    assert ImageFont.load_default(30).getlength("cloud") > ImageFont.load_default(15).getlength("cloud")
