import re

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion, label

from hlsmask.bands import ANGLE_FILL, HLS_FILL, Sensor
from hlsmask.errors import UsageError
from hlsmask.masks import Mask
from hlsmask.sun import Sun
from hlsmask.testing import relief_parts, simulate_granule

WATER, CLOUD, SHADOW, SNOW, DARK = range(5)
ARRAYS = ("bands", "fmask", "zenith", "azimuth", "elevation", "truth")


@pytest.fixture(scope="module", params=[0, 1, 2])
def granule(request):
    return simulate_granule((288, 320), request.param)


@pytest.fixture(scope="module")
def clear():
    return simulate_granule(400, 4, clouds=0.0, fill=False)


def dswx_tests(bands):
    blue, green, red, nir, swir1, swir2 = np.maximum(bands, 1).astype(np.float32)
    mndwi = (green - swir1) / (green + swir1)
    ndvi = (nir - red) / (nir + red)
    awesh = blue + 2.5 * green - 1.5 * (nir + swir1) - 0.25 * swir2
    return (
        (mndwi > 0.124).astype(int)
        + (green + red > nir + swir1)
        + (awesh > 0)
        + ((mndwi > -0.44) & (swir1 < 900) & (nir < 1500) & (ndvi < 0.7))
        + ((mndwi > -0.5) & (blue < 1000) & (swir1 < 3000) & (swir2 < 1000) & (nir < 2500))
    )


def test_the_same_seed_makes_the_same_numbers_and_another_seed_others():
    one, two, other = simulate_granule((70, 90), 5), simulate_granule((70, 90), 5), simulate_granule((70, 90), 6)
    assert one.id == two.id != other.id
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("size", [16, (64, 80), (41, 300), (333, 57)])
@pytest.mark.parametrize("sensor", Sensor)
def test_any_size_keeps_shapes_types_and_place(size, sensor):
    granule = simulate_granule(size, 3, sensor=sensor)
    shape = (size, size) if isinstance(size, int) else size
    assert granule.bands.shape == (6, *shape)
    assert granule.truth.shape == (len(Mask), *shape)
    assert {getattr(granule, name).shape[-2:] for name in ARRAYS} == {shape}
    types = [getattr(granule, name).dtype for name in ARRAYS]
    assert types == [np.int16, np.uint8, np.uint16, np.uint16, np.float32, np.uint8]
    assert tuple(granule.geobox.shape) == shape
    assert granule.geobox.crs.to_epsg() == 32613
    assert (granule.geobox.resolution.x, granule.geobox.resolution.y) == (30, -30)
    assert re.fullmatch(rf"HLS\.{sensor}\.T\d\d[A-Z]{{3}}\.\d{{7}}T\d{{6}}\.v2\.0", granule.id)
    assert granule.id.split(".")[3] == f"{granule.time:%Y%jT%H%M%S}"


def test_a_whole_tile_is_the_largest():
    for size in (15, 3661, (64, 4000)):
        with pytest.raises(UsageError, match="16 to 3660"):
            simulate_granule(size)
    for wrong in ({"clouds": 1.0}, {"clouds": -0.1}, {"seed": -1}):
        with pytest.raises(UsageError, match="clouds from 0 to"):
            simulate_granule(32, **wrong)


def test_fill_is_the_same_in_all_layers_and_has_a_slanted_edge(granule):
    blank = granule.fmask == 255
    assert 0.04 < blank.mean() < 0.13
    assert (granule.bands == HLS_FILL).all(0)[blank].all()
    assert not (granule.bands == HLS_FILL).any(0)[~blank].any()
    for angle in (granule.zenith, granule.azimuth):
        np.testing.assert_array_equal(angle == ANGLE_FILL, blank)
    assert (granule.truth[:, blank] == 255).all()
    np.testing.assert_array_equal((granule.truth[CLOUD] == 255) | (granule.truth[SHADOW] == 255), blank)
    widths = blank.sum(1).astype(int)
    steps = np.diff(widths)
    assert (steps <= 0).all() or (steps >= 0).all()
    assert np.ptp(widths) > 0.1 * len(widths)
    assert simulate_granule(64, 1, fill=False).observed.all()


def test_numbers_are_physical(granule):
    seen = granule.observed
    values = granule.bands[:, seen]
    assert values.min() > -300
    assert values.max() < 16000
    assert (values.mean(1) > 100).all()
    assert set(np.unique(granule.truth)) <= {0, 1, 255}
    assert abs(granule.zenith[seen].mean() / 100 - granule.sun.zenith) < 0.5
    assert abs(granule.azimuth[seen].mean() / 100 - granule.sun.azimuth) < 1
    assert np.isfinite(granule.elevation).all()
    assert 0 < granule.elevation.min() < granule.elevation.max() < 6000


def test_every_mask_is_there_and_clouds_cover_what_was_asked():
    found = np.zeros(5, bool)
    for seed in range(3):
        granule = simulate_granule(256, seed, clouds=0.3)
        found |= [(mask == 1).mean() > 0.002 for mask in granule.truth]
        assert abs((granule.truth[CLOUD] == 1)[granule.observed].mean() - 0.3) < 0.1
    assert found.all(), dict(zip(Mask, found, strict=True))


def test_no_clouds_means_none(clear):
    assert not (clear.truth[[CLOUD, SHADOW]] != 0).any()
    assert set(np.unique(clear.truth)) == {0, 1}


