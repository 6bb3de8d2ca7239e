"""DSWx-HLS products: their names, where they lie, and what their codes mean."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from hlsmask.bands import Sensor
from hlsmask.errors import MissingBandError, SourceError, UnreadableError
from hlsmask.granules.dswx import LAYERS, PLATFORMS, Product, find_products
from hlsmask.granules.dswx_codes import VALUES, check_codes, diag_code, diag_digits
from hlsmask.granules.hls import Granule, find_granules
from hlsmask.inference.spectral import relief
from hlsmask.samples.labels import spectral
from hlsmask.testing import simulate_granule, tiny_granule, write_product

REAL = "OPERA_L3_DSWx-HLS_T12SVG_20230411T180222Z_20230414T030945Z_L8_30_v1.0"

times = st.datetimes(datetime(2016, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - hypothesis wants naive bounds
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)
products = st.builds(
    Product,
    st.from_regex(r"[0-6][0-9][A-Z]{3}", fullmatch=True),
    times,
    times,
    st.sampled_from(list(PLATFORMS)),
    st.sampled_from(["1.0", "1.1", "2.10"]),
)


# Names


@given(products)
def test_a_name_and_a_product_say_the_same(product):
    assert Product.parse(product.id) == product
    assert Product.parse(f"/archive/{product.id}/{product.id}_B01_WTR.tif") == product


def test_a_real_name_is_read():
    product = Product.parse(f"{REAL}_B01_WTR.tif")
    assert (product.tile, product.platform, product.sensor, product.version) == ("12SVG", "L8", Sensor.L30, "1.0")
    assert product.time == datetime(2023, 4, 11, 18, 2, 22, tzinfo=UTC)
    assert product.produced == datetime(2023, 4, 14, 3, 9, 45, tzinfo=UTC)
    assert product.id == REAL
    assert Product.parse(REAL.replace("v1.0", "v1.1")).version == "1.1"
    assert {Product.parse(REAL.replace("_L8_", f"_{name}_")).sensor for name in ("S2A", "S2B", "S2C")} == {Sensor.S30}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dswx_hls_v1.0.2_B01_WTR.tif", "PROTEUS"),
        ("HLS.L30.T12SVG.2023101T180222.v2.0", "not a DSWx-HLS name"),
        (REAL.replace("20230411", "20231411"), "20231411"),
        (REAL.replace("L8", "S1A"), "not a DSWx-HLS name"),
        (REAL.replace("HLS", "S1"), "not a DSWx-HLS name"),
        ("", "not a DSWx-HLS name"),
    ],
)
def test_other_names_are_refused_with_one_that_would_be_right(name, says):
    with pytest.raises(SourceError) as caught:
        Product.parse(name)
    assert says in str(caught.value)
    assert "YYYYMMDD" in str(caught.value) or REAL in str(caught.value)


# Folders and items


@pytest.fixture(scope="module")
def granule():
    return simulate_granule((96, 120), 5)


@pytest.fixture(scope="module")
def written(granule, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dswx")
    return folder, write_product(granule, folder)


def test_a_product_is_found_where_it_lies(written, tmp_path):
    top, home = written
    product = Product.from_folder(home)
    assert home.name == product.id
    assert list(product.hrefs) == sorted(LAYERS, key=LAYERS.index)
    assert find_products(top) == find_products(home) == [product]
    flat, sorted_by_layer = tmp_path / "flat", tmp_path / "layers"
    for path in home.iterdir():
        for place in (flat, sorted_by_layer / path.stem.rsplit("_", 1)[1]):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    assert Product.from_folder(flat).id == find_products(sorted_by_layer)[0].id == product.id
    assert set(find_products(sorted_by_layer)[0].hrefs) == set(LAYERS)


def empty(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_what_is_no_layer_is_passed_over(tmp_path):
    again = REAL.replace("20230414", "20260102").replace("v1.0", "v1.1")
    empty(
        tmp_path / "a",
        f"{REAL}_B01_WTR.tif",
        f"{REAL}_B06_WTR-2.tiff",
        f"{REAL}_BROWSE.png",
        f"{REAL}_B08_SHAD.tif.part",
        f"{REAL}.iso.xml",
        "notes.txt",
        "HLS.L30.T12SVG.2023101T180222.v2.0.B02.tif",
        "dswx_hls_v1.0.2_B01_WTR.tif",
    )
    empty(tmp_path / "a" / ".aside.partial", f"{REAL}_B09_CLOUD.tif")
    empty(tmp_path / "b", f"{again}_B01_WTR.tif", f"{REAL}_B01_WTR.tif")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    old, new = find_products(tmp_path)
    assert (old.id, new.id) == (REAL, again)
    assert old.produced < new.produced
    assert old.hrefs == {
        "WTR": f"{tmp_path}/a/{REAL}_B01_WTR.tif",
        "WTR-2": f"{tmp_path}/a/{REAL}_B06_WTR-2.tiff",
    }
    assert [str(each) for each in find_granules(tmp_path)] == ["HLS.L30.T12SVG.2023101T180222.v2.0"]


def test_folders_without_a_product_or_with_several_are_refused(tmp_path):
    local = empty(tmp_path / "local", "dswx_hls_v1.0.2_B01_WTR.tif")
    several = empty(tmp_path / "several", f"{REAL}_B01_WTR.tif", f"{REAL.replace('L8', 'L9')}_B01_WTR.tif")
    for folder, says in ((local, "PROTEUS"), (several, "2 products"), (empty(tmp_path / "none"), "no layer")):
        with pytest.raises(SourceError, match=says):
            Product.from_folder(folder)
    for find in (find_products, find_granules, Product.from_folder):
        with pytest.raises(UnreadableError, match="nowhere"):
            find(tmp_path / "nowhere")
    assert find_products(tmp_path / "none") == []


def test_missing_layers_are_all_named(written):
    product = Product.from_folder(written[1])
    assert list(product.layer_hrefs(["SHAD", "DIAG"])) == ["SHAD", "DIAG"]
    with pytest.raises(MissingBandError, match=r"lacks WTR, CLOUD; needed are WTR, CLOUD"):
        Product.parse(REAL).layer_hrefs(["WTR", "CLOUD"])


@pytest.mark.parametrize("digit", [0, 1, 7])
def test_an_item_of_the_archive_becomes_a_product(digit):
    """Keys and addresses as CMR-STAC gave them in 2024; the digit varies by collection."""
    home = f"https://archive.podaac.earthdata.nasa.gov/podaac-ops-cumulus-protected/OPERA_L3_DSWX-HLS_V1/{REAL}"
    assets = {f"{digit}_B{n:02}_{name}": {"href": f"{home}_B{n:02}_{name}.tif"} for n, name in enumerate(LAYERS, 1)}
    s3 = {f"s3_{key}": {"href": asset["href"].replace("https://archive.", "s3://")} for key, asset in assets.items()}
    other = {
        "browse": {"href": f"{home}_BROWSE.png"},
        "metadata": {"href": "https://cmr.earthdata.nasa.gov/search/concepts/G1.xml"},
        f"{digit}_B01_WTR_md5": {"href": f"{home}_B01_WTR.tif.md5"},
        "signed_B10_DEM": {},
    }
    for order in (assets | s3 | other, s3 | other | assets):
        product = Product.from_item({"id": REAL, "assets": order})
        assert dict(product.hrefs) == {name: f"{home}_B{n:02}_{name}.tif" for n, name in enumerate(LAYERS, 1)}
    signed = {f"{digit}_B06_WTR-2": {"href": "https://x.example/hidden.tif?token=1"}}
    assert set(Product.from_item({"id": REAL, "assets": signed}).hrefs) == {"WTR-2"}
    with pytest.raises(SourceError):
        Product.from_item({"id": "S2B_MSIL2A_20240101", "assets": assets})


def test_granules_are_found_flat_and_in_folders(tmp_path):
    first = tiny_granule(tmp_path / "nested", sensor=Sensor.S30)
    flat = tmp_path / "flat"
    shutil.copytree(tiny_granule(tmp_path / "other", sensor=Sensor.L30), flat)
    found = find_granules(tmp_path / "nested") + find_granules(flat)
    assert found == [Granule.from_folder(first), Granule.from_folder(flat)]
    assert sorted(each.id for each in find_granules(tmp_path)) == sorted({each.id for each in found})


# Codes


@given(st.integers(0, 31))
def test_diag_prints_bits_as_digits(code):
    digits = diag_digits(np.array([code], np.uint8))
    assert f"{digits[0]:05}" == f"{code:05b}"
    assert diag_code(digits)[0] == code


@pytest.mark.parametrize(
    ("layer", "bad"),
    [
        ("WTR", 7),
        ("WTR", 3),
        ("BWTR", 2),
        ("CONF", 15),
        ("CONF", 253),
        ("DIAG", 2),
        ("DIAG", 11112),
        ("DIAG", 255),
        ("WTR-1", 252),
        ("WTR-2", 253),
        ("LAND", 202),
        ("SHAD", 2),
        ("CLOUD", 16),
    ],
)
def test_codes_that_a_layer_cannot_hold_are_refused(layer, bad):
    kind = np.uint16 if layer == "DIAG" else np.uint8
    good = np.array(sorted(VALUES[layer]), kind)
    check_codes(layer, good)
    with pytest.raises(SourceError, match=rf"a/{layer}\.tif holds {bad}; {layer} of DSWx-HLS holds "):
        check_codes(layer, np.append(good, kind(bad)), f"a/{layer}.tif")
    with pytest.raises(SourceError, match="float32"):
        check_codes(layer, good.astype(np.float32))


# The real one


def test_a_real_layer_is_read_and_its_tags_say_what_we_do(shared: Path):
    (product,) = find_products(shared)
    assert product.id == REAL
    with rasterio.open(product.hrefs["WTR"]) as source:
        values, tags = source.read(1), source.tags()
        assert (source.dtypes[0], source.nodata) == ("uint8", 255)
    check_codes("WTR", values)
    made_from = Granule.parse(tags["HLS_DATASET"])
    assert (made_from.tile, made_from.time, made_from.sensor) == (product.tile, product.time, product.sensor)
    assert tags["PROCESSING_DATETIME"] == f"{product.produced:%Y-%m-%dT%H:%M:%SZ}"
    kinds = {0: "NOT_WATER", 2: "WATER_MODERATE_CONF", 3: "PARTIAL_SURFACE_WATER_CONSERVATIVE"}
    for kind, name in (kinds | {4: "PARTIAL_SURFACE_AGGRESSIVE"}).items():
        said = tags[f"AEROSOL_{name}_TO_HIGH_CONF_WATER_FMASK_VALUES"]
        assert spectral.AEROSOL[kind] == tuple(int(value) for value in said.split(","))
    assert (float(tags["MAX_SUN_LOCAL_INC_ANGLE"]), float(tags["MIN_SLOPE_ANGLE"])) == (
        relief.INCIDENCE,
        relief.BACK_SLOPE,
    )
    assert tags["MASK_ADJACENT_TO_CLOUD_MODE"] == "mask"
