"""The spectral engine on real imagery, where that is at hand: bounds a little below what was measured."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from hlsmask.inference.spectral import Spectral
from hlsmask.sun import Sun

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CHIPS = 357
WATER, CLOUD, SHADOW, SNOW = range(4)


def needs(name):
    path = DATA / name
    return pytest.mark.skipif(not path.exists(), reason=f"needs the real imagery in ../shared/data: {name}")


def overlap(found, truth):
    return (found & truth).sum() / (found | truth).sum()


@needs("s2_cloud_scene.npz")
@pytest.mark.parametrize("sun", [Sun(156, 35), None], ids=["sun", "no sun"])
def test_clouds_and_their_shadows_on_a_labelled_scene(sun):
    """The sun is read off the picture: the label's shadows lie 18 rows up and 8 columns left of the clouds."""
    with np.load(DATA / "s2_cloud_scene.npz") as scene:
        bands, label = scene["bands"].astype(np.float32), scene["label"]
    masks = Spectral(sun=sun)(bands[None])[0] > 0.5
    assert overlap(masks[CLOUD], label == 4) > 0.77
    assert overlap(masks[SHADOW], label == 0) > 0.74
    assert masks[SNOW].mean() < 0.001


@pytest.fixture(scope="module")
def chips():
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(DATA / "hls_chips.tif") as file:
        stack = file.read(range(1, 8)).reshape(7, CHIPS, 128, 128)
    bands = stack[:6].astype(np.float32) / np.float32(10_000)
    bands[:, (stack[:6] == -9999).any(axis=0)] = np.nan
    fmask = stack[6].astype(np.uint8)
    clear = (fmask != 255) & (fmask & 0b11110 == 0)
    return Spectral()(bands.transpose(1, 0, 2, 3)) > 0.5, fmask, clear


@needs("hls_chips.tif")
def test_water_agrees_with_fmask_on_clear_pixels(chips):
    masks, fmask, clear = chips
    found, truth = masks[:, WATER] & clear, (fmask & 0b100000 != 0) & clear
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.91


@needs("hls_chips.tif")
def test_false_alarms_are_rare_on_clear_pixels(chips):
    masks, _, clear = chips
    share = [masks[:, index][clear].mean() for index in (CLOUD, SHADOW, SNOW)]
    assert share[0] < 0.0005
    assert share[1] < 0.001
    assert share[2] < 0.0001
