"""A granule, and the DSWx product that was made from it, are cut into samples, window by window."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from rasterio.warp import transform

from hlsmask.bands import HLS_SCALE, Sensor
from hlsmask.errors import GridError, MissingBandError, NotReflectanceError, SourceError
from hlsmask.granules.angles import sun_of
from hlsmask.granules.dswx_codes import check_codes
from hlsmask.granules.elevation import Elevation
from hlsmask.granules.hls import Granule
from hlsmask.granules.layers import Layer
from hlsmask.hrefs import public_href
from hlsmask.raster import pixel_metres
from hlsmask.samples.building.grids import crs_name, grids_differ
from hlsmask.samples.labels import from_dswx, from_spectral, layers_needed, shad_layer
from hlsmask.samples.sample import Record, Sample
from hlsmask.windows import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.samples.building.pairing import Pair
    from hlsmask.samples.building.recipe import Cut
    from hlsmask.samples.labels import Rules
    from hlsmask.sun import Sun

_SLOPE: Final = 1
"""Pixels around a window on which its slopes depend."""


class Cutter:
    """An open pair; several threads may cut windows of it at once."""

    def __init__(self, pair: Pair, cut: Cut, rules: Rules) -> None:
        """Open the layers that are needed, and check that they lie on one grid.

        Raises
        ------
        SourceError
            If a layer is missing, cannot be read, lies elsewhere, holds something else, or was made from another
            granule.
        """
        self.pair, self.cut, self.rules = pair, cut, rules
        self._open: list[Layer | Elevation] = []
        try:
            self._bands = [self._layer(href) for href in pair.granule.band_hrefs().values()]
            self._fmask = self._open_fmask()
            self.geobox = self._bands[0].geobox
            self._whole = Window(0, 0, *self.geobox.shape)
            self._products = self._open_products()
            self._check()
            self._sun, self._elevation = self._relief()
            self._platform = self._find_platform()
            self._crs = crs_name(self.geobox)
        except BaseException:
            self.close()
            raise

    def _layer(self, href: str) -> Layer:
        layer = Layer(href)
        self._open.append(layer)
        return layer

    def _open_fmask(self) -> Layer:
        granule = self.pair.granule
        if "Fmask" not in granule.hrefs:
            raise MissingBandError(f"{granule.id} lacks Fmask, which tells cloud and snow")
        return self._layer(granule.hrefs["Fmask"])

    def _open_products(self) -> dict[str, Layer]:
        if self.cut.labels != "dswx":
            return {}
        if self.pair.product is None:
            raise MissingBandError(f"{self.pair.granule.id} has no DSWx-HLS product; use --labels spectral without one")
        hrefs = self.pair.product.layer_hrefs(layers_needed(self.rules))
        return {name: self._layer(href) for name, href in hrefs.items()}

    def _check(self) -> None:
        first = self._bands[0]
        if not self.windows:
            raise SourceError(
                f"{self.pair.granule.id} has {self._whole.height} x {self._whole.width} pixels, too few for samples of "
                f"{self.cut.size}; use a smaller --size"
            )
        for layer in (*self._bands[1:], self._fmask, *self._products.values()):
            if said := grids_differ(first.geobox, layer.geobox):
                raise GridError(
                    f"{public_href(layer.href)} is not on the grid of {public_href(first.href)}: {said}; "
                    "all layers of a pair must share one grid"
                )
        for layer in self._bands:
            kind, scale = layer.dataset.dtypes[0], layer.dataset.scales[0]
            if kind != "int16" or scale not in (1.0, HLS_SCALE):
                raise NotReflectanceError(
                    f"{public_href(layer.href)} holds {kind} numbers of scale {scale:g}; HLS bands are int16 of "
                    f"scale {HLS_SCALE:g}, or without one"
                )
        for layer in self._products.values():
            _check_origin(layer, self.pair.granule)

    def _relief(self) -> tuple[Sun | None, Elevation | None]:
        """Return the sun and the ground's elevation, where SHAD is to be made of them and both are known."""
        if self.cut.labels == "dswx":
            return None, None
        product = self.pair.product
        dem = self.cut.dem or (product.hrefs.get("DEM") if product is not None else None)
        sun = sun_of(self.pair.granule) if dem else None
        if dem is None or sun is None or not pixel_metres(self.geobox):
            return None, None
        elevation = Elevation(dem, self.geobox)
        self._open.append(elevation)
        return sun.on_grid(self.geobox.affine), elevation

    def _find_platform(self) -> str:
        """Return the satellite: as the product has it, else as the tags of the granule tell; "" where neither does."""
        if self.pair.product is not None:
            return self.pair.product.platform
        tags = self._bands[0].dataset.tags()
        if self.pair.granule.sensor is Sensor.S30:
            match = re.match(r"Sentinel-(2[A-D])$", tags.get("SPACECRAFT_NAME", ""))
            return f"S{match[1]}" if match else ""
        match = re.match(r"L[COTEM]0(\d)_", tags.get("LANDSAT_PRODUCT_ID", ""))
        return f"L{match[1]}" if match else ""

    @property
    def windows(self) -> list[Window]:
        """Where samples are cut, row by row."""
        return self.cut.windows(self._whole.shape)

    def name(self, window: Window) -> str:
        """Return the name of the sample that is cut there."""
        return f"{self.pair.granule.id}.r{window.row:04d}.c{window.col:04d}"

    def read(self, window: Window) -> Sample:
        """Return the sample of a window.

        Raises
        ------
        SourceError
            If a layer cannot be read there, or holds what it cannot hold.
        """
        bands = np.concatenate([layer.read([1], window) for layer in self._bands])
        fmask = self._fmask.read([1], window)[0]
        if fmask.dtype != np.uint8:
            raise SourceError(f"{public_href(self._fmask.href)} holds {fmask.dtype} numbers; Fmask is uint8")
        if self.cut.labels == "dswx":
            layers = {name: self._codes(name, layer, window) for name, layer in self._products.items()}
            labels = from_dswx(layers, fmask, self.rules)
        else:
            labels = from_spectral(bands, fmask, self._shad(window), self.rules)
        return Sample.of(self.record(window), bands, labels, fmask)

    def _codes(self, name: str, layer: Layer, window: Window) -> NDArray[Any]:
        values: NDArray[Any] = layer.read([1], window)[0]
        check_codes(name, values, layer.href)
        return values

    def _shad(self, window: Window) -> NDArray[np.uint8] | None:
        if self._elevation is None or self._sun is None:
            return None
        around = window.pad(_SLOPE) & self._whole
        metres = self._elevation.read(around)
        return shad_layer(metres, self._sun, pixel_metres(self.geobox) or 0.0)[window.within(around)]

    def record(self, window: Window) -> Record:
        """Return what is known of the sample that is cut there."""
        granule, sides = self.pair.granule, self.geobox.affine
        left, top = sides * (window.col, window.row)
        middle = sides * (window.col + window.width / 2, window.row + window.height / 2)
        lon, lat = (None, None)
        if self._crs:
            (lon,), (lat,) = transform(self._crs, "OGC:CRS84", [middle[0]], [middle[1]])
        return Record(
            id=self.name(window),
            size=self.cut.size,
            granule=granule.id,
            sensor=str(granule.sensor),
            platform=self._platform,
            tile=granule.tile,
            time=granule.time,
            row=window.row,
            col=window.col,
            crs=self._crs,
            left=left,
            top=top,
            lon=lon,
            lat=lat,
        )

    def close(self) -> None:
        """Close the files."""
        for layer in self._open:
            layer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_origin(layer: Layer, granule: Granule) -> None:
    """Raise SourceError if the tags of a DSWx layer say that it was made from another granule."""
    made_from = layer.dataset.tags().get("HLS_DATASET", "")
    try:
        named = Granule.parse(made_from)
    except SourceError:
        return  # no tag, or one that says nothing
    if (named.sensor, named.tile, named.time) != (granule.sensor, granule.tile, granule.time):
        raise SourceError(
            f"{public_href(layer.href)} was made from {named.id}, not from {granule.id}; is it called by its own name?"
        )
