"""Tiles of `hlsmask view`, judged by rasterio's own warping."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.transform import from_bounds
from rasterio.warp import Resampling, reproject

from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.products.palette import COLOURS, LAYERS
from hlsmask.testing import write_bands
from hlsmask.view.tile import SIDE, Tile
from view_results import (
    FIRST,
    SAME_DAY,
    make_masks,
    place_of,
    serve,
    tile_at,
    write_granule_result,
    write_place,
    write_result,
    write_three,
)

DAY = "2024-07-08"
KNOWN = [name for name in LAYERS if name != Mask.TERRAIN_SHADOW]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two scenes of a day, in two zones, and a later one that lies where the first does."""
    return write_three(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def client(made):
    with serve(made / "masks") as client:
        yield client


def product(folder, name, kind="masks"):
    return folder / "masks" / name / f"{name}.{kind}.tif"


def warped(path, tile, band, nodata=255):
    """Return a band on a tile as rasterio alone warps it, each pixel the nearest."""
    drawn = np.full((SIDE, SIDE), nodata, np.uint8)
    with rasterio.open(path) as file:
        reproject(
            file.read(band),
            drawn,
            src_transform=file.transform,
            src_crs=file.crs,
            dst_transform=from_bounds(*Tile(*tile).bounds, SIDE, SIDE),
            dst_crs="EPSG:3857",
            src_nodata=nodata,
            dst_nodata=nodata,
            resampling=Resampling.nearest,
        )
    return drawn


def middle(path, zoom, row=32, column=24):
    return tile_at(*place_of(path, row, column), zoom)


@pytest.mark.parametrize("name", [FIRST, SAME_DAY])
@pytest.mark.parametrize("zoom", [13, 15])
def test_masks_lie_where_rasterio_warps_them_to(client, made, name, zoom):
    path = product(made, name)
    tile = middle(path, zoom)
    for band, layer in enumerate(LAYERS, start=1):
        drawn = client.tile(DAY, layer, tile).pixels
        expected = warped(path, tile, band) == 1
        assert expected.any() == (layer in KNOWN)
        assert ((drawn[..., 3] == 255) == expected).mean() > 0.999  # a pixel between two may go to either
        assert set(np.unique(drawn[..., 3])) <= {0, 255}
        assert (drawn[drawn[..., 3] == 255][:, :3] == COLOURS[layer]).all()


def test_classes_are_never_mixed_from_afar(client, made):
    path = product(made, FIRST)
    drawn = client.tile(DAY, "water", middle(path, 6)).pixels
    assert 0 < (drawn[..., 3] > 0).sum() < 100
    assert set(np.unique(drawn[..., 3])) == {0, 255}


def test_probabilities_are_as_opaque_as_they_are_large(client, made):
    path = product(made, FIRST, "probabilities")
    tile = middle(path, 15)
    for band, mask in enumerate(Mask, start=1):
        drawn = client.tile(DAY, f"probability_{mask}", tile).pixels
        expected = warped(path, tile, band)
        opaque = np.where(expected == 255, 0, np.rint(expected * (255 / 200)))
        assert (drawn[..., 3] == opaque).mean() > 0.98  # noise: between two pixels many differ
        assert (drawn[drawn[..., 3] > 0][:, :3] == COLOURS[mask]).all()
    assert not client.tile(DAY, "probability_water", middle(product(made, SAME_DAY), 13)).pixels[..., 3].any()


def test_true_colour_shows_what_was_observed_and_one_curve_serves_all(client, made):
    path = product(made, FIRST)
    tile = middle(path, 15)
    drawn = client.tile(DAY, "true_colour", tile).pixels
    folder = made / "granules" / FIRST
    light = []
    for layer in ("B04", "B03", "B02"):
        with rasterio.open(folder / f"{FIRST}.{layer}.tif") as file:
            stored = np.full((SIDE, SIDE), -9999, np.int16)
            reproject(
                file.read(1),
                stored,
                src_transform=file.transform,
                src_crs=file.crs,
                dst_transform=from_bounds(*Tile(*tile).bounds, SIDE, SIDE),
                dst_crs="EPSG:3857",
                src_nodata=-9999,
                dst_nodata=-9999,
                resampling=Resampling.nearest,
            )
        light.append(stored)
    seen = light[0] != -9999
    assert ((drawn[..., 3] == 255) == seen).mean() > 0.999
    grey = np.mean(light, axis=0)[seen]
    shown = drawn[..., :3].mean(axis=-1)[seen]
    assert np.corrcoef(np.sqrt(np.clip(grey, 0, None)), shown)[0, 1] > 0.95
    assert shown.min() < 80
    assert shown.max() > 200
    later = client.tile("2024-07-13", "true_colour", tile).pixels  # of Landsat, other ground: the same curve
    assert later[..., 3].any()


def test_of_two_scenes_the_first_that_saw_a_pixel_shows_it(tmp_path):
    box = GeoBox((8, 8), Affine(30, 0, 399960, 0, -30, 4500000), "EPSG:32613")
    for name, minute, value in (("early", 0, 0), ("late", 30, 1)):
        masks = np.full((6, 8, 8), value, np.uint8)
        if name == "early":
            masks[:, :, :4] = 255
        write_result(tmp_path, name, box, datetime(2024, 7, 8, 17, minute, tzinfo=UTC), masks=masks)
    with serve(tmp_path) as client:
        path = tmp_path / "late" / "late.masks.tif"
        tile = tile_at(*place_of(path, 4, 4), 15)

        def there(query=""):
            return client.tile(DAY, CLEAR_WATER, tile, query).pixels[..., 3] > 0

        late = warped(path, tile, 6) == 1
        unseen = warped(tmp_path / "early" / "early.masks.tif", tile, 6) == 255
        assert 0.2 < (late & unseen).sum() / late.sum() < 0.8
        assert (there() == (late & unseen)).mean() > 0.999
        assert (there("?only=late") == late).mean() > 0.999
        assert not there("?only=early").any()


def test_a_scene_across_the_antimeridian_is_drawn_on_both_sides(tmp_path):
    corner = (735865, 5000000)
    home = write_place(tmp_path, "far", datetime(2024, 7, 8, tzinfo=UTC), crs="EPSG:32660", corner=corner)
    with serve(tmp_path) as client:
        for column, x in ((0, 2**15 - 1), (7, 0)):
            tile = tile_at(*place_of(home / "far.masks.tif", 4, column), 15)
            assert tile[1] == x
            assert client.tile(DAY, "water", tile).pixels[..., 3].any()


def test_where_the_scenes_are_gone_masks_are_shown_and_the_day_tells(tmp_path):
    write_granule_result(tmp_path, FIRST, 1)
    (tmp_path / "granules").rename(tmp_path / "elsewhere")
    tile = middle(product(tmp_path, FIRST), 13)
    with serve(tmp_path / "masks") as client:
        (scene,) = client.get(f"/api/days/{DAY}").json["scenes"]
        assert not scene["true_colour"]
        assert f"{FIRST}.B02.tif is not there; --scenes FOLDER" in scene["true_colour_missing"]
        assert not client.tile(DAY, "true_colour", tile).pixels.any()
        assert client.tile(DAY, "water", tile).pixels.any()
        assert scene["problems"] == []
    with serve(tmp_path / "masks", tmp_path / "elsewhere") as client:
        (scene,) = client.get(f"/api/days/{DAY}").json["scenes"]
        assert scene["true_colour"]
        assert client.tile(DAY, "true_colour", tile).pixels.any()


def test_a_scene_in_one_file_has_true_colour_too(tmp_path):
    data = np.full((6, 8, 8), 500, np.int16)
    data[2] = 3000
    source = write_bands(tmp_path / "scene.tif", data, names=None)
    with rasterio.open(source) as file:
        box = GeoBox(file.shape, file.transform, file.crs)
    masks = np.zeros((6, 8, 8), np.uint8)
    home = write_result(tmp_path / "out", "scene", box, datetime(2024, 7, 8, tzinfo=UTC), masks=masks, sources=[source])
    with serve(tmp_path / "out") as client:
        drawn = client.tile(DAY, "true_colour", tile_at(*place_of(home / "scene.masks.tif", 4, 4), 15)).pixels
    red, green, blue, _ = drawn[drawn[..., 3] > 0].mean(axis=0)
    assert red > 200
    assert green == blue < 120


def test_a_file_that_is_cut_off_is_named_once_and_then_the_others_are_drawn(tmp_path):
    corner = (399960, 4500000)
    time = datetime(2024, 7, 8, tzinfo=UTC)
    broken = write_place(tmp_path, "broken", time, corner=corner) / "broken.masks.tif"
    good = write_place(tmp_path, "good", time, corner=(corner[0] + 240, corner[1])) / "good.masks.tif"
    tile = tile_at(*place_of(good, 4, 4), 13)
    broken.write_bytes(broken.read_bytes()[:-30])
    with serve(tmp_path) as client:
        answer = client.tile(DAY, "water", tile)
        assert answer.status == 500
        assert "broken.masks.tif cannot be read" in answer.json["error"]
        assert client.tile(DAY, "water", tile).pixels.any()
        scenes = {scene["id"]: scene["problems"] for scene in client.get(f"/api/days/{DAY}").json["scenes"]}
        assert scenes["good"] == []
        assert "broken.masks.tif cannot be read" in scenes["broken"][0]
        longitude, latitude = place_of(broken, 4, 4)
        (found,) = client.get(f"/api/days/{DAY}/point?lon={longitude}&lat={latitude}").json["scenes"]
        assert "broken.masks.tif cannot be read" in found["problems"][0]
        shutil.copy(good, broken)  # masked again: what was wrong is forgotten
        scenes = client.get(f"/api/days/{DAY}").json["scenes"]
        assert not any(scene["problems"] for scene in scenes)


def test_a_tile_that_a_browser_has_is_not_sent_again_until_it_changes(tmp_path):
    home = write_granule_result(tmp_path, FIRST, 1)
    path = home / f"{FIRST}.masks.tif"
    tile = middle(path, 14)
    with serve(tmp_path / "masks") as client:
        address = f"/tiles/{DAY}/water/{tile[0]}/{tile[1]}/{tile[2]}.png"
        first = client.get(address)
        assert first.headers["cache-control"] == "private, no-cache"
        again = client.get(address, If_None_Match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        with rasterio.open(path) as file:
            box = GeoBox(file.shape, file.transform, file.crs)
        time = datetime(2024, 7, 8, tzinfo=UTC)
        write_result(tmp_path / "masks", FIRST, box, time, masks=1 - np.minimum(make_masks(1), 1))
        changed = client.get(address, If_None_Match=first.headers["etag"])
        assert changed.status == 200
        assert changed.body != first.body


@pytest.mark.parametrize("tile", [(21, 0, 0), (3, 8, 0), (3, 0, 8)])
def test_there_are_no_tiles_beyond_the_world(client, tile):
    answer = client.tile(DAY, "water", tile)
    assert answer.status == 404
    assert "zoom" in answer.json["error"]
