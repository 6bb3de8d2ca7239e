"""Files of sites, what is wrong with them, and which pixels a site has."""

from __future__ import annotations

import json

import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from extract_archive import CRS, FROM_DEGREES, degrees, feature, parcel, point, write_sites
from hlsmask.archive.sites import Site, read_sites
from hlsmask.archive.sites.pixels import pixels_of
from hlsmask.errors import DatasetError, HlsmaskError, UnreadableError
from hlsmask.testing.granule import CORNER

GRID = GeoBox((64, 48), Affine(30, 0, CORNER[0], 0, -30, CORNER[1]), CRS)
RECTANGLE = shapely.box(CORNER[0] + 150, CORNER[1] - 1410, CORNER[0] + 921, CORNER[1] - 250)
SPOT = shapely.Point(CORNER[0] + 700, CORNER[1] - 900)


def mask_of(site, grid=GRID):
    """Return the pixels of a site in the whole grid."""
    pixels = pixels_of(site, grid)
    whole = np.zeros(grid.shape, bool)
    if pixels is not None:
        whole[pixels.window.slices] = pixels.inside
    return whole


# ---------------------------------------------------------------- formats


def frame(crs=CRS):
    known = geopandas.GeoDataFrame({"ID": ["pond", "gauge"], "radius": [np.nan, 130.0]}, geometry=[RECTANGLE, SPOT])
    return known.set_crs(CRS).to_crs(crs) if crs else known


