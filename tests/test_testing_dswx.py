"""Simulated DSWx-HLS products, held against a second writing of the steps that make them."""

from datetime import timedelta

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rio_cogeo import cog_validate

from hlsmask.errors import UsageError
from hlsmask.granules.dswx import LAYERS, find_products
from hlsmask.granules.dswx_codes import check_codes
from hlsmask.testing import relief_parts, simulate_granule, simulate_product, write_product
from hlsmask.testing.dswx import product_layers
from test_spectral_water import PUBLISHED, reference

# The steps, pixel by pixel, as PROTEUS 1.0.2 has them

TABLE = {code: value for value, codes in PUBLISHED.items() for code in codes.split()}
HIGH_AEROSOL = {0: {224, 160, 96}, 2: {224, 160, 96}, 3: {224, 192, 160, 128, 96}, 4: {224, 192, 160, 128, 96}}


def made(pixel, fmask, shad, land):
    """Return all layers of one pixel but DEM, by name."""
    layers = {"SHAD": shad, "LAND": land}
    if fmask == 255 or -9999 in pixel:
        return layers | dict.fromkeys(["WTR", "BWTR", "CONF", "WTR-1", "WTR-2", "CLOUD"], 255) | {"DIAG": 65535}
    bits = f"{int(reference(np.array(pixel))):05b}"
    nir, kind = pixel[3], TABLE[bits]
    collapsed = {0: 0, 1: 1, 2: 1, 3: 2, 4: 2}
    layers |= {"DIAG": int(bits), "WTR-1": collapsed[kind]}
    cloud = 0
    if nir <= 1000 and fmask in HIGH_AEROSOL.get(kind, ()):
        kind, cloud = 1, 8
    if shad == 0 and land != 200:
        kind = 0
    if (land == 201 or land < 100) and nir > 1200 and kind in (3, 4):
        kind = 0
    if 100 <= land < 200:
        kind = 0
    cloud += (1 if fmask & 0b1100 else 0) + (4 if fmask & 0b10 else 0) + (2 if fmask & 0b10000 else 0)
    wtr = collapsed[kind]
    if cloud in (2, 10):
        wtr = 252
    elif cloud not in (0, 8):
        wtr = 253
    conf = kind + 20 if cloud == 2 else kind + 10 if cloud & 0b101 else kind
    return layers | {
        "WTR-2": collapsed[kind], "CLOUD": cloud, "CONF": conf, "WTR": wtr, "BWTR": 1 if wtr == 2 else wtr,
    }  # fmt: skip


dim = st.integers(-300, 2600) | st.integers(-2000, 16_000) | st.just(-9999) | st.sampled_from([1000, 1001, 1200, 1201])
skies = st.integers(0, 255) | st.sampled_from([96, 128, 160, 192, 224, 255])
lands = st.sampled_from([0, 21, 99, 100, 121, 199, 200, 201, 255])


@given(
    arrays(np.int16, (6, 3, 6), elements=dim, fill=st.nothing()),
    arrays(np.uint8, (3, 6), elements=skies),
    arrays(np.uint8, (3, 6), elements=st.integers(0, 1)),
    arrays(np.uint8, (3, 6), elements=lands),
)
def test_all_layers_are_what_dswx_makes_of_any_numbers(bands, fmask, shad, land):
    layers = product_layers(bands, fmask, shad, land)
    for at in np.ndindex(3, 6):
        expected = made([int(band[at]) for band in bands], int(fmask[at]), int(shad[at]), int(land[at]))
        assert {name: int(layer[at]) for name, layer in layers.items()} == expected


def test_all_layers_are_what_dswx_makes_of_dark_ground():
    rng = np.random.default_rng(0)
    shape = (60, 60)
    stored = rng.integers(1, 1500, (6, *shape)) * rng.uniform(0.1, 2, shape)
    stored[3] = np.where(rng.random(shape) < 0.3, rng.choice([1000, 1001, 1200, 1201], shape), stored[3])
    fmask = rng.choice([0, 16, 64, 96, 128, 160, 192, 224, 255], shape).astype(np.uint8)
    shad = (rng.random(shape) < 0.8).astype(np.uint8)
    land = rng.choice([21, 99, 100, 200, 201, 255, 255], shape).astype(np.uint8)
    layers = product_layers(stored.astype(np.int16), fmask, shad, land)
    for at in np.ndindex(shape):
        pixel = [int(band[at]) for band in stored]
        expected = made(pixel, int(fmask[at]), int(shad[at]), int(land[at]))
        assert {name: int(layer[at]) for name, layer in layers.items()} == expected
    assert {0, 1, 2, 3, 4, 20, 22, 255} <= set(np.unique(layers["CONF"]))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_simulated_product_is_what_dswx_makes_of_its_granule(seed):
    granule = simulate_granule(128, seed)
    layers = simulate_product(granule)
    assert tuple(layers) == LAYERS
    np.testing.assert_array_equal(layers["SHAD"] == 0, relief_parts(granule.elevation, granule.sun).shad)
    np.testing.assert_array_equal(layers["DEM"], granule.elevation)
    for at in list(np.ndindex(128, 128))[::11]:
        pixel = [int(band[at]) for band in granule.bands]
        expected = made(pixel, int(granule.fmask[at]), int(layers["SHAD"][at]), int(layers["LAND"][at]))
        assert {name: int(layers[name][at]) for name in expected} == expected
    for name, layer in layers.items():
        if name != "DEM":
            check_codes(name, layer)
    assert {0, 1, 2, 252, 253, 255} == set(np.unique(layers["WTR"]))
    assert {21, 200, 201, 255} <= set(np.unique(layers["LAND"]))


# Files


@pytest.fixture(scope="module")
def granule():
    return simulate_granule((96, 120), 5)


@pytest.fixture(scope="module")
def written(granule, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dswx")
    return folder, write_product(granule, folder)


def test_files_hold_what_was_simulated(granule, written):
    layers = simulate_product(granule)
    kinds = dict.fromkeys(LAYERS, "uint8") | {"DIAG": "uint16", "DEM": "float32"}
    for number, name in enumerate(LAYERS, 1):
        path = written[1] / f"{written[1].name}_B{number:02}_{name}.tif"
        assert cog_validate(path, quiet=True, strict=True)[0]
        with rasterio.open(path) as source:
            np.testing.assert_array_equal(source.read(1), layers[name])
            assert source.dtypes[0] == kinds[name]
            assert (source.crs.to_epsg(), source.transform) == (32613, granule.geobox.affine)
            assert str(source.nodata) == {"DIAG": "65535.0", "SHAD": "None", "DEM": "nan"}.get(name, "255.0")
            assert source.tags()["HLS_DATASET"] == granule.id
    assert len(list(written[1].iterdir())) == len(LAYERS)


def test_names_follow_what_is_asked_for(granule, tmp_path):
    later = granule.time + timedelta(days=400)
    folder = write_product(granule, tmp_path, version="1.1", platform="S2C", produced=later, nested=False)
    (product,) = find_products(tmp_path)
    assert folder == tmp_path
    assert (product.version, product.platform, product.produced) == ("1.1", "S2C", later)
    assert (product.tile, product.time, product.sensor) == ("13TDE", granule.time, granule.sensor)
    with pytest.raises(UsageError, match="S2A, S2B, S2C"):
        write_product(granule, tmp_path, platform="L8")
