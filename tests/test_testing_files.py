from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate

from hlsmask.bands import BANDS, Sensor
from hlsmask.errors import OutputError
from hlsmask.masks import Mask
from hlsmask.testing import simulate_granule, tiny_granule, write_bands, write_granule

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"
SAMPLES = {Sensor.S30: "HLS.S30.T13RCN.2024128T173909.v2.0", Sensor.L30: "HLS.L30.T06WVS.2024120T211159.v2.0"}


@pytest.fixture(scope="module", params=list(Sensor))
def written(request, tmp_path_factory):
    granule = simulate_granule((300, 330), 2, sensor=request.param)
    return granule, write_granule(granule, tmp_path_factory.mktemp("granule"))


def layer(written, name):
    return rasterio.open(written[1] / f"{written[0].id}.{name}.tif")


def test_names_are_those_of_a_granule(written):
    granule, folder = written
    layers = [*granule.sensor.layers.values(), "Fmask", "SZA", "SAA", "truth", "dem"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{granule.id}.{name}.tif" for name in layers)
    assert folder.name == granule.id


def test_what_is_read_is_what_was_simulated(written):
    granule = written[0]
    for data, name in zip(granule.bands, granule.sensor.layers.values(), strict=True):
        with layer(written, name) as source:
            np.testing.assert_array_equal(source.read(1), data)
            assert (source.dtypes[0], source.nodata, source.scales[0]) == ("int16", -9999, 0.0001)
            np.testing.assert_array_equal(source.read_masks(1) > 0, granule.observed)
            assert source.crs.to_epsg() == 32613
            assert source.transform == granule.geobox.affine
    for data, name, kind, nodata in (
        (granule.fmask, "Fmask", "uint8", 255),
        (granule.zenith, "SZA", "uint16", 40000),
        (granule.azimuth, "SAA", "uint16", 40000),
        (granule.elevation, "dem", "float32", None),
    ):
        with layer(written, name) as source:
            np.testing.assert_array_equal(source.read(1), data)
            assert source.dtypes[0] == kind
            assert nodata is None or source.nodata == nodata
    with layer(written, "truth") as source:
        np.testing.assert_array_equal(source.read(), granule.truth)
        assert source.descriptions == tuple(Mask)
        assert source.nodata == 255


def test_files_are_cogs(written):
    for path in written[1].iterdir():
        valid, errors, _ = cog_validate(path)
        assert valid, (path.name, errors)


def test_layout_and_tags_are_those_of_a_real_file(written):
    sensor = written[0].sensor
    path = REAL / f"{SAMPLES[sensor]}.Fmask.tif"
    if not path.exists():
        pytest.skip("the real HLS Fmask layers in ../shared/data are not here")
    with rasterio.open(path) as real, layer(written, "Fmask") as ours:
        for key in (
            "driver",
            "dtype",
            "nodata",
            "count",
            "blockxsize",
            "blockysize",
            "tiled",
            "compress",
            "interleave",
        ):
            assert ours.profile[key] == real.profile[key], key
        assert ours.overviews(1) == real.overviews(1)
        assert (ours.transform.a, ours.transform.e) == (real.transform.a, real.transform.e)
        image = "IMAGE_STRUCTURE"
        assert ours.tags(ns=image)["PREDICTOR"] == real.tags(ns=image)["PREDICTOR"]
        assert (ours.scales, ours.offsets, ours.descriptions) == (real.scales, real.offsets, real.descriptions)
        mine, theirs = ours.tags(), real.tags()
        # of the tags of the real file, these tell of its own processing
        private = ("arop", "MSI band", "L1", "LANDSAT", "TIRS", "USGS", "DATASTRIP", "PROCESSING_BASELINE", "HLS_PROC")
        wanted = {key for key in theirs if not key.startswith(private)}
        assert wanted <= set(mine), wanted - set(mine)
        note = next(key for key in theirs if key.startswith("Fmask"))
        assert mine[note] == theirs[note]
        for key in ("SPATIAL_RESOLUTION", "_FillValue", "OVR_RESAMPLING_ALG", "AREA_OR_POINT"):
            assert mine[key] == theirs[key]


def test_fmask_bytes_are_of_the_kinds_of_the_real_files():
    if not REAL.exists():
        pytest.skip("the real HLS Fmask layers in ../shared/data are not here")
    known = set()
    for name in SAMPLES.values():
        with rasterio.open(REAL / f"{name}.Fmask.tif") as source:
            known |= set(np.unique(source.read(1) & 0b111111))
    ours = set()
    for seed in range(2):
        granule = simulate_granule(256, seed)
        ours |= set(np.unique(granule.fmask[granule.observed] & 0b111111))
    assert ours <= known, f"bytes that no real file has: {sorted(ours - known)}"


def test_reflectance_lies_where_real_chips_have_it():
    if not (REAL / "hls_chips.tif").exists():
        pytest.skip("the real HLS chips in ../shared/data are not here")
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(REAL / "hls_chips.tif") as source:
        chips = source.read(window=((0, 128 * 112), (0, 128)))[:, ::2, ::2]
    clear = ((chips[6] & 0b1110) == 0) & (chips[:6] > -9999).all(0)
    real = {name: chips[:6, clear & (chips[6] >> 5 & 1 == wet)] for name, wet in (("land", 0), ("water", 1))}
    granules = [simulate_granule(256, seed, clouds=0, fill=False) for seed in range(3)]
    for name, wet in (("land", 0), ("water", 1)):
        pick = [g.bands[:, (g.truth[0] == wet) & (g.truth[3] == 0) & (g.truth[4] == 0)] for g in granules]
        ours = np.concatenate(pick, axis=1)
        low, high = np.percentile(real[name], [0.5, 99.5], axis=1)
        inside = ((ours > low[:, None] - 60) & (ours < high[:, None] + 60)).mean(1)
        assert (inside > 0.9).all(), (name, inside)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        write_granule(simulate_granule(16), tmp_path / "file")


def test_tiny_granules_have_all_layers_and_what_is_asked(tmp_path):
    folder = tiny_granule(tmp_path, (40, 56), sensor=Sensor.L30, seed=3, crs="EPSG:32733", tags={"SENSOR": "mine"})
    other = tiny_granule(tmp_path, sensor=Sensor.L30, seed=4)
    named = tiny_granule(tmp_path, granule_id="HLS.S30.T56PPQ.2024005T001421.v2.0")
    assert named.name == "HLS.S30.T56PPQ.2024005T001421.v2.0"
    assert folder != other
    with rasterio.open(folder / f"{folder.name}.B05.tif") as source:
        assert (source.shape, source.crs.to_epsg(), source.tags()["SENSOR"]) == ((40, 56), 32733, "mine")
        assert (source.read(1) == -9999).any()
    with rasterio.open(folder / f"{folder.name}.truth.tif") as source:
        truth = source.read()
        assert ((truth == 1).any((1, 2))).all()


def test_write_bands_writes_what_it_is_given(tmp_path):
    data = np.arange(6 * 20 * 30, dtype=np.int16).reshape(6, 20, 30)
    with rasterio.open(write_bands(tmp_path / "a.tif", data, scale=0.0001, tags={"A": "b"})) as source:
        np.testing.assert_array_equal(source.read(), data)
        assert source.descriptions == tuple(BANDS)
        assert (source.nodata, source.scales[5], source.tags()["A"]) == (-9999, 0.0001, "b")
    bare = write_bands(tmp_path / "b.tif", data.astype(np.float32), names=None, nodata=None, spacing=10)
    with rasterio.open(bare) as source:
        assert (source.descriptions, source.nodata, source.transform.a) == ((None,) * 6, None, 10)
