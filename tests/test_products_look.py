"""`hlsmask.quicklook`: what a notebook shows is what `hlsmask predict` writes."""

import numpy as np
import pytest
from PIL import Image

import hlsmask
from hlsmask.errors import SourceError, UsageError
from hlsmask.granules.source import locate
from hlsmask.masks import CLEAR_WATER
from hlsmask.products.palette import COLOURS
from hlsmask.testing import tiny_granule


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_granule(tmp_path_factory.mktemp("granule"), (64, 56))


@pytest.fixture(scope="module")
def masks(folder):
    return hlsmask.predict(folder, model="spectral")


def test_it_is_the_picture_that_predict_writes(folder, masks, run, tmp_path):
    assert run("predict", folder, "--model", "spectral", "--out", tmp_path)[0] == 0
    with Image.open(tmp_path / folder.name / f"{folder.name}.png") as written:
        np.testing.assert_array_equal(np.asarray(hlsmask.quicklook(folder, masks)), np.asarray(written))


def test_whatever_can_be_masked_can_be_looked_at(folder, masks):
    as_file = np.asarray(hlsmask.quicklook(folder, masks))
    with locate(folder).open() as scene:
        raster = scene.read(hlsmask.Window(0, 0, 64, 56))
        np.testing.assert_array_equal(np.asarray(hlsmask.quicklook(scene, masks)), as_file)
        assert scene.read(hlsmask.Window(0, 0, 1, 1)).shape == (1, 1), "a scene that was given stays open"
    picture = np.asarray(hlsmask.quicklook(raster.data, masks))
    assert (picture != as_file).any(axis=-1).mean() < 0.05, "without a CRS there is no scale bar, and all else is there"


def test_a_scene_larger_than_a_block_is_whole():
    bands = np.full((6, 1100, 40), 0.1, np.float32)
    masks = hlsmask.predict(bands, model="spectral")
    masks.cloud[1030:] = 1
    picture = np.asarray(hlsmask.quicklook(bands, masks, longest=550))
    cloud = (np.abs(picture.astype(int) - COLOURS["cloud"]) < 40).all(axis=-1)
    assert cloud[:, 60:].sum() > 20 * 35 * 0.8, "what lies in the second block"


def test_pictures_are_as_small_as_was_asked(folder, masks):
    sizes = [hlsmask.quicklook(folder, masks, longest=longest).height for longest in (1024, 512, 64)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_masks_that_are_not_there_are_not_known(folder, masks):
    few = hlsmask.predict(folder, model="spectral", masks=["water"])
    assert few.attrs["source"] == masks.attrs["source"]
    assert (np.asarray(hlsmask.quicklook(folder, few)) != np.asarray(hlsmask.quicklook(folder, masks))).any()


def test_what_does_not_fit_is_refused(folder, masks):
    with pytest.raises(UsageError, match="water holds float32, as probabilities do"):
        hlsmask.quicklook(folder, hlsmask.predict(folder, model="spectral", probabilities=True))
    with pytest.raises(UsageError, match=r"the masks have 32 rows and 56 columns, .* has 64 and 56"):
        hlsmask.quicklook(folder, masks.isel(y=slice(32)))
    with pytest.raises(UsageError, match=f"holds no mask; it needs some of water, .*{CLEAR_WATER}"):
        hlsmask.quicklook(folder, masks[[]])
    with pytest.raises(SourceError, match="does not exist"):
        hlsmask.quicklook("nowhere.tif", masks)