def write_in(kind, path):
    """Write the same two sites in one of the formats; return the path."""
    if kind == "parquet":
        frame().to_parquet(path := path / "sites.parquet")
    elif kind == "degrees.parquet":
        frame("EPSG:4326").to_parquet(path := path / "sites.geoparquet")
    elif kind == "gpkg":
        frame().to_file(path := path / "sites.gpkg")
    elif kind == "shp":
        frame().iloc[:1].to_file(path := path / "sites.shp")
    elif kind == "old.geojson":
        shapes = [feature(json.loads(shapely.to_geojson(shape))) for shape in (RECTANGLE, SPOT)]
        shapes[0]["properties"], shapes[1]["properties"] = {"id": "pond"}, {"Name": "gauge", "radius": 130}
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32613"}}
        write_sites(path := path / "sites.json", *shapes, crs=crs)
    elif kind == "csv":
        lon, lat = frame("EPSG:4326").geometry[1].coords[0]
        path = path / "sites.csv"
        path.write_text(f"\ufeffName;Lat;Lon;Radius\ngauge;{lat!r};{lon!r};130\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["parquet", "degrees.parquet", "gpkg", "shp", "old.geojson", "csv"])
def test_sites_are_the_same_in_every_format(tmp_path, kind):
    expected = {
        "pond": ~rasterio.features.geometry_mask([RECTANGLE], GRID.shape, GRID.transform),
        "gauge": np.hypot(*(centres() - np.array([700, -900])[:, None, None])) <= 130,
    }
    sites = read_sites(write_in(kind, tmp_path))
    wanted = {"shp": ["pond"], "csv": ["gauge"]}.get(kind, ["pond", "gauge"])
    assert [site.id for site in sites] == wanted
    for site in sites:
        assert expected[site.id].sum() > 20
        np.testing.assert_array_equal(mask_of(site), expected[site.id])


def centres():
    rows, columns = np.indices(GRID.shape)
    return np.stack([30 * (columns + 0.5), -30 * (rows + 0.5)])


def test_names_come_from_id_then_name_then_place(tmp_path):
    features = [point(5, 5), point(6, 6, id=7.0), point(7, 7, name=" two  words "), point(8, 8, id=None, name="b")]
    features.append({**point(9, 9), "id": "outer"})
    sites = read_sites(write_sites(tmp_path / "s.geojson", *features), radius=50)
    assert [site.id for site in sites] == ["1", "7", "two words", "b", "outer"]


def test_bare_geometries_and_single_features_are_files_of_one_site(tmp_path):
    for value in (point(5, 5), point(5, 5)["geometry"]):
        (tmp_path / "s.geojson").write_text(json.dumps(value), encoding="utf-8")
        assert [site.id for site in read_sites(tmp_path / "s.geojson", radius=50)] == ["1"]


def test_own_radius_counts_before_the_one_for_all(tmp_path):
    path = write_sites(tmp_path / "s.geojson", point(20, 20, radius=60), point(20, 20, id="b"))
    small, large = (mask_of(site).sum() for site in read_sites(path, radius=200))
    assert small < large == pytest.approx(np.pi * 200**2 / 900, rel=0.1)


# ---------------------------------------------------------------- what is wrong

EMPTY = {"type": "Polygon", "coordinates": []}


@pytest.mark.parametrize(
    ("features", "more", "told"),
    [
        ([point(5, 5)], {"crs": None}, 'has no CRS: its "crs" is null; leave "crs" out if'),
        ([point(5, 5)], {"crs": {"type": "link"}}, "has no CRS"),
        (
            [point(5, 5)],
            {"crs": {"properties": {"name": "EPSG:999999"}}},
            "no coordinate reference system that is known",
        ),
        ([feature({"type": "Point", "coordinates": [400000, 4490000]})], {}, "not in longitude and latitude"),
        ([feature({"type": "Point", "coordinates": [40.6, -106.2]})], {}, "longitude comes before latitude"),
        ([feature(None, id="pond")], {}, "site 'pond' (feature 1) has an empty geometry; give it a point or a polygon"),
        ([point(5, 5), feature(EMPTY)], {}, "site '2' (feature 2) has an empty geometry"),
        ([feature({"type": "GeometryCollection", "geometries": []})], {}, "has an empty geometry"),
        ([], {}, "holds no site"),
        ([point(5, 5, id="a"), point(6, 6, name="a")], {}, "calls two sites 'a', features 1 and 2"),
        ([point(5, 5, id="a"), point(6, 6, radius="wide")], {}, "has the radius 'wide'; use a number of metres"),
        ([point(5, 5, radius=-1)], {}, "has the radius -1"),
        ([point(5, 5, radius=True)], {}, "has the radius True"),
        ([feature({"type": "LineString", "coordinates": [[0, 0], [1, 1]]})], {}, "is a LineString; use a point"),
        ([feature({"type": "Point", "coordinates": "here"})], {}, "not GeoJSON, in its feature 1"),
        ([feature({"type": "Point", "coordinates": [float("nan"), 1.0]})], {}, "coordinates that are no numbers"),
        ([parcel(5, 5, 5, 9)], {}, "has no area on Earth"),
        ([feature(json.loads(shapely.to_geojson(shapely.box(-60, 10, -10, 30))))], {}, "50 degrees across"),
        (["nothing"], {}, "its feature 1 is none"),
    ],
)
def test_bad_sites_are_one_sentence_that_names_the_file(tmp_path, run, features, more, told):
    path = write_sites(tmp_path / "sites.geojson", *features, **more)
    with pytest.raises(DatasetError) as caught:
        read_sites(path, radius=90)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    words = ("extract", tmp_path, "--sites", path, "--out", tmp_path / "o.csv", "--radius", 90)
    assert run(*words) == (1, "", f"hlsmask: {caught.value}\n")


def test_points_need_a_radius(tmp_path):
    path = write_sites(tmp_path / "sites.geojson", point(5, 5, id="gauge"))
    with pytest.raises(DatasetError, match=r"site 'gauge'.*is a point without a radius.*--radius"):
        read_sites(path)


@pytest.mark.parametrize("kind", ["parquet", "gpkg", "shp"])
@pytest.mark.filterwarnings("ignore:'crs' was not provided")  # that is the point
def test_files_without_a_crs_are_refused(tmp_path, kind):
    path = tmp_path / f"sites.{kind}"
    plain = frame(crs=None).iloc[:1]
    plain.to_parquet(path) if kind == "parquet" else plain.to_file(path)
    with pytest.raises(DatasetError, match=f"sites.{kind} has no CRS"):
        read_sites(path, radius=90)


@pytest.mark.parametrize(
    ("name", "content", "error", "told"),
    [
        ("gone.geojson", None, UnreadableError, "cannot be read: No such file"),
        ("gone.csv", None, UnreadableError, "cannot be read: No such file"),
        ("gone.gpkg", None, UnreadableError, "there is no such file"),
        ("gone.parquet", None, UnreadableError, "cannot be read"),
        ("a.geojson", "{", DatasetError, "is not GeoJSON"),
        ("a.geojson", "[1]", DatasetError, "is not GeoJSON"),
        ("a.geojson", '{"type": "FeatureCollection"}', DatasetError, "its features are no list"),
        ("a.kml", "", DatasetError, "of no format that holds sites; use one of .geojson"),
        ("a.csv", "x,y\n400000,4490000\n", DatasetError, "does not say in which CRS its coordinates are"),
        ("a.csv", "lon,lat\n1,here\n", DatasetError, "no numbers for lon and lat in line 2"),
        ("a.csv", "lon,lat\n,\n", DatasetError, "has an empty geometry"),
        ("a.csv", "", DatasetError, "it has none"),
        ("a.parquet", "no table", UnreadableError, "is no Parquet file"),
        ("a.gpkg", "no table", UnreadableError, "cannot be read"),
    ],
)
def test_files_that_hold_no_sites_are_one_sentence(tmp_path, name, content, error, told):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(error) as caught:
        read_sites(tmp_path / name, radius=90)
    assert told in str(caught.value)
    assert name in str(caught.value)
    assert isinstance(caught.value, HlsmaskError)


def test_tables_that_are_no_geoparquet_are_refused(tmp_path):
    frame().drop(columns="geometry").to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(DatasetError, match="is not GeoParquet"):
        read_sites(tmp_path / "plain.parquet")


def test_files_of_several_layers_are_refused(tmp_path):
    for layer in ("a", "b"):
        frame().to_file(tmp_path / "s.gpkg", layer=layer)
    with pytest.raises(DatasetError, match=r"holds 2 layers with shapes \(a, b\)"):
        read_sites(tmp_path / "s.gpkg", radius=9)


# ---------------------------------------------------------------- pixels


@given(
    columns=st.tuples(st.integers(-10, 57), st.integers(-10, 57), st.integers(-10, 57)).map(sorted),
    rows=st.tuples(st.integers(-10, 73), st.integers(-10, 73)).map(sorted),
    shift=st.floats(0.05, 0.4),
)
def test_sites_that_share_a_border_share_no_pixel_and_leave_none_out(columns, rows, shift):
    """Cut a rectangle in two along a line that meets no pixel's centre: counts add up."""
    left, middle, right = (value + shift for value in columns)
    top, bottom = (value + shift for value in rows)
    if middle - left < 1 or right - middle < 1 or bottom - top < 1:
        return
    whole, one, other = (
        mask_of(Site.within("a", shapely.geometry.shape(parcel(*corners)["geometry"]), rasterio.CRS.from_epsg(4326)))
        for corners in ((left, top, right, bottom), (left, top, middle, bottom), (middle, top, right, bottom))
    )
    assert not (one & other).any()
    np.testing.assert_array_equal(one | other, whole)
    across = sum(0 <= column < 48 and left <= column + 0.5 <= right for column in range(48))
    down = sum(0 <= row < 64 and top <= row + 0.5 <= bottom for row in range(64))
    assert whole.sum() == across * down


@given(at=st.tuples(st.floats(0.1, 47.9), st.floats(0.1, 63.9)), radius=st.floats(1, 400))
def test_points_have_the_pixels_whose_centres_are_near_enough_but_at_least_their_own(at, radius):
    lon, lat = degrees(*at)
    found = mask_of(Site.around("a", lon, lat, radius))
    rows, columns = np.indices(GRID.shape)
    x, y = degrees(columns + 0.5, rows + 0.5)
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(np.full(GRID.shape, lon), np.full(GRID.shape, lat), x, y)
    slack = 1e-4 * radius
    if (metres <= radius + slack).any():
        assert not (found & (metres > radius + slack)).any()
        assert not (~found & (metres < radius - slack)).any()
    else:
        there = FROM_DEGREES.transform(lon, lat)
        column, row = ~GRID.transform * there
        assert [tuple(place) for place in np.argwhere(found)] == [(int(row), int(column))]


def test_polygons_too_small_for_a_centre_have_the_pixel_they_lie_in():
    tiny = parcel(20.6, 30.1, 20.8, 30.3)["geometry"]
    site = Site.within("a", shapely.geometry.shape(tiny), rasterio.CRS.from_epsg(4326))
    assert np.argwhere(mask_of(site)).tolist() == [[30, 20]]
    sliver = parcel(46.6, 30.1, 60, 30.3)["geometry"]  # holds no centre; its middle lies beyond the edge
    assert not mask_of(Site.within("b", shapely.geometry.shape(sliver), rasterio.CRS.from_epsg(4326))).any()
    wide = parcel(47.6, 30.1, 60, 33)["geometry"]  # its centres all lie beyond the edge
    assert not mask_of(Site.within("c", shapely.geometry.shape(wide), rasterio.CRS.from_epsg(4326))).any()


def test_sites_on_an_edge_are_shared_by_the_tiles_that_meet_there():
    east = GeoBox((64, 48), GRID.transform @ Affine.translation(40, 0), CRS)  # overlaps by eight columns
    shape = shapely.geometry.shape(parcel(36.2, 10.2, 60.2, 20.2)["geometry"])
    site = Site.within("a", shape, rasterio.CRS.from_epsg(4326))
    one, other = pixels_of(site, GRID), pixels_of(site, east)
    assert (one.count, other.count) == (120, 200)
    assert one.share == pytest.approx((48 - 36.2) / 24, abs=1e-3)
    assert other.share == pytest.approx((60.2 - 40) / 24, abs=1e-3)


def test_sites_and_grids_meet_across_the_antimeridian():
    x, y = pyproj.Transformer.from_crs("OGC:CRS84", "EPSG:32660", always_xy=True).transform(180, 9.125)
    grid = GeoBox((100, 100), Affine(300, 0, x - 15000, 0, -300, y + 15000), "EPSG:32660")
    cut = [shapely.box(179.9, 9.1, 180, 9.15), shapely.box(-180, 9.1, -179.95, 9.15)]
    shapes = (shapely.MultiPolygon(cut), shapely.box(179.9, 9.1, 180.05, 9.15))
    jumping = shapely.Polygon([(179.9, 9.1), (-179.95, 9.1), (-179.95, 9.15), (179.9, 9.15)])
    masks = [mask_of(Site.within("a", each, rasterio.CRS.from_epsg(4326)), grid) for each in (*shapes, jumping)]
    assert masks[0].sum() > 100
    assert (masks[0] == masks[1]).all()
    assert (masks[0] == masks[2]).all()
    for site in (Site.within("a", each, rasterio.CRS.from_epsg(4326)) for each in (*shapes, jumping)):
        assert site.meets((179.8, 9.0, -179.9, 9.2))
        assert site.meets((-180, 9.0, -179.9, 9.2))
        assert not site.meets((-179.9, 9.0, 179.8, 9.2))
    assert mask_of(Site.around("b", 180.0, 9.125, 1000), grid).sum() == pytest.approx(np.pi * (10 / 3) ** 2, abs=4)


def test_bow_ties_and_holes_are_what_they_enclose():
    bow = shapely.Polygon([degrees(*at) for at in ((5.2, 5.2), (25.2, 25.2), (25.2, 5.2), (5.2, 25.2))])
    ring = shapely.Polygon(
        [degrees(*at) for at in ((5.2, 5.2), (25.2, 5.2), (25.2, 25.2), (5.2, 25.2))],
        [[degrees(*at) for at in ((10.2, 10.2), (20.2, 10.2), (20.2, 20.2), (10.2, 20.2))]],
    )
    crs = rasterio.CRS.from_epsg(4326)
    assert mask_of(Site.within("a", bow, crs)).sum() == pytest.approx(200, abs=12)
    assert mask_of(Site.within("b", ring, crs)).sum() == 300
