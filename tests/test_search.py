"""Searching: what is asked of the services, what is kept of their answers, and what is said when they fail."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pystac
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pystac.validation import JsonSchemaSTACValidator
from rasterio.warp import transform_bounds
from shapely.geometry import box, mapping, shape

from hlsmask.bands import Sensor
from hlsmask.errors import MissingPackageError, ServiceError, UsageError
from hlsmask.granules.catalogue import service as service_module
from hlsmask.granules.catalogue.area import Area
from hlsmask.granules.catalogue.catalogues import Kind, Service
from hlsmask.granules.catalogue.dates import Span
from hlsmask.granules.catalogue.query import Query
from hlsmask.granules.catalogue.search import search
from hlsmask.granules.catalogue.tiles import tile_square
from stac_server import AZURE, dswx_item, hls_item, serve, square

BOULDER = square(-105.6, 39.8)
S30 = "HLS.S30.T13TDE.2024190T174911.v2.0"
L30 = "HLS.L30.T13TDE.2024188T173500.v2.0"
CLOUDY = "HLS.S30.T13TDE.2024195T174909.v2.0"
NEXT_TILE = "HLS.S30.T13TEE.2024190T174911.v2.0"
DSWX_S30 = "OPERA_L3_DSWx-HLS_T13TDE_20240708T174911Z_20240710T031415Z_S2A_30_v1.0"
DSWX_AGAIN = "OPERA_L3_DSWx-HLS_T13TDE_20240708T174911Z_20260110T031415Z_S2A_30_v1.1"
DSWX_ALONE = "OPERA_L3_DSWx-HLS_T13TDE_20240710T173500Z_20240712T031415Z_L9_30_v1.0"
BOX = (-105.5, 39.9, -105.0, 40.2)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(service_module, "BACKOFF", 0)


@pytest.fixture
def service():
    with serve() as running:
        running.items = [
            hls_item(S30, BOULDER, cloud=12),
            hls_item(L30, BOULDER, cloud=3),
            hls_item(CLOUDY, BOULDER, cloud=88),
            hls_item(NEXT_TILE, square(-105.1, 39.8), cloud=5),
            hls_item(S30, BOULDER, cloud=12, root=AZURE),
            dswx_item(DSWX_S30, BOULDER, cloud=70),
            dswx_item(DSWX_AGAIN, BOULDER),
            dswx_item(DSWX_ALONE, BOULDER),
        ]
        yield running


def asked(service, **changes):
    known = {"bbox": BOX, "endpoint": (f"earthdata={service.url}", f"planetary-computer={service.url}/pc")}
    return Query(**known | changes)


def names(found):
    return [each.id for each in found]


def test_granules_come_by_time_with_where_their_files_are(service):
    results = search(asked(service))
    assert names(results.granules) == [L30, S30, NEXT_TILE, CLOUDY]
    first = results.granules[0]
    assert (first.value.sensor, first.value.tile, first.cloud_cover) == (Sensor.L30, "13TDE", 3.0)
    assert first.time == datetime(2024, 7, 6, 17, 35, tzinfo=UTC)
    assert first.value.band_hrefs()["red"].startswith("https://data.lpdaac.earthdatacloud.nasa.gov/")
    assert not results.products


def test_nasa_is_asked_by_get_for_one_collection_a_time_the_planetary_computer_by_post(service):
    search(asked(service, dates="2024-07"))
    search(asked(service, source=Service.PLANETARY_COMPUTER))
    assert [(each["method"], each["path"]) for each in service.asked] == [
        ("GET", "/LPCLOUD/search"),
        ("GET", "/LPCLOUD/search"),
        ("POST", "/pc/search"),
        ("POST", "/pc/search"),
    ]
    assert [each["collections"] for each in service.asked[:2]] == ["HLSL30_2.0", "HLSS30_2.0"]
    assert service.asked[0]["datetime"] == "2024-07-01T00:00:00Z/2024-07-31T23:59:59Z"
    assert service.asked[2]["collections"] == ["hls2-l30"]


def test_products_are_with_nasa_whoever_is_asked_for_granules(service):
    results = search(asked(service, source=Service.PLANETARY_COMPUTER, products=(Kind.HLS, Kind.DSWX)))
    assert names(results.granules) == [S30]
    assert "blob.core.windows.net" in results.granules[0].value.hrefs["B04"]
    assert names(results.products) == [DSWX_S30, DSWX_AGAIN, DSWX_ALONE]
    assert results.products[1].value.hrefs["WTR"].endswith("_v1.1_B01_WTR.tif")


def test_cloud_dates_sensors_tiles_and_limit_narrow_it(service):
    assert names(search(asked(service, cloud_cover=12)).granules) == [L30, S30, NEXT_TILE]
    assert names(search(asked(service, cloud_cover=0)).granules) == []
    assert names(search(asked(service, dates="2024-07-13")).granules) == [CLOUDY]
    assert names(search(asked(service, sensors=(Sensor.L30,))).granules) == [L30]
    assert names(search(asked(service, tiles=("T13tee",))).granules) == [NEXT_TILE]
    assert names(search(asked(service, limit=1)).granules) == [L30]
    products = search(asked(service, products=(Kind.DSWX,), sensors=(Sensor.L30,))).products
    assert names(products) == [DSWX_ALONE]


def test_what_has_no_cloud_cover_is_kept_and_said(service):
    results = search(asked(service, products=(Kind.DSWX,), cloud_cover=40))
    assert names(results.products) == [DSWX_AGAIN, DSWX_ALONE]
    assert results.notes == ("2 of dswx are kept although the catalogue does not know their cloud cover",)


@pytest.mark.parametrize("source", list(Service))
def test_every_page_is_read_once(service, source):
    root = AZURE if source is Service.PLANETARY_COMPUTER else "https://data.lpdaac.earthdatacloud.nasa.gov"
    days = [f"HLS.S30.T13TDE.2023{day:03}T174911.v2.0" for day in range(1, 251)]
    service.items = [hls_item(name, BOULDER, root=root) for name in days]
    found = search(asked(service, source=source, sensors=(Sensor.S30,), limit=230))
    assert names(found.granules) == days[:230]
    assert len(service.asked) == 3
    assert names(search(asked(service, source=source)).granules) == days


def test_a_box_across_the_antimeridian_is_two_searches_without_repetition(service):
    both = {"type": "MultiPolygon", "coordinates": [square(179, -17)["coordinates"], square(-180, -17)["coordinates"]]}
    jumps = {
        "type": "Polygon",
        "coordinates": [[[179.5, -17], [-179.5, -17], [-179.5, -16], [179.5, -16], [179.5, -17]]],
    }
    crossing = "HLS.S30.T60KWF.2024190T221911.v2.0"
    folded = "HLS.S30.T01KAB.2024190T221911.v2.0"
    service.items = [hls_item(crossing, both), hls_item(folded, jumps), hls_item(S30, BOULDER)]
    results = search(asked(service, bbox=(178.0, -18.0, -179.0, -16.0), sensors=(Sensor.S30,)))
    assert sorted(names(results.granules)) == sorted([crossing, folded])
    assert [each["bbox"] for each in service.asked] == ["-180.0,-18.0,-179.0,-16.0", "178.0,-18.0,180.0,-16.0"]


def test_the_area_itself_decides_not_its_box(service, tmp_path):
    far = "HLS.S30.T13SDD.2024190T174911.v2.0"
    service.items.append(hls_item(far, square(-105.04, 40.35, 0.1)))
    triangle = {"type": "Polygon", "coordinates": [[[-105.5, 39.9], [-105.5, 40.5], [-105, 39.9], [-105.5, 39.9]]]}
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(triangle))
    assert shape(triangle).envelope.intersects(shape(service.items[-1]["geometry"]))
    found = names(search(asked(service, bbox=None, area=path)).granules)
    assert far not in found
    assert S30 in found
    sent = shape(json.loads(service.asked[0]["intersects"]))
    assert sent.contains(shape(triangle))


def test_tiles_alone_say_where(service):
    results = search(asked(service, bbox=None, tiles=("13TEE", "13TDE"), sensors=(Sensor.S30,)))
    assert names(results.granules) == [S30, NEXT_TILE, CLOUDY]
    assert all(shape(json.loads(each["intersects"])).contains(tile_square("13TDE")) for each in service.asked)


def test_an_item_without_a_place_or_with_a_strange_name_does_not_end_the_search(service):
    nowhere = "HLS.S30.T13TDE.2024200T174909.v2.0"
    service.items = [hls_item(nowhere, None), hls_item(S30, BOULDER) | {"id": "S2A_MSIL2A_20240708"}]
    results = search(asked(service, sensors=(Sensor.S30,)))
    assert names(results.granules) == [nowhere]
    assert results.notes == ("1 items of the catalogue are left out: they have no name of hls",)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ({"codes": [403]}, "NASA Earthdata (127.0.0.1) answered 403: it refuses"),
        ({"codes": [429] * 6}, "answered 429: too many requests"),
        ({"codes": [503] * 6}, "answered 503: it is out of order; try again later"),
        ({"stuck": True}, "gives one page of HLSL30_2.0 again and again"),
        ({"hidden": 7}, "gave 120 of 127 items of HLSL30_2.0"),
        ({"pages": [[]]}, "sent an answer that is cut off or not STAC"),
        ({"pages": [None]}, "sent an answer that is cut off or not STAC"),
        ({"pages": [{"errors": ["Oops!"]}]}, "sent an answer that is cut off or not STAC"),
        ({"pages": [{"type": "FeatureCollection", "features": None}]}, "sent an answer that is cut off or not STAC"),
        ({"pages": [{"type": "FeatureCollection", "features": [], "links": [None]}]}, "is cut off or not STAC"),
        ({"pages": [{"type": "FeatureCollection", "features": [], "numberMatched": 130}]}, "gave 100 of 130 items"),
        ({"cut": True}, "sent an answer that is cut off or not STAC"),
    ],
)
def test_a_service_that_fails_is_one_sentence_and_never_half_a_result(service, trouble, sentence):
    service.items = [hls_item(f"HLS.L30.T13TDE.2023{day:03}T173500.v2.0", BOULDER) for day in range(1, 121)]
    for name, value in trouble.items():
        setattr(service, name, value)
    with pytest.raises(ServiceError) as failure:
        search(asked(service))
    assert sentence in str(failure.value)
    assert "\n" not in str(failure.value)


def test_an_odd_item_is_left_out_and_noted(service):
    nan = hls_item(S30, BOULDER) | {"properties": {"datetime": "2024-07-08T17:49:11Z", "eo:cloud_cover": float("nan")}}
    parts = [
        {"assets": None},
        {"assets": []},
        {"assets": {"B04": None}},
        {"assets": {"B04": "https://example.org"}},
        {"assets": {"B04": {"href": 5}}},
        {"properties": None},
        {"geometry": "POINT (0 0)"},
        {"id": 5},
    ]
    odd = [hls_item(f"HLS.L30.T13TDE.2023{at:03}T173500.v2.0", BOULDER) | part for at, part in enumerate(parts, 1)]
    service.items = [nan]
    service.answer = [nan, *odd, None, 5]
    results = search(asked(service, cloud_cover=50, sensors=(Sensor.S30,)))
    assert names(results.granules) == [S30]
    assert results.granules[0].cloud_cover is None
    assert "10 items of the catalogue are left out: they are no STAC Items" in results.notes


def test_troubles_that_pass_are_waited_out(service):
    service.codes = [503, 429, 500]
    assert names(search(asked(service)).granules) == [L30, S30, NEXT_TILE, CLOUDY]


def test_a_service_that_is_not_there_is_a_sentence():
    with serve() as gone:
        address = gone.url
    with pytest.raises(ServiceError, match=r"cannot be reached"):
        search(Query(bbox=BOX, endpoint=(address,)))


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pystac_client", None)
    with pytest.raises(MissingPackageError, match=r"pip install \"hlsmask\[earthdata\]\""):
        search(Query(bbox=BOX))


# Places and dates


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01T00:00:00", "2024-12-31T23:59:59"),
        ("2024-02", "2024-02-01T00:00:00", "2024-02-29T23:59:59"),
        ("2024-12", "2024-12-01T00:00:00", "2024-12-31T23:59:59"),
        ("2024-06-01", "2024-06-01T00:00:00", "2024-06-01T23:59:59"),
        ("2024-06-01/2024-06-30", "2024-06-01T00:00:00", "2024-06-30T23:59:59"),
        ("2023/2024", "2023-01-01T00:00:00", "2024-12-31T23:59:59"),
        ("2024-06-01T12:00:00Z/2024-06-02", "2024-06-01T12:00:00", "2024-06-02T23:59:59"),
        ("2024-06-01/..", "2024-06-01T00:00:00", "2099-12-31T23:59:59"),
        ("/2024-06-01", "2013-01-01T00:00:00", "2024-06-01T23:59:59"),
    ],
)
def test_dates_mean_what_people_mean(text, start, end):
    assert str(Span.parse(text)) == f"{start}Z/{end}Z"


@pytest.mark.parametrize(
    "text", ["", "..", "June", "2024-13", "2024-02-30", "2024-6-1", "2024-07/2024-06", "24", "1/2/3"]
)
def test_other_dates_are_refused(text):
    with pytest.raises(UsageError, match="--dates"):
        Span.parse(text)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"bbox": None}, "say where"),
        ({"bbox": (-105, 40.2, -104, 39.9)}, "its south lies above its north"),
        ({"bbox": (-105, 39, 200, 40)}, "longitudes lie from -180 to 180"),
        ({"bbox": (399960, 4390200, 509760, 4500000)}, "longitudes"),
        ({"area": "area.geojson"}, "--bbox and --area both say where"),
        ({"tiles": ("13TIE",)}, "no MGRS tile"),
        ({"tiles": ("61TDE",)}, "no MGRS tile"),
        ({"bbox": None, "tiles": ("13TJE",)}, "there is no MGRS tile 13TJE: zone 13 has the columns ABCDEFGH"),
        ({"cloud_cover": 140}, "use percent"),
        ({"limit": 0}, "--limit"),
        ({"endpoint": ("ftp://x",)}, "--endpoint"),
        ({"dates": "yesterday"}, "--dates"),
    ],
)
def test_wrong_questions_are_refused_before_anything_is_asked(wrong, sentence):
    with pytest.raises(UsageError) as failure:
        search(Query(**{"bbox": BOX, **wrong}))
    assert sentence in str(failure.value)


POINT = {"type": "Point", "coordinates": [-105.2, 40.0, 1655.0]}
LINE = {"type": "LineString", "coordinates": [[-105.2, 40.0], [-104.0, 40.1]]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (POINT, shapely.Point(-105.2, 40)),
        ({"type": "Feature", "geometry": LINE, "properties": {}}, shape(LINE)),
        ({"type": "GeometryCollection", "geometries": [POINT, LINE]}, shape(LINE).union(shapely.Point(-105.2, 40))),
        (
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "geometry": None}, {"type": "Feature", "geometry": LINE}],
            },
            shape(LINE),
        ),
        (mapping(box(179, -17, 181, -16)), box(179, -17, 180, -16).union(box(-180, -17, -179, -16))),
        ({**LINE, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}}, shape(LINE)),
    ],
)
def test_geojson_of_every_kind_is_read(tmp_path, content, expected):
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(content))
    assert Area.from_geojson(path).shape.equals(expected)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("shapefile", "is not GeoJSON"),
        ("[1]", "is not GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "holds no shape"),
        ('{"type": "FeatureCollection"}', "is not GeoJSON"),
        ('{"type": "Polygon", "coordinates": [[[0, 1]]]}', "is not GeoJSON"),
        ('{"type": "Point", "coordinates": [431000, 4410000]}', "not in longitude and latitude"),
        ('{"type": "Point", "coordinates": [1, 2], "crs": {"properties": {"name": "EPSG:32613"}}}', "is in EPSG:32613"),
    ],
)
def test_files_that_say_no_place_are_refused_by_name(tmp_path, text, sentence):
    path = tmp_path / "area.geojson"
    path.write_text(text)
    with pytest.raises(UsageError, match=sentence) as failure:
        Area.from_geojson(path)
    assert str(path) in str(failure.value)


@given(
    st.lists(st.tuples(st.floats(-179, 176), st.floats(-80, 77), st.floats(0.01, 3)), min_size=1, max_size=4),
    st.tuples(st.floats(-180, 179), st.floats(-80, 79)),
)
def test_what_is_asked_for_holds_all_that_meets_the_area(parts, corner):
    area = Area(shapely.union_all([box(west, south, west + side, south + side) for west, south, side in parts]))
    place = square(*corner)
    if not area.meets({"geometry": place}):
        return
    sent = [box(*each["bbox"]) if "bbox" in each else shape(each["intersects"]) for each in area.searches()]
    assert any(each.intersects(shape(place)) for each in sent)


def test_tiles_lie_where_the_archive_puts_them(shared):
    path = next(shared.glob("**/OPERA_L3_DSWx-HLS_T*_B01_WTR*.tif"))
    with rasterio.open(path) as file:
        bounds = transform_bounds(file.crs, "OGC:CRS84", *file.bounds)
    tile = path.name.split("_")[3][1:]
    assert box(*bounds).buffer(0.01).contains(tile_square(tile))


# The command line


@pytest.fixture
def options(service):
    return ["--bbox", *BOX, "--endpoint", service.url]


def test_the_table_has_a_line_an_acquisition_with_its_pair(run, options):
    code, out, err = run("search", *options, "--products", "hls", "dswx")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["id", "date", "(UTC)", "tile", "cloud", "pair"]
    assert [line.split()[0] for line in lines[1:]] == [L30, S30, NEXT_TILE, DSWX_ALONE, CLOUDY]
    row = next(line for line in lines if line.startswith(S30))
    assert row.split() == [S30, "2024-07-08", "17:49", "13TDE", "12", "%", DSWX_AGAIN]
    assert DSWX_S30 not in out, "it was produced again"
    assert err.splitlines() == [
        "note: 1 product of DSWx-HLS left out: the same was produced again later",
        "4 granules of HLS, 2 products of DSWx-HLS, 1 pair",
    ]


def test_no_pairs_are_spoken_of_where_no_products_were_searched(run, options):
    _, out, err = run("search", *options)
    assert "pair" not in out + err
    assert out.splitlines()[1].split() == [L30, "2024-07-06", "17:35", "13TDE", "3", "%"]


def test_paired_gives_pairs_alone_judged_by_the_granules_cloud(run, options):
    code, out, err = run("search", *options, "--paired", "--cloud-cover", 40, "--format", "stac")
    assert code == 0
    items = {item["id"]: item for item in json.loads(out)["features"]}
    assert set(items) == {S30, DSWX_AGAIN}
    assert items[S30]["properties"]["hlsmask:pair"] == DSWX_AGAIN
    assert items[DSWX_AGAIN]["properties"]["hlsmask:pair"] == S30
    assert "1 pair" in err


def test_stac_is_an_item_collection_that_pystac_accepts(run, options, tmp_path):
    path = tmp_path / "found" / "search.json"
    code, out, _ = run("search", *options, "--products", "hls", "dswx", "--format", "stac", "--out", path)
    assert (code, out) == (0, "")
    collection = pystac.ItemCollection.from_file(str(path))
    assert len(collection) == 6
    for item in collection:
        JsonSchemaSTACValidator().validate_core(item.to_dict(), pystac.STACObjectType.ITEM, pystac.get_stac_version())
    red = next(item for item in collection if item.id == S30).assets["B04"]
    assert red.href.startswith("https://data.lpdaac.earthdatacloud.nasa.gov/")


def test_urls_are_those_of_the_layers_that_are_needed(run, options):
    _, out, _ = run(
        "search", *options, "--products", "hls", "dswx", "--tiles", "13TDE", "--dates", "2024-07-08", "--format", "urls"
    )
    layers = [re.split(r"\.|_", line.removesuffix(".tif"))[-1] for line in out.split()]
    assert " ".join(layers) == "B02 B03 B04 B8A B11 B12 Fmask SZA SAA WTR CONF DIAG WTR-2 SHAD CLOUD DEM"
    _, out, _ = run("search", *options, "--dates", "2024-07-08", "--format", "urls", "--layers", "red", "Fmask")
    assert [line.rsplit(".", 2)[1] for line in out.split()] == ["B04", "Fmask"] * 2


def test_nothing_found_is_no_failure(run, options):
    code, out, err = run("search", *options, "--dates", "2016")
    assert (code, out) == (0, "")
    assert err == "0 granules of HLS\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bbox", -105, 39, -104],
        ["--tiles", "nowhere"],
        [],
        ["--bbox", *BOX, "--layers", "B99"],
        ["--bbox", *BOX, "--products", "modis"],
    ],
)
def test_wrong_usage_starts_nothing(run, service, arguments):
    assert run("search", *arguments, "--endpoint", service.url)[0] == 2
    assert not service.asked


def test_a_failing_service_ends_with_one(run, options, service):
    service.codes = [403]
    code, out, err = run("search", *options)
    assert (code, out) == (1, "")
    assert err.startswith("hlsmask: NASA Earthdata (127.0.0.1) answered 403")


def test_help_loads_neither_rasterio_nor_pystac(run, monkeypatch):
    for name in ("rasterio", "pystac_client", "earthaccess", "planetary_computer"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    code, out, _ = run("search", "--help")
    assert code == 0
    assert "--cloud-cover" in out
