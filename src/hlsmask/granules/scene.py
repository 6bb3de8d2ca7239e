"""A scene: anything with the six bands on one grid that can be read by window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import numpy as np

from hlsmask.bands import BANDS, Band, Sensor
from hlsmask.errors import GridError, NotReflectanceError
from hlsmask.granules.layers import Layer
from hlsmask.granules.reflectance import Storage, to_raster
from hlsmask.hrefs import public_href
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from hlsmask.raster import Raster
    from hlsmask.sun import Sun


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a scene comes from, as far as it is known."""

    id: str
    """Granule's name, else the file's stem."""

    hrefs: tuple[str, ...] = ()
    """The files it is read from; URLs without what is secret in them."""

    sensor: Sensor | None = None
    """Which satellites."""

    time: datetime | None = None
    """Acquisition, UTC."""

    sun: Sun | None = field(default=None, compare=False)
    """Where the sun stood."""


class Scene(Protocol):
    """Six bands on one grid."""

    @property
    def origin(self) -> Origin:
        """Where it comes from."""

    @property
    def geobox(self) -> GeoBox:
        """Shape, affine transform and CRS (None where there is none)."""

    def read(self, window: Window) -> Raster:
        """Return float32 reflectance of a window that lies within the scene, in an array of its own.

        Threads may call it at once.
        """

    def close(self) -> None:
        """Close what it holds open."""


@dataclass(frozen=True, slots=True)
class BandFile:
    """Where one band is stored."""

    href: str
    """Path or URL."""

    index: int = 1
    """Number of the band in its file, from 1."""


class FileScene:
    """A scene in raster files: one with six bands, or six with one."""

    def __init__(self, origin: Origin, bands: Mapping[Band, BandFile], *, scale: float | None = None) -> None:
        """Open the files of the six `bands`; `scale` overrules the files' own, as reflectance of one integer.

        Raises
        ------
        UnreadableError
            If a file cannot be opened.
        GridError
            If the bands are not on one grid.
        NotReflectanceError
            If what is stored cannot be reflectance.
        """
        self.origin = origin
        self._bands = [bands[band] for band in BANDS]
        self._layers: dict[str, Layer] = {}
        try:
            for band in self._bands:
                if band.href not in self._layers:
                    self._layers[band.href] = Layer(band.href)
            self.geobox = self._one_grid()
            self._storage = [self._stored(band, scale) for band in self._bands]
            check_reflectance(self, public_href(self._bands[0].href))
        except BaseException:
            self.close()
            raise

    def _one_grid(self) -> GeoBox:
        first, *others = self._bands
        geobox = self._layers[first.href].geobox
        for band in others:
            other = self._layers[band.href].geobox
            if other != geobox:
                what = next(
                    name for name in ("shape", "crs", "transform") if getattr(other, name) != getattr(geobox, name)
                )
                raise GridError(
                    f"{public_href(band.href)} is not on the grid of {public_href(first.href)}: "
                    f"its {what} differs; all six bands must share one grid"
                )
        return geobox

    def _stored(self, band: BandFile, scale: float | None) -> Storage:
        dataset, at = self._layers[band.href].dataset, band.index - 1
        try:
            return Storage.of(
                np.dtype(dataset.dtypes[at]),
                scale=dataset.scales[at],
                offset=dataset.offsets[at],
                nodata=dataset.nodatavals[at],
                asked=scale,
            )
        except NotReflectanceError as error:
            raise NotReflectanceError(f"{public_href(band.href)} {error}") from error

    def read(self, window: Window) -> Raster:
        """Return float32 reflectance of a window that lies within the scene."""
        order = sorted(range(len(BANDS)), key=lambda at: list(self._layers).index(self._bands[at].href))
        return to_raster(self._planes(window), self._storage, self.geobox[window.slices], order)

    def _planes(self, window: Window) -> Iterator[NDArray[Any]]:
        """Yield the bands as they are stored, file by file: of six files never more than one is in memory."""
        for href, layer in self._layers.items():
            yield from layer.read([band.index for band in self._bands if band.href == href], window)

    def close(self) -> None:
        """Close the files."""
        for layer in self._layers.values():
            layer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_PROBE: Final = 192
_BRIGHTEST_MEDIAN: Final = 2.0
_DARKEST_TOP: Final = 0.005
_LOWEST_MEDIAN: Final = -0.1


def check_reflectance(scene: Scene, name: str) -> None:
    """Raise NotReflectanceError if five small windows of a scene say that its numbers are not reflectance.

    They are not if the median of what was observed is above 2 (200 %) or below -0.1, or if not one in a
    hundred values reaches 0.005: clear deep water is brighter than that in the blue.
    """
    rows, cols = scene.geobox.shape
    height, width = min(rows, _PROBE), min(cols, _PROBE)
    places = {(0.5, 0.5), (0.2, 0.2), (0.2, 0.8), (0.8, 0.2), (0.8, 0.8)}
    values = []
    for down, right in sorted(places):
        window = Window(int((rows - height) * down), int((cols - width) * right), height, width)
        raster = scene.read(window)
        values.append(raster.data[:, raster.valid].ravel())
    observed = np.concatenate(values)
    if not observed.size:
        return
    median, top = np.percentile(observed, (50, 99))
    if median > _BRIGHTEST_MEDIAN:
        raise NotReflectanceError(
            f"{name} does not hold reflectance: its median is {median:.4g}, where 1 is all light returned; "
            "if its numbers are scaled, say by how much with --scale (0.0001 for reflectance x 10 000)"
        )
    if median < _LOWEST_MEDIAN:
        raise NotReflectanceError(f"{name} does not hold reflectance: its median is {median:.4g}, which is below zero")
    if top < _DARKEST_TOP:
        raise NotReflectanceError(
            f"{name} does not hold reflectance: 99 % of it is below {top:.4g}, darker than deep water; "
            "say with --scale what one stored unit is worth (1 if it is reflectance already)"
        )
