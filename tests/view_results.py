"""Results to look at, with any masks one likes, and a server that shows them; for the tests of `hlsmask view`."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from io import BytesIO
from math import asinh, pi, radians, tan
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image

from hlsmask.granules.hls import Granule
from hlsmask.masks import Mask
from hlsmask.products.cog import CogWriter
from hlsmask.products.item import ItemRecord, Provenance, write_item
from hlsmask.products.palette import LAYERS
from hlsmask.testing import tiny_granule
from hlsmask.view.catalogue import Catalogue
from hlsmask.view.scenes import Scenes
from hlsmask.view.serving import listen, make_server
from hlsmask.view.web import make_app
from hlsmask.windows import Window

SHAPE = (64, 48)
FIRST = "HLS.S30.T13TDE.2024190T174911.v2.0"
SAME_DAY = "HLS.S30.T14TDE.2024190T173011.v2.0"
LATER = "HLS.L30.T13TDE.2024195T174011.v2.0"


def make_masks(seed, shape=SHAPE):
    """Return six layers of blobs of 0 and 1, the first columns and the last row 255, and one mask not known at all."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 2, (len(LAYERS), -(-shape[0] // 4), -(-shape[1] // 4)))
    masks = small.repeat(4, 1).repeat(4, 2)[:, : shape[0], : shape[1]].astype(np.uint8)
    masks[:, :, :3], masks[:, -1] = 255, 255
    masks[LAYERS.index(Mask.TERRAIN_SHADOW)] = 255
    return masks


def write_result(out, name, geobox, time, *, masks, sources=(), probabilities=None):
    """Write the masks, probabilities and Item of a scene; return its folder."""
    home = Path(out) / name
    layers = [("masks", LAYERS, masks)]
    if probabilities is not None:
        layers.append(("probabilities", tuple(Mask), probabilities))
    for kind, names, data in layers:
        with CogWriter(home / f"{name}.{kind}.tif", geobox, names) as writer:
            writer.write(Window.of(data.shape[1:]), data)
    shares = {name: float((layer == 1).mean()) for name, layer in zip(LAYERS, masks, strict=True)}
    record = ItemRecord(
        id=name,
        geobox=geobox,
        datetime=time,
        provenance=Provenance(
            model="tiny",
            model_version="1",
            engine="onnxruntime",
            engine_version="1",
            hlsmask_version="0",
            sources=tuple(map(str, sources)),
        ),
        observed=0.9,
        shares=shares,
    )
    write_item(home, record)
    return home


def write_granule_result(folder, name, seed=0, *, crs="EPSG:32613", probabilities=True):
    """Write a granule to `folder/granules` and results of it to `folder/masks`; return the folder of the latter."""
    granule = Granule.parse(name)
    home = tiny_granule(folder / "granules", SHAPE, sensor=granule.sensor, seed=seed, crs=crs, granule_id=name)
    hrefs = Granule.from_folder(home).band_hrefs()
    with rasterio.open(next(iter(hrefs.values()))) as file:
        geobox = GeoBox(file.shape, file.transform, file.crs)
    chances = np.random.default_rng(seed).integers(0, 201, (5, *SHAPE)).astype(np.uint8)
    chances[:, -1] = 255
    return write_result(
        folder / "masks",
        name,
        geobox,
        granule.time,
        masks=make_masks(seed),
        sources=hrefs.values(),
        probabilities=chances if probabilities else None,
    )


def write_three(folder):
    """Write results of two scenes of a day, in two zones, and of a later one where the first lies; return `folder`."""
    write_granule_result(folder, FIRST, 1)
    write_granule_result(folder, SAME_DAY, 2, crs="EPSG:32614", probabilities=False)
    write_granule_result(folder, LATER, 3)
    return folder


def write_place(out, name, time, *, crs="EPSG:32613", corner=(399960, 4500000)):
    """Write results of a small scene that has no source; return their folder."""
    geobox = GeoBox((8, 8), Affine(30, 0, corner[0], 0, -30, corner[1]), crs)
    return write_result(out, name, geobox, time, masks=np.ones((6, 8, 8), np.uint8))


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def pixels(self):
        """Shape (512, 512, 4): red, green, blue, alpha."""
        assert self.status == 200, self.body
        return np.array(Image.open(BytesIO(self.body)).convert("RGBA"))


@dataclass
class Client:
    """Asks a server that runs in this process."""

    port: int

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path, *, method="GET", **headers):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def tile(self, day, layer, tile, query=""):
        return self.get(f"/tiles/{day}/{layer}/{tile[0]}/{tile[1]}/{tile[2]}.png{query}")


@contextmanager
def serve(out, scenes=None, *, remote=False):
    """Serve a folder of results; yield what asks."""
    listener = listen()
    server = make_server(make_app(Catalogue(Path(out)), Scenes(scenes, remote=remote)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Client(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def tile_at(longitude, latitude, zoom):
    """Return zoom, column and row of the tile in which a place lies, by the formula of web maps."""
    side = 2**zoom
    return (
        zoom,
        int((longitude + 180) / 360 * side),
        int((1 - asinh(tan(radians(latitude))) / pi) / 2 * side),
    )


def place_of(path, row, column):
    """Return longitude and latitude of the middle of a pixel of a file."""
    with rasterio.open(path) as file:
        x, y = file.transform * (column + 0.5, row + 0.5)
        (longitude,), (latitude,) = rasterio.warp.transform(file.crs, "OGC:CRS84", [x], [y])
    return longitude, latitude