def test_clear_water_passes_the_tests_of_dswx_and_land_does_not(clear):
    water = clear.truth[WATER] == 1
    said = dswx_tests(clear.bands) >= 3
    known = ~binary_dilation(clear.truth[SNOW] == 1, iterations=3) & (clear.truth[DARK] == 0)
    hit, false, miss = (said & water & known).sum(), (said & ~water & known).sum(), (~said & water & known).sum()
    assert 2 * hit / (2 * hit + false + miss) > 0.9
    assert hit > 0.005 * water.size
    inner = binary_erosion(water) & known
    assert said[inner].mean() > 0.99, "away from mixed pixels"


def test_water_is_flat_and_rivers_are_connected(clear):
    water = clear.truth[WATER] == 1
    south, east = np.gradient(clear.elevation, 30.0)
    slope = np.hypot(south, east)
    inner = water & np.roll(water, 1, 0) & np.roll(water, -1, 0) & np.roll(water, 1, 1) & np.roll(water, -1, 1)
    assert np.median(slope[inner]) < 0.01 < np.median(slope[~water]) + 0.01
    parts, count = label(water, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())[1:]
    largest = parts == 1 + sizes.argmax()
    rows, cols = np.nonzero(largest)
    assert count > 1
    assert max(np.ptp(rows), np.ptp(cols)) > 0.5 * water.shape[0]


def test_turbidity_varies(clear):
    red = clear.bands[2][clear.truth[WATER] == 1]
    low, high = np.percentile(red, [5, 95])
    assert high > 2 * low


def test_snow_lies_high_and_is_bright_in_the_visible_alone(clear):
    snow = clear.truth[SNOW] == 1
    lit = snow & (clear.truth[DARK] == 0)
    assert clear.elevation[snow].mean() > clear.elevation.mean()
    assert np.median(clear.bands[1][lit]) > 3500
    assert np.median(clear.bands[4][lit]) < 1500


def test_cloud_shadows_lie_on_the_far_side_of_clouds():
    granule = simulate_granule(384, 11, clouds=0.12, fill=False)
    cloud, shadow = (granule.truth[i] == 1 for i in (CLOUD, SHADOW))
    south, east = granule.sun.shadow_step(1100)

    def overlap(sign):
        down, right = round(sign * south / 30), round(sign * east / 30)
        rows, cols = np.nonzero(cloud)
        rows, cols = rows + down, cols + right
        inside = (rows >= 0) & (rows < 384) & (cols >= 0) & (cols < 384)
        return shadow[rows[inside], cols[inside]].mean()

    assert overlap(1) > 1.5 * overlap(-1)
    assert granule.bands[3][shadow].mean() < granule.bands[3][~shadow & ~cloud].mean()


def test_clouds_hide_water_snow_and_dark_relief_alone(granule):
    unknown = granule.truth == 255
    seen = granule.observed
    hidden = unknown[WATER] & seen
    np.testing.assert_array_equal(unknown[SNOW], unknown[WATER])
    np.testing.assert_array_equal(unknown[DARK], unknown[WATER])
    assert (granule.truth[CLOUD][hidden] == 1).all()
    assert not ((granule.truth[CLOUD] == 1) & (granule.truth[SHADOW] == 1)).any()


def test_fmask_is_mostly_right_and_has_its_known_faults(granule):
    seen = granule.observed
    bits = [(granule.fmask >> bit & 1).astype(bool) & seen for bit in range(8)]
    cloud = granule.truth[CLOUD] == 1
    assert not bits[0].any()
    assert (bits[1] & cloud).sum() / bits[1].sum() > 0.9
    assert 0.3 < (bits[1] & cloud).sum() / cloud.sum() < 0.98, "it misses thin cloud"
    assert not (bits[2] & bits[1] & ~bits[3]).all()
    assert not ((bits[1] | bits[3]) & (bits[4] | bits[5])).any()
    water = binary_erosion(granule.truth[WATER] == 1) & ~bits[1] & ~bits[3]
    assert bits[5][water].mean() > 0.7
    assert (granule.fmask[seen] >> 6).min() >= 1


def test_adjacent_is_five_pixels_around_cloud_and_shadow():
    granule = simulate_granule(256, 8, fill=False, clouds=0.1)
    core = (granule.fmask & 0b1010) > 0
    near = (granule.fmask & 0b100) > 0
    rows, cols = np.nonzero(near & ~core)
    reach = [core[max(0, r - 5) : r + 6, max(0, c - 5) : c + 6].any() for r, c in zip(rows, cols, strict=True)]
    assert reach
    assert all(reach)


def test_relief_parts_on_a_ridge_between_plains():
    rows, _ = np.mgrid[:120, :100]
    ridge = np.maximum(0, 600 - 30 * np.abs(rows - 60)).astype(np.float32)
    parts = relief_parts(ridge, Sun(azimuth=180, zenith=60))
    assert parts.shad[45:58, 20].all()
    assert not parts.shad[62:75, 20].any()
    south = Sun(azimuth=180, zenith=75)
    cast = relief_parts(ridge, south).cast
    assert cast[5:35, 20].all(), "600 m at 15 degrees above the horizon reach 75 pixels north"
    assert not cast[61:, 20].any()
    flat = relief_parts(np.zeros((20, 20), np.float32), south)
    assert not (flat.shad | flat.cast).any()
    np.testing.assert_allclose(flat.cosine, south.up, rtol=1e-5)


def test_cast_shadow_of_a_tower_points_away_from_the_sun():
    ground = np.zeros((61, 61), np.float32)
    ground[28:33, 28:33] = 300
    cast = relief_parts(ground, Sun(azimuth=135, zenith=45)).cast
    assert cast[24, 24]
    assert not cast[36, 36]
    rows, cols = np.nonzero(cast)
    assert rows.max() <= 33
    assert cols.max() <= 33
