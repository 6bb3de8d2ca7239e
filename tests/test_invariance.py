"""Spectral masks do not depend on how a scene is cut, by whom, or in which order."""

import numpy as np
import pytest

import hlsmask
from hlsmask.granules.source import locate
from hlsmask.masks import Mask
from hlsmask.testing import simulate_granule, write_granule
from hlsmask.windows import Window

CUTS = [
    {"window": 1, "overlap": 0},
    {"window": 777, "overlap": 512},
    {"window": 900, "overlap": 600, "workers": 1},
    {"window": 640, "workers": 3},
    {"window": 4000},
]


@pytest.fixture(scope="module")
def granule(tmp_path_factory):
    return write_granule(simulate_granule((1100, 900), 5), tmp_path_factory.mktemp("granule"))


@pytest.fixture(scope="module")
def whole(granule):
    return masks(granule)


def masks(granule, **cut):
    return hlsmask.predict(granule, model="spectral", dem=next(granule.glob("*.dem.tif")), buffer=3, **cut)


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_masks_do_not_depend_on_the_windows(granule, whole, cut):
    other = masks(granule, **cut)
    for mask in (Mask.WATER, Mask.SNOW_ICE, Mask.TERRAIN_SHADOW):
        assert (whole[mask] == 1).sum() > 1000
        np.testing.assert_array_equal(other[mask].values, whole[mask].values)
    for mask in (Mask.CLOUD, Mask.CLOUD_SHADOW):
        there = int((whole[mask] == 1).sum())
        assert there > 1000
        assert int((other[mask] != whole[mask]).sum()) <= 0.001 * there


def test_a_part_of_a_scene_is_masked_as_in_the_whole_away_from_its_edges(granule):
    """What a pixel's neighbourhood tells is all that counts: no statistics over the window or the scene."""
    scene = hlsmask.predict(granule, model="spectral")
    with locate(granule).open() as opened:
        part = opened.read(Window(256, 128, 800, 700))
    alone = hlsmask.predict(part.data, model="spectral")
    inner = np.s_[256:-256, 256:-256]
    for mask in (Mask.WATER, Mask.CLOUD, Mask.SNOW_ICE):
        np.testing.assert_array_equal(alone[mask].values[inner], scene[mask].values[256:1056, 128:828][inner])


@pytest.mark.parametrize("widest", [256, 500])
def test_very_wide_scenes_are_masked_swath_by_swath(granule, whole, widest, monkeypatch):
    monkeypatch.setattr("hlsmask.inference.run.Masking.widest", widest)
    other = masks(granule)
    for mask in (Mask.WATER, Mask.SNOW_ICE, Mask.TERRAIN_SHADOW):
        np.testing.assert_array_equal(other[mask].values, whole[mask].values)
    for mask in (Mask.CLOUD, Mask.CLOUD_SHADOW, "clear_water"):
        assert int((other[mask] != whole[mask]).sum()) <= 0.001 * int((whole[mask] == 1).sum())
    chances = hlsmask.predict(granule, model="spectral", probabilities=True)
    assert np.isfinite(chances.water.values[whole.water.values != 255]).all()
