"""Whatever holds the six bands becomes the same scene."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from hlsmask import memory
from hlsmask.bands import BANDS, Band, Sensor
from hlsmask.errors import (
    GridError,
    MissingBandError,
    NotReflectanceError,
    SourceError,
    UnreadableError,
)
from hlsmask.granules import fmask
from hlsmask.granules.angles import sun_from_tags, sun_of
from hlsmask.granules.arrays import ArrayScene, from_xarray
from hlsmask.granules.elevation import Elevation
from hlsmask.granules.hls import Granule, is_layer
from hlsmask.granules.source import locate
from hlsmask.hrefs import public_href
from hlsmask.testing import tiny_granule, write_bands
from hlsmask.windows import Window

granules = st.builds(
    Granule,
    st.sampled_from(list(Sensor)),
    st.from_regex(r"[0-6][0-9][A-Z]{3}", fullmatch=True),
    st.datetimes(datetime(2013, 4, 11), datetime(2040, 1, 1)).map(lambda t: t.replace(microsecond=0, tzinfo=UTC)),  # noqa: DTZ001
)


@given(granules)
def test_names_survive_parsing(granule):
    assert Granule.parse(str(granule)) == granule
    assert is_layer(f"folder/{granule}.Fmask.tif")
    assert not is_layer(f"{granule}.txt")


@pytest.mark.parametrize("name", ["", "HLS.S30.T13TDE.2024400T000000.v2.0", "HLS.X30.T13TDE.2024190T174911.v2.0"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(SourceError, match="HLS"):
        Granule.parse(name)


def whole(scene):
    raster = scene.read(Window.of(tuple(scene.geobox.shape)))
    scene.close()
    return raster


@pytest.mark.parametrize("sensor", list(Sensor))
def test_a_granule_is_the_same_from_folder_file_item_and_url(tmp_path, sensor):
    folder = tiny_granule(tmp_path, sensor=sensor)
    granule = Granule.from_folder(folder)
    assert granule.id == folder.name
    item = tmp_path / "item.json"
    assets = {layer: {"href": f"{folder.name}/{Path(href).name}"} for layer, href in granule.hrefs.items()}
    item.write_text(json.dumps({"type": "Feature", "id": granule.id, "assets": assets}))
    wanted = whole(locate(folder).open())
    for source in (granule, granule.hrefs["Fmask"], granule.hrefs[sensor.layers[Band.NIR]], item):
        located = locate(source)
        assert located.id == granule.id
        scene = located.open()
        assert scene.origin.time == granule.time
        assert scene.origin.sensor is sensor
        assert scene.origin.sun is not None
        raster = whole(scene)
        np.testing.assert_array_equal(raster.data, wanted.data)
        assert raster.geobox == wanted.geobox
    with rasterio.open(granule.hrefs[sensor.layers[Band.SWIR1]]) as file:
        stored = file.read(1)
        assert wanted.geobox.crs.to_epsg() == file.crs.to_epsg()
        assert wanted.geobox.transform == file.transform
    seen = wanted.valid
    np.testing.assert_array_equal(np.rint(wanted.data[4] * 10_000)[seen], stored[seen])
    assert 0 < seen.mean() < 1
    assert (stored[~seen] == -9999).all()
    assert np.isnan(wanted.data[:, ~seen]).all()


def test_a_url_names_the_other_layers_of_its_granule():
    url = "https://example.com/a/HLS.L30.T06WVS.2024120T211159.v2.0.B04.tif?sig=secret"
    granule = Granule.from_file(url)
    assert granule.hrefs["B07"] == "https://example.com/a/HLS.L30.T06WVS.2024120T211159.v2.0.B07.tif?sig=secret"
    assert set(granule.sensor.layers.values()) < set(granule.hrefs)


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("https://user:word@host/a.tif?sig=secret#x", "https://host/a.tif"),
        ("s3://bucket/key.tif", "s3://bucket/key.tif"),
        ("/vsicurl/https://host/a.tif?token=1", "/vsicurl/https://host/a.tif"),
        ("folder/a?b.tif", "folder/a?b.tif"),
    ],
)
def test_urls_are_shown_without_their_secrets(href, shown):
    assert public_href(href) == shown


def test_several_granules_in_a_folder_are_not_guessed_at(tmp_path):
    for seed in (0, 1):
        folder = tiny_granule(tmp_path, seed=seed)
        for file in folder.iterdir():
            shutil.copy(file, tmp_path / file.name)
    with pytest.raises(SourceError, match="holds 2 granules"):
        Granule.from_folder(tmp_path)


def test_missing_bands_are_all_named(tmp_path):
    folder = tiny_granule(tmp_path)
    for layer in ("B8A", "B12"):
        next(folder.glob(f"*.{layer}.tif")).unlink()
    with pytest.raises(MissingBandError, match=r"B8A \(nir\), B12 \(swir2\)"):
        locate(folder).open()


def test_bands_on_other_grids_are_refused(tmp_path):
    folder = tiny_granule(tmp_path)
    path = next(folder.glob("*.B11.tif"))
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.transform = file.transform * Affine.translation(1, 0)
    with pytest.raises(GridError, match=r"B11\.tif is not on the grid .* transform differs"):
        locate(folder).open()


def test_six_bands_are_found_by_description_in_any_order_and_by_place(tmp_path):
    data = (np.random.default_rng(0).random((6, 20, 30)) * 3000 + 100).astype("int16")
    described = write_bands(tmp_path / "a.tif", data[::-1], names=[str(band) for band in BANDS[::-1]])
    plain = write_bands(tmp_path / "b.tif", data, names=None)
    np.testing.assert_array_equal(whole(locate(described).open()).data, whole(locate(plain).open()).data)
    few = write_bands(tmp_path / "c.tif", data[:4], names=None)
    with pytest.raises(MissingBandError, match="it has 4 band"):
        locate(few).open()


@pytest.mark.parametrize(
    "names",
    [
        [layer.lower() for layer in Sensor.S30.layers.values()],
        list(Sensor.L30.layers.values()),
        ["Blue", "Green", "Red", "NIR08", "SWIR16", "SWIR22"],
    ],
)
def test_bands_are_found_by_hls_and_stac_names(tmp_path, names):
    data = (np.random.default_rng(0).random((6, 9, 9)) * 3000 + 100).astype("int16")
    shuffled = [3, 0, 5, 1, 4, 2]
    path = write_bands(tmp_path / "a.tif", data[shuffled], names=[names[at] for at in shuffled])
    np.testing.assert_array_equal(np.rint(whole(locate(path).open()).data * 10_000), data)


def test_an_item_of_another_sensor(tmp_path):
    """Assets as Earth Search and Planetary Computer call them, and one asset with several bands."""
    data = (np.random.default_rng(0).random((6, 9, 9)) * 3000 + 100).astype("int16")
    for at, name in enumerate(("a", "b", "c")):
        write_bands(tmp_path / f"{name}.tif", data[[at]], names=None)
    write_bands(tmp_path / "rest.tif", data[[5, 3, 4]], names=None)
    assets = {
        "blue": {"href": "a.tif"},
        "B03": {"href": "b.tif", "eo:bands": [{"name": "B3", "common_name": "green"}]},
        "red": {"href": "c.tif"},
        "infrared": {"href": "rest.tif", "bands": [{"eo:common_name": name} for name in ("swir22", "nir08", "swir16")]},
    }
    item = {"type": "Feature", "id": "S2_x", "assets": assets, "properties": {"datetime": "2024-05-06T07:08:09Z"}}
    (tmp_path / "item.json").write_text(json.dumps(item))
    located = locate(tmp_path / "item.json")
    assert located.id == "S2_x"
    scene = located.open()
    assert scene.origin.time == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    np.testing.assert_array_equal(np.rint(whole(scene).data * 10_000), data)


def scene_of(data, **options):
    return ArrayScene(data, **options)


def test_scales():
    stored = np.full((6, 4, 4), 1200, "int16")
    assert whole(scene_of(stored)).data.max() == pytest.approx(0.12)
    assert whole(scene_of(stored, scale=0.0002)).data.max() == pytest.approx(0.24)
    assert whole(scene_of(np.full((6, 4, 4), 0.12, "float64"))).data.max() == pytest.approx(0.12)
    assert whole(scene_of(np.full((6, 4, 4), 30, "uint8"), scale=1 / 255)).data.max() == pytest.approx(30 / 255)


def test_the_files_own_scale_counts(tmp_path):
    data = np.full((6, 8, 8), 12_000, "uint16")
    path = write_bands(tmp_path / "landsat.tif", data, names=None, nodata=None)
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.scales, file.offsets = (2.75e-5,) * 6, (-0.2,) * 6
    assert whole(locate(path).open()).data.max() == pytest.approx(12_000 * 2.75e-5 - 0.2, abs=1e-6)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.full((6, 4, 4), 1200.0), "median is 1200"),
        (np.full((6, 4, 4), 120, "uint8"), "too few"),
        (np.full((6, 4, 4), 1j), "complex"),
        (np.full((6, 4, 4), 3, "int16"), "darker than deep water"),
        (np.full((6, 4, 4), -1500, "int16"), "below zero"),
        (np.ones((6, 4, 4), bool), "bool"),
    ],
)
def test_what_is_no_reflectance_is_refused(data, said):
    with pytest.raises(NotReflectanceError, match=said):
        scene_of(data)


@pytest.mark.parametrize("shape", [(5, 4, 4), (4, 4), (6, 4), (7, 4, 4)])
def test_arrays_of_other_shapes_are_refused(shape):
    with pytest.raises((MissingBandError, GridError)):
        scene_of(np.full(shape, 0.1))


def test_holes_are_not_observed():
    data = np.full((6, 1, 9), 0.1)
    data[2, 0, 1], data[3, 0, 2], data[0, 0, 3], data[5, 0, 4] = np.nan, np.inf, -np.inf, -9999
    data[:, 0, 5] = 0
    data[:5, 0, 6] = 0
    data[1, 0, 7], data[1, 0, 8] = -0.21, -0.19
    assert whole(scene_of(data)).valid[0].tolist() == [True, False, False, False, False, False, True, False, True]


def test_xarray_is_read_by_name_by_long_name_and_in_order():
    data = np.random.default_rng(0).random((6, 12, 9), np.float32)
    geobox = GeoBox((12, 9), Affine(30, 0, 5e5, 0, -30, 4e6), "EPSG:32613")
    coords = xr_coords(geobox)
    array = xr.DataArray(data, dims=("band", "y", "x"), coords=coords)
    named = array.isel(band=slice(None, None, -1)).assign_coords(band=[str(band) for band in BANDS[::-1]])
    long = array.isel(band=slice(None, None, -1)).assign_attrs(long_name=tuple(band.upper() for band in BANDS[::-1]))
    dataset = xr.Dataset({str(band): array.isel(band=at) for at, band in enumerate(BANDS)}).assign_coords(coords)
    later = array.expand_dims(time=[np.datetime64("2024-07-08T17:49:11", "ns")])
    for thing in (array, named, long, dataset, later):
        scene = from_xarray(thing)
        assert scene.geobox == geobox
        np.testing.assert_array_equal(whole(scene).data, data)
    assert from_xarray(later).origin.time == datetime(2024, 7, 8, 17, 49, 11, tzinfo=UTC)
    layers = dataset.rename({str(band): layer for band, layer in Sensor.S30.layers.items()}).assign(
        B05=array[0], B08=array[1]
    )
    np.testing.assert_array_equal(whole(from_xarray(layers)).data, data)
    common = dataset.rename(nir="nir08", swir1="swir16", swir2="swir22")
    np.testing.assert_array_equal(whole(from_xarray(common)).data, data)
    with pytest.raises(MissingBandError, match="lacks nir"):
        from_xarray(dataset.drop_vars("nir"))
    with pytest.raises(MissingBandError, match="5 unnamed bands"):
        from_xarray(array.isel(band=slice(5)))


def test_sun_from_layers_and_from_tags(tmp_path):
    granule = Granule.from_folder(tiny_granule(tmp_path))
    exact = sun_of(granule)
    told = sun_of(Granule(granule.sensor, granule.tile, granule.time, hrefs={"B02": granule.hrefs["B02"]}))
    assert exact.azimuth == pytest.approx(told.azimuth, abs=1)
    assert exact.zenith == pytest.approx(told.zenith, abs=1)
    two = sun_from_tags({"MEAN_SUN_AZIMUTH_ANGLE": "359, 1", "MEAN_SUN_ZENITH_ANGLE": "30, 32"})
    assert min(two.azimuth, 360 - two.azimuth) == pytest.approx(0, abs=1e-6)
    assert two.zenith == pytest.approx(31)
    assert sun_from_tags({}) is None
    assert sun_from_tags({"MEAN_SUN_AZIMUTH_ANGLE": "x", "MEAN_SUN_ZENITH_ANGLE": "1"}) is None


def test_fmask_fill_is_tested_before_its_bits():
    byte = np.array([[0, 2, 8, 16, 32, 34, 224, 255]], np.uint8)
    masks = fmask.decode(byte)
    assert masks[:4, 0].T.tolist() == [
        [0, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 0, 0, 0],
        [255, 255, 255, 255],
    ]
    assert (masks[4] == 255).all()


def test_real_fmask_decodes_to_shares_that_its_tags_tell(shared):
    path = next(shared.glob("HLS.L30.*.Fmask.tif"))
    with rasterio.open(path) as file:
        masks, told = fmask.decode(file.read(1)), int(file.tags()["cloud_coverage"])
    seen = masks[1] != 255
    assert 100 * (masks[1:3] == 1).any(axis=0)[seen].mean() == pytest.approx(told, abs=1)


def test_elevation_is_warped_the_same_however_it_is_cut(tmp_path):
    rng = np.random.default_rng(0)
    heights = rng.normal(500, 100, (80, 90)).astype("float32")
    path = tmp_path / "dem.tif"
    lonlat = Affine(0.0004, 0, -105.02, 0, -0.0004, 36.15)
    with rasterio.open(path, "w", "GTiff", 90, 80, 1, "EPSG:4326", lonlat, "float32", nodata=-32768) as file:
        file.write(heights, 1)
    geobox = GeoBox((60, 70), Affine(30, 0, 498_600, 0, -30, 4_000_200), "EPSG:32613")
    dem = Elevation(str(path), geobox)
    all_of_it = dem.read(Window(0, 0, 60, 70))
    assert np.isfinite(all_of_it).any()
    for window in (Window(3, 5, 20, 31), Window(30, 0, 30, 70), Window(59, 69, 1, 1)):
        np.testing.assert_array_equal(dem.read(window), all_of_it[window.slices])
    dem.close()
    same = Elevation(str(path), GeoBox((80, 90), lonlat, "EPSG:4326"))
    np.testing.assert_array_equal(same.read(Window(0, 0, 80, 90)), heights)
    same.close()
    with pytest.raises(GridError, match="the scene has no CRS"):
        Elevation(str(path), GeoBox((60, 70), Affine.identity(), None))


def test_blocks_that_windows_share_are_decoded_once(tmp_path):
    profile = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    pixels = np.random.default_rng(0).integers(0, 5000, (6, 512, 512)).astype(np.int16)
    with rasterio.open(
        tmp_path / "six.tif",
        "w",
        "GTiff",
        512,
        512,
        6,
        "EPSG:32613",
        Affine(30, 0, 5e5, 0, -30, 4e6),
        "int16",
        **profile,
    ) as file:
        file.write(pixels)
    with locate(tmp_path / "six.tif").open() as scene:
        scene.read(Window(0, 0, 400, 400))
        with (tmp_path / "six.tif").open("r+b") as file:  # what is read from now on is broken
            size = file.seek(0, 2)
            file.seek(4096)
            file.write(bytes(size - 4096))
        again = scene.read(Window(100, 100, 400, 400)).data
    np.testing.assert_allclose(again, pixels[:, 100:500, 100:500] * np.float32(1e-4), rtol=1e-6)


@pytest.mark.parametrize(("before", "after"), [(None, str(memory.GDAL_CACHE)), ("512", "512")])
def test_what_gdal_keeps_is_bounded_unless_the_environment_says_how(monkeypatch, before, after):
    monkeypatch.setenv("GDAL_CACHEMAX", before or "")
    if before is None:
        monkeypatch.delenv("GDAL_CACHEMAX")
    memory.bound()
    assert os.environ["GDAL_CACHEMAX"] == after


def test_what_does_not_exist_is_said(tmp_path):
    with pytest.raises(UnreadableError, match="does not exist"):
        locate(tmp_path / "nothing.tif")
    with pytest.raises(SourceError, match="holds no layer"):
        locate(tmp_path)
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(SourceError, match="no STAC Item"):
        locate(tmp_path / "x.json")
