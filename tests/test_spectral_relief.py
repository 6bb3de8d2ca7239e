"""Terrain shadow, held against the formula of DSWx-HLS written with angles."""

import numpy as np
import pytest
from scipy import ndimage

from hlsmask.inference.spectral import illumination, terrain_shadow
from hlsmask.sun import Sun


def published(elevation, sun, pixel):
    """As formats.md quotes PROTEUS: angles, float64."""
    down, right = np.gradient(elevation.astype(np.float64), pixel)
    nx, ny = -right, down  # y to the north
    azimuth, zenith = np.radians(sun.azimuth), np.radians(sun.zenith)
    east, north, up = np.sin(azimuth) * np.sin(zenith), np.cos(azimuth) * np.sin(zenith), np.cos(zenith)
    cosine = (nx * east + ny * north + up) / np.sqrt(nx**2 + ny**2 + 1)
    incidence = np.degrees(np.arccos(cosine))
    slope = np.degrees(np.arctan(nx * np.sin(azimuth) + ny * np.cos(azimuth)))
    return ~((incidence <= 40) | (slope > -5)), np.minimum(abs(incidence - 40), abs(slope + 5)) < 1e-3


@pytest.mark.parametrize("sun", [Sun(150, 30), Sun(150, 65), Sun(35, 50), Sun(225, 45)], ids=str)
def test_shadow_is_that_of_dswx(sun):
    rng = np.random.default_rng(0)
    elevation = (ndimage.gaussian_filter(rng.standard_normal((200, 240)), 8) * 6000).astype(np.float32)
    expected, on_the_edge = published(elevation, sun, 30.0)
    got = terrain_shadow(elevation, sun, 30.0)
    assert 0.02 < expected.mean() < 0.6
    assert ((got == 1) == expected)[~on_the_edge].all()


def test_the_north_slope_is_dark_when_the_sun_is_in_the_south():
    rows = np.arange(40, dtype=np.float32)[:, None] * np.ones((1, 40), np.float32)
    rises_to_the_south = rows * 30  # 45 degrees, faces north
    assert (terrain_shadow(rises_to_the_south, Sun(180, 60), 30.0) == 1).all()
    assert (terrain_shadow(-rises_to_the_south, Sun(180, 60), 30.0) == 0).all()


def test_unknown_ground_is_unknown_and_does_not_spoil_its_neighbours():
    elevation = np.zeros((20, 20), np.float32)
    elevation[10, 10] = np.nan
    shadow = terrain_shadow(elevation, Sun(150, 40), 30.0)
    unknown = np.isnan(shadow)
    assert unknown[10, 10]
    assert unknown.sum() == 1
    assert (shadow[~unknown] == 0).all()


def test_slopes_at_the_edge_are_the_same_where_the_array_goes_on_unknown():
    elevation = (ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((61, 47)), 3) * 900).astype(
        np.float32
    )
    padded = np.pad(elevation, ((0, 3), (1, 1)), constant_values=np.nan)
    sun = Sun(150, 50)
    np.testing.assert_array_equal(terrain_shadow(padded, sun, 30.0)[:61, 1:-1], terrain_shadow(elevation, sun, 30.0))


def test_a_window_of_one_row_has_no_slope():
    assert np.isnan(terrain_shadow(np.zeros((1, 8), np.float32), Sun(150, 40), 30.0)).all()


def test_slopes_get_light_by_their_aspect_and_unknown_ground_counts_as_flat():
    rows = np.arange(40, dtype=np.float32)[:, None] * np.ones((1, 40), np.float32)
    sun = Sun(180, 50)
    flat, towards, away = (illumination(rows * rise, sun, 30.0) for rise in (0, -8, 8))
    np.testing.assert_allclose(flat, 1, atol=1e-6)
    assert (towards > 1.1).all()
    assert (away < 0.9).all()
    assert (illumination(np.full((9, 9), np.nan, np.float32), sun, 30.0) == 1).all()
