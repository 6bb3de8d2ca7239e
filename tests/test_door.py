"""`hlsmask.predict`: one Dataset for whatever holds the six bands, that rioxarray and odc-geo understand."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr

import hlsmask
from hlsmask import weights
from hlsmask.errors import EmptySceneError, ModelError, SourceError, UsageError
from hlsmask.granules.source import locate
from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.testing import tiny_granule, write_mosaic

physics = partial(hlsmask.predict, model="spectral")  # exact, so that any difference is one


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_granule(tmp_path_factory.mktemp("granule"), (64, 56))


@pytest.fixture(scope="module")
def masks(folder):
    return physics(folder)


def test_it_holds_a_variable_a_mask_on_the_scenes_grid(folder, masks, tmp_path):
    assert list(masks) == [*Mask, CLEAR_WATER]
    assert all(masks[name].dtype == np.uint8 and masks[name].dims == ("y", "x") for name in masks)
    assert set(np.unique(masks.water)) == {0, 1, 255}
    assert (masks.terrain_shadow == 255).all()
    assert "--dem" in masks.attrs["unknown_terrain_shadow"]
    with rasterio.open(next(folder.glob("*.B02.tif"))) as file:
        assert masks.rio.crs == file.crs
        assert masks.rio.transform() == file.transform
        assert masks.odc.geobox.transform == file.transform
        assert masks.odc.geobox.crs.to_epsg() == file.crs.to_epsg()
        assert masks.water.rio.nodata == 255
        masks.water.rio.to_raster(tmp_path / "water.tif")
        with rasterio.open(tmp_path / "water.tif") as written:
            assert (written.transform, written.crs, written.nodata) == (file.transform, file.crs, 255)
            np.testing.assert_array_equal(written.read(1), masks.water.values)


def test_path_granule_scene_numpy_and_xarray_give_the_same(folder, masks):
    granule = hlsmask.Granule.from_folder(folder)
    layers = [str(granule.hrefs[layer]) for layer in granule.sensor.layers.values()]
    planes = [rioxarray.open_rasterio(layer).squeeze("band", drop=True) for layer in layers]
    stack = xr.concat(planes, xr.Variable("band", [str(band) for band in granule.sensor.layers]))
    bands = np.stack([plane.values for plane in planes])
    for source in (str(folder), layers[3], granule, stack, stack[::-1]):
        other = physics(source)
        np.testing.assert_array_equal(other.cloud.values, masks.cloud.values)
        assert other.odc.geobox == masks.odc.geobox
    for plain in (bands, (bands * 0.0001).astype("float32"), np.where(bands == -9999, np.nan, bands * 0.0001)):
        other = physics(plain)
        np.testing.assert_array_equal(other.water.values, masks.water.values)
        assert other.odc.geobox.crs is None
    scene = locate(folder).open()
    np.testing.assert_array_equal(physics(scene).snow_ice.values, masks.snow_ice.values)


def test_probabilities_thresholds_and_chosen_masks(folder, masks):
    chances = physics(folder, probabilities=True, masks=["cloud", "water_mask"])
    assert list(chances) == ["water", "cloud"]
    assert chances.cloud.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(chances.cloud.values), masks.cloud.values == 255)
    np.testing.assert_array_equal(chances.cloud.values > 0.5, masks.cloud.values == 1)
    strict = physics(folder, threshold={"cloud": 0.9, "water": 0.9}, masks=("cloud", "water"))
    assert list(strict) == ["water", "cloud", CLEAR_WATER]
    np.testing.assert_array_equal(strict.cloud.values == 1, chances.cloud.values > 0.9)
    assert strict.attrs["threshold_cloud"] == 0.9


def test_terrain_shadow_with_a_dem(folder, masks):
    with_dem = physics(folder, dem=folder / f"{folder.name}.dem.tif")
    observed = masks.water.values != 255
    assert np.isin(with_dem.terrain_shadow.values[observed], [0, 1]).all()
    assert "unknown_terrain_shadow" not in with_dem.attrs
    np.testing.assert_array_equal(with_dem.water.values, masks.water.values)


def test_by_default_the_network_masks_and_terrain_shadow_needs_no_dem(folder):
    given = hlsmask.predict(folder)
    assert (given.attrs["model"], given.attrs["engine"].split()[0]) == (weights.DEFAULT, "onnxruntime")
    assert not [name for name in given.attrs if name.startswith("unknown_")]
    seen = given.water.values != 255
    assert all(np.isin(given[mask].values[seen], [0, 1]).all() for mask in Mask)
    named = hlsmask.predict(folder, model=weights.DEFAULT)
    np.testing.assert_array_equal(given.to_array(), named.to_array())
    for wrong, says in (({"dem": folder / f"{folder.name}.dem.tif"}, "--dem"), ({"partial_water": True}, "--partial-")):
        with pytest.raises(UsageError, match=f"{says}.* use --model spectral"):
            hlsmask.predict(folder, **wrong)


def test_what_cannot_be_masked_is_refused():
    with pytest.raises(UsageError, match="knows no option treshold"):
        hlsmask.predict(np.full((6, 8, 8), 0.1), treshold=0.3)
    with pytest.raises(UsageError, match="cannot mask a list"):
        hlsmask.predict([1, 2, 3])
    with pytest.raises(ModelError, match="no model 'best'"):
        hlsmask.predict(np.full((6, 8, 8), 0.1), model="best")
    with pytest.raises(EmptySceneError, match="no pixel"):
        hlsmask.predict(np.full((6, 8, 8), np.nan))
    with pytest.raises(SourceError, match="does not exist"):
        hlsmask.predict("nowhere.tif")
    with pytest.raises(TypeError):
        hlsmask.predict()


def test_importing_loads_nothing_heavy():
    code = "import sys, hlsmask; sys.exit(','.join(m for m in ('torch', 'rasterio', 'numpy') if m in sys.modules) or 0)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_vrt_of_a_granule_is_masked_as_the_granule(folder, masks, tmp_path):
    granule = hlsmask.Granule.from_folder(folder)
    files = [granule.hrefs[layer] for layer in granule.sensor.layers.values()]
    other = physics(write_mosaic(files, (128, 56), tmp_path / "twice.vrt"))
    for half in (slice(0, 64), slice(64, 128)):
        np.testing.assert_array_equal(other.water.values[half], masks.water.values)


def test_the_front_door_fits_one_screen():
    for name in hlsmask.__all__:
        assert getattr(hlsmask, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = hlsmask.nothing
