"""The spectral engine: what it gives, and that it does not depend on how a scene is cut."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from hlsmask.card import Card
from hlsmask.inference.spectral import Spectral
from hlsmask.masks import Mask
from hlsmask.sun import Sun
from hlsmask.windows import Tiling

SUN = Sun(azimuth=140, zenith=40)
WATER, CLOUD, SHADOW, SNOW, TERRAIN = range(5)
LAND = np.float32([0.03, 0.06, 0.05, 0.35, 0.20, 0.10])
LAKE = np.float32([0.04, 0.05, 0.03, 0.02, 0.01, 0.01])
WHITE = np.float32([0.55, 0.55, 0.56, 0.60, 0.45, 0.35])
FROZEN = np.float32([0.85, 0.85, 0.82, 0.75, 0.10, 0.08])
SILT = np.float32([0.10, 0.17, 0.22, 0.12, 0.02, 0.01])
SAND = np.float32([0.18, 0.28, 0.38, 0.46, 0.55, 0.48])


def blobs(shape, rng, size, share):
    field = ndimage.gaussian_filter(rng.standard_normal(shape).astype(np.float32), size, mode="wrap")
    return field > np.quantile(field, 1 - share)


def paint(bands, where, colour):
    bands[:, where] = colour[:, None]


def sky_over_land(shape, seed=0, south=-24, east=-20):
    """A landscape of fields and lakes, with clouds and the shadows that they cast."""
    rng = np.random.default_rng(seed)
    bands = np.empty((7, *shape), np.float32)
    bands[:6] = LAND[:, None, None]
    bands[:6] *= ndimage.zoom(rng.uniform(0.7, 1.3, (shape[0] // 20 + 1, shape[1] // 20 + 1)), 20, order=0)[
        : shape[0], : shape[1]
    ]
    bands[:6] *= 1 + 0.05 * rng.standard_normal((6, *shape)).astype(np.float32)
    lake = blobs(shape, rng, 12, 0.08)
    paint(bands[:6], lake, LAKE)
    cloud = blobs(shape, rng, 10, 0.12)
    shadow = ndimage.shift(cloud.astype(np.uint8), (south, east), order=0).astype(bool) & ~cloud
    bands[:6, shadow] *= 0.35
    paint(bands[:6], cloud, WHITE)
    bands[6] = 300 * ndimage.gaussian_filter(rng.standard_normal(shape), 15) * 15
    return bands, cloud, shadow, lake


def masks_of(engine, bands, size=None):
    """Masks of a scene cut as the caller cuts it: 256 pixels of context, the centre is kept."""
    context = engine.card.overlap // 2
    tiles = Tiling(bands.shape[1:], size or 8192, 2 * context)
    out = np.empty((5, *bands.shape[1:]), np.float32)
    for tile in tiles:
        got = engine(bands[(slice(None), *tile.read.slices)][None])[0]
        out[(slice(None), *tile.keep.slices)] = got[(slice(None), *tile.keep.within(tile.read))]
    return out


@pytest.fixture(scope="module")
def scene():
    bands, *_ = sky_over_land((1410, 1107))
    bands[:, :300, :200] = np.nan
    bands[:, 700:, 1000:] = np.nan
    return bands


@pytest.mark.parametrize(("sun", "sizes"), [(SUN, (1536, 1024, 800)), (None, (1024,))], ids=["sun", "no sun"])
def test_masks_do_not_depend_on_how_a_scene_is_cut(scene, sun, sizes):
    engine = Spectral().for_scene(sun, elevation=True, pixel=30.0)
    bands = scene[: 6 + engine.elevation]
    whole = masks_of(engine, bands)
    assert (whole[SHADOW] > 0.5).mean() > 0.03
    for size in sizes:
        np.testing.assert_array_equal(masks_of(engine, bands, size), whole)


def test_sizes_that_are_no_multiple_of_a_block_give_what_their_pixels_are(scene):
    engine = Spectral(sun=SUN, elevation=True)
    whole = engine(scene[None, :, 320:600, 240:520])[0]
    part = engine(scene[None, :, 320:531, 240:447])[0]
    assert part.shape == (5, 211, 207)
    np.testing.assert_array_equal(part[WATER], whole[WATER, :211, :207])
    np.testing.assert_array_equal(part[SNOW], whole[SNOW, :211, :207])
    np.testing.assert_array_equal(part[TERRAIN, :-1, :-1], whole[TERRAIN, :210, :206])
    assert np.isfinite(part[TERRAIN]).all()


def test_several_windows_at_once_are_what_they_are_one_by_one(scene):
    engine = Spectral(sun=SUN, elevation=True)
    windows = np.stack([scene[:, 320:640, 240:560], scene[:, 640:960, 240:560]])
    together = engine(windows)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together, np.concatenate([engine(window[None]) for window in windows]))


def test_shadow_is_found_down_sun_of_clouds_and_not_up_sun():
    bands, cloud, shadow, _ = sky_over_land((512, 512), seed=3)
    inner = (slice(60, -60), slice(60, -60))
    right = Spectral(sun=SUN)(bands[None, :6])[0, SHADOW][inner] > 0.5
    wrong = Spectral(sun=replace(SUN, azimuth=SUN.azimuth + 180))(bands[None, :6])[0, SHADOW][inner] > 0.5
    assert (right & shadow[inner]).sum() > 0.85 * shadow[inner].sum()
    assert (right & shadow[inner]).sum() > 0.9 * right.sum()
    assert (right & shadow[inner]).sum() > 1.5 * (wrong & shadow[inner]).sum()
    assert not (right & cloud[inner]).any()


def test_a_lake_far_from_any_cloud_is_no_shadow():
    bands, *_ = sky_over_land((512, 512), seed=4)
    bands[:6] = LAND[:, None, None]
    bands[:6, 200:260, 200:260] = LAKE[:, None, None]
    bands[:6, 20:60, 20:60] = WHITE[:, None, None]
    for sun in (SUN, None):
        masks = Spectral(sun=sun)(bands[None, :6])[0] > 0.5
        assert masks[WATER, 200:260, 200:260].all()
        assert not masks[SHADOW].any()


def test_a_lake_down_sun_of_a_cloud_is_no_shadow_where_it_is_not_darkened():
    bands = np.empty((6, 256, 256), np.float32)
    bands[:] = LAND[:, None, None]
    bands[:, 60:160, 40:160] = LAKE[:, None, None]
    bands[:, 120:150, 110:140] = WHITE[:, None, None]
    assert not (Spectral(sun=SUN)(bands[None])[0, SHADOW, 60:160, 40:160] > 0.5).any()
    bands[:, 92:118, 85:110] *= 0.6
    shaded = Spectral(sun=SUN)(bands[None])[0, SHADOW] > 0.5
    assert shaded[92:118, 85:110].mean() > 0.6


def test_a_dark_slope_down_sun_of_a_cloud_is_no_cloud_shadow_where_the_relief_is_known():
    sun = Sun(azimuth=180, zenith=60)
    bands = np.empty((7, 256, 256), np.float32)
    bands[:6] = LAND[:, None, None]
    bands[6] = 0
    bands[6, 80:110] = np.arange(30, dtype=np.float32)[:, None] * 9  # 17 degrees, turned to the north
    bands[6, 110:] = 30 * 9
    dark = np.s_[82:108, 100:160]
    bands[:6, 81:109] *= 0.52
    bands[:6, 112:140, 100:160] = WHITE[:, None, None]
    flat = Spectral(sun=sun)(bands[None, :6])[0, SHADOW] > 0.5
    steep = Spectral(sun=sun, elevation=True)(bands[None])[0, SHADOW] > 0.5
    assert flat[dark].mean() > 0.9
    assert not steep[dark].any()


@pytest.mark.parametrize(
    ("colour", "expected"),
    [(FROZEN, SNOW), (WHITE, CLOUD), (SILT, WATER), (LAKE, WATER), (SAND, None), (LAND, None)],
    ids=["snow", "cloud", "silt", "lake", "sand", "land"],
)
def test_a_plain_surface_is_what_it_is(colour, expected):
    bands = np.broadcast_to(colour[:, None, None], (6, 64, 64)).copy()
    masks = Spectral(sun=SUN)(bands[None])[0] > 0.5
    for index in (CLOUD, SHADOW, SNOW):
        assert masks[index].all() if index == expected else not masks[index].any()
    if expected != SNOW:  # DSWx tests take snow for water; the snow mask says what it is
        assert masks[WATER].all() if expected == WATER else not masks[WATER].any()


def test_a_single_roof_is_no_cloud():
    bands = np.broadcast_to(LAND[:, None, None], (6, 64, 64)).copy()
    bands[:, 30:33, 30:33] = WHITE[:, None, None]
    assert not (Spectral()(bands[None])[0, CLOUD] > 0.5).any()


def test_probabilities_are_probabilities_where_something_was_observed(scene):
    out = Spectral(sun=SUN, elevation=True)(scene[None])[0]
    observed = np.isfinite(scene).all(axis=0)
    known = out[:TERRAIN, observed]
    assert ((known >= 0) & (known <= 1)).all()
    assert np.isin(out[TERRAIN][np.isfinite(out[TERRAIN])], [0, 1]).all()
    assert not ((out[:TERRAIN] > 0.5) & ~observed).any()


def test_an_unobserved_window_is_nowhere_anything():
    out = Spectral(sun=SUN)(np.full((1, 6, 64, 64), np.nan, np.float32))
    assert not (out > 0.5).any()


def test_terrain_shadow_is_unknown_without_the_sun_or_the_ground():
    bands, *_ = sky_over_land((64, 64))
    assert np.isnan(Spectral(sun=SUN)(bands[None, :6])[0, TERRAIN]).all()
    blind = Spectral().for_scene(None, elevation=True, pixel=30.0)
    assert not blind.card.elevation
    assert np.isnan(blind(bands[None, :6])[0, TERRAIN]).all()


def test_the_engine_says_what_it_is():
    engine = Spectral().for_scene(SUN, elevation=True, pixel=20.0)
    assert engine.card.masks == tuple(Mask)
    assert engine.card.elevation
    assert engine.card.definitions[Mask.TERRAIN_SHADOW] == "shad"
    assert Card.from_json(engine.card.to_json()) == engine.card
    assert engine.name.startswith("spectral ")
    assert (engine.blends, engine.parallel) == (False, True)


def test_a_wrong_number_of_planes_is_refused():
    with pytest.raises(ValueError, match=r"\(n, 7, h, w\), not \(1, 6, 64, 64\)"):
        Spectral(sun=SUN, elevation=True)(np.zeros((1, 6, 64, 64), np.float32))


def test_odd_numbers_give_probabilities_without_a_warning():
    rng = np.random.default_rng(5)
    bands = rng.uniform(-0.2, 2, (1, 6, 64, 64)).astype(np.float32)
    bands[0, :, 10:12] = 0
    bands[0, :, 20:22] = -0.2
    bands[0, :, 30:32] = 6.5
    bands[0, :, rng.random((64, 64)) < 0.1] = np.nan
    out = Spectral(sun=SUN)(bands)[0, :TERRAIN, np.isfinite(bands[0, 0])]
    assert ((out >= 0) & (out <= 1)).all()


def test_the_order_of_an_array_in_memory_does_not_matter(scene):
    window = scene[None, :6, 320:576, 240:496]
    expected = Spectral(sun=SUN)(np.ascontiguousarray(window))
    np.testing.assert_array_equal(Spectral(sun=SUN)(np.asfortranarray(window)), expected)
