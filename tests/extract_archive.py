"""A small archive of masks and their scenes, places in it, and an independent judge; for the tests of extraction."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyproj
import rasterio
import shapely

from hlsmask.granules.source import locate
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.products.output import Output
from hlsmask.products.produce import produce
from hlsmask.testing import tiny_granule
from hlsmask.testing.granule import CORNER

CRS = "EPSG:32613"
NAMES = tuple(f"HLS.S30.T13TDE.2024{day}T174911.v2.0" for day in (190, 195, 200))
BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
LAYERS = ("water", "cloud", "cloud_shadow", "snow_ice", "terrain_shadow", "clear_water")
TO_DEGREES = pyproj.Transformer.from_crs(CRS, "OGC:CRS84", always_xy=True)
FROM_DEGREES = pyproj.Transformer.from_crs("OGC:CRS84", CRS, always_xy=True)


def predict(source, out):
    """Mask a source in the quickest way."""
    options = Options(model="spectral")
    return produce(locate(source), open_engine(options), options, Output(out)).folder


def make_archive(home, names=NAMES, shape=(64, 48)):
    """Make granules in `home/scenes` and results in `home/masks`, with masks of every kind at random."""
    for seed, name in enumerate(names):
        folder = tiny_granule(home / "scenes", shape, seed=seed, granule_id=name)
        put_masks(predict(folder, home / "masks"), random_masks(shape, seed))
    return home


def random_masks(shape, seed, unseen=0.2):
    """Return six layers (6, row, column) of which clear water is water that nothing hides."""
    rng = np.random.default_rng(seed)
    layers = (rng.random((6, *shape)) < np.array([0.7, 0.2, 0.1, 0.1, 0.05, 0])[:, None, None]).astype(np.uint8)
    layers[5] = (layers[0] == 1) & (layers[1:5] == 0).all(axis=0)
    layers[:, rng.random(shape) < unseen] = 255
    return layers


def put_masks(folder, layers):
    """Write other masks in place of those in a folder of results."""
    with rasterio.open(folder / f"{folder.name}.masks.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.write(layers)


def degrees(column, row):
    """Return longitude and latitude of a place in pixels of the granules."""
    return TO_DEGREES.transform(CORNER[0] + 30 * column, CORNER[1] - 30 * row)


def point(column, row, **properties):
    return feature({"type": "Point", "coordinates": degrees(column, row)}, **properties)


def parcel(left, top, right, bottom, **properties):
    """Return a rectangle in pixels, as its corners in degrees."""
    ring = [degrees(*at) for at in ((left, top), (left, bottom), (right, bottom), (right, top), (left, top))]
    return feature({"type": "Polygon", "coordinates": [ring]}, **properties)


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def write_sites(path, *features, **more):
    Path(path).write_text(json.dumps({"type": "FeatureCollection", "features": features, **more}), encoding="utf-8")
    return path


def judged(home, name, column, row, radius):
    """Return what numpy, rasterio and pyproj say of the circle around a place in pixels."""
    with rasterio.open(home / "masks" / name / f"{name}.masks.tif") as file:
        layers, shape = file.read(), file.shape
    rows, columns = np.indices(shape)
    x, y = TO_DEGREES.transform(CORNER[0] + 30 * (columns + 0.5), CORNER[1] - 30 * (rows + 0.5))
    lon, lat = degrees(column, row)
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(np.full(shape, lon), np.full(shape, lat), x, y)
    return told_of(home, name, layers, metres <= radius)


def judged_polygon(home, name, geometry):
    """Return the same of a polygon in degrees; its edges are straight there."""
    with rasterio.open(home / "masks" / name / f"{name}.masks.tif") as file:
        layers = file.read()
    return told_of(home, name, layers, within(geometry, layers.shape[1:]))


def judged_values(bands, geometry):
    """Return the values (band, pixel) of an array where the same polygon is."""
    return bands[:, within(geometry, bands.shape[1:])]


def within(geometry, shape):
    """Return which pixels (row, column) have their centres in a polygon in degrees."""
    dense = shapely.segmentize(shapely.geometry.shape(geometry), 0.0005)
    there = shapely.transform(dense, lambda at: np.column_stack(FROM_DEGREES.transform(at[:, 0], at[:, 1])))
    rows, columns = np.indices(shape)
    return shapely.contains_xy(there, CORNER[0] + 30 * (columns + 0.5), CORNER[1] - 30 * (rows + 0.5))


def told_of(home, name, layers, inside):
    codes = ("B02", "B03", "B04", "B8A", "B11", "B12")
    bands = []
    for code in codes:
        with rasterio.open(next((home / "scenes").rglob(f"{name}.{code}.tif"))) as file:
            bands.append(np.where((stored := file.read(1)) == -9999, np.nan, stored * 0.0001))
    seen = inside & (layers != 255).any(axis=0)
    clear = inside & (layers[5] == 1)
    told = {"pixels": inside.sum(), "observed": seen.sum(), "clear_water": clear.sum()}
    for at, mask in enumerate(LAYERS[:5]):
        told[f"{mask}_share"] = (layers[at][seen] == 1).mean()
    for band, values in zip(BANDS, bands, strict=True):
        for quantile, word in ((25, "q25"), (50, "median"), (75, "q75")):
            told[f"{band}_{word}"] = np.nanpercentile(values[clear], quantile)
    return told
