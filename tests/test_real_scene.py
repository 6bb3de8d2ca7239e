"""A real Landsat scene, through the command line to five files, each opened by an independent reader."""

import numpy as np
import pystac
import pytest
import rasterio
from PIL import Image
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterExtension
from pystac.validation import validate_dict
from rio_cogeo import cog_validate

from hlsmask.cli import main
from hlsmask.masks import CLEAR_WATER, Mask

NAME = "l8_lake_clouds"


@pytest.fixture(scope="module")
def made(shared, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with pytest.raises(SystemExit) as end:
        main(["predict", str(shared / f"{NAME}.tif"), "--out", str(out), "--probabilities", "--model", "spectral"])
    assert not end.value.code
    return out


def test_rasters_are_whole_cogs_on_the_scenes_grid(shared, made):
    with rasterio.open(shared / f"{NAME}.tif") as file:
        grid, fill = (file.crs, file.transform, file.shape), (file.read() == file.nodata).any(axis=0)
    for kind, bands in (("masks", (*Mask, CLEAR_WATER)), ("qa", ("Fmask",)), ("probabilities", tuple(Mask))):
        path = made / NAME / f"{NAME}.{kind}.tif"
        assert cog_validate(str(path), strict=True) == (True, [], [])
        with rasterio.open(path) as file:
            assert (file.crs, file.transform, file.shape) == grid
            assert file.descriptions == bands
            assert file.nodata == 255
            np.testing.assert_array_equal(file.read(1) == 255, fill)


def test_the_eye_would_agree(made):
    """The scene is forest under cumulus with shadows: cloud and shadow each cover some of it, snow none."""
    with rasterio.open(made / NAME / f"{NAME}.masks.tif") as file:
        masks = file.read()
    seen = masks[1] != 255
    cloud, shadow, snow = (float((masks[at][seen] == 1).mean()) for at in (1, 2, 3))
    assert 0.1 < cloud < 0.25
    assert 0.03 < shadow < 0.15
    assert snow == 0
    assert (masks[4] == 255).all()


def test_the_item_is_read_by_pystac(made):
    item = pystac.Item.from_file(str(made / NAME / f"{NAME}.json"))
    core = item.to_dict(include_self_link=False) | {"stac_extensions": []}
    validate_dict(core)
    projection = ProjectionExtension.ext(item)
    assert projection.code is None
    assert "UTM Zone 16" in projection.wkt2
    assert projection.shape == [283, 465]
    assert projection.transform[:6] == [30.0, 0.0, 648735.0, 0.0, -30.0, 4211835.0]
    assert item.properties["processing:software"].keys() == {"hlsmask", "spectral"}
    assert item.properties["hlsmask:unknown_masks"].keys() == {"terrain_shadow"}
    assert item.properties["hlsmask:datetime_source"] == "file modification time"
    assert sorted(item.assets) == ["masks", "probabilities", "qa", "quicklook"]
    (probability, *_) = RasterExtension.ext(item.assets["probabilities"]).bands
    assert (probability.scale, probability.nodata) == (0.005, 255)
    bits = {field.name: field.offset for field in ClassificationExtension.ext(item.assets["qa"]).bitfields}
    assert bits == {"cloud": 1, "adjacent": 2, "cloud_shadow": 3, "snow_ice": 4, "water": 5}
    bands = RasterExtension.ext(item.assets["masks"]).bands
    classes = [ClassificationExtension.ext(band).classes for band in bands]
    assert [[kind.value for kind in kinds] for kinds in classes] == [[0, 1, 255]] * 6
    (source,) = item.get_links("derived_from")
    assert source.href.endswith(f"{NAME}.tif")
    west, south, east, north = item.bbox
    assert -86 < west < east < -85
    assert 37 < south < north < 39


def test_the_quicklook_is_a_picture(made):
    with Image.open(made / NAME / f"{NAME}.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 500
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 1000
