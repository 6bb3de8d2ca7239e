"""Windows in any order become one cloud-optimised GeoTIFF, in memory that does not grow with the scene."""

from __future__ import annotations

import shutil
import warnings
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from hlsmask.aside import open_scratch, remove_scratch, settle
from hlsmask.errors import OutputError
from hlsmask.masks import NOT_OBSERVED
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

BLOCK: Final = 512
"""Rows and columns of a block of the file; windows aligned to it are written fastest."""

_GDAL: Final = (RasterioError, CPLE_BaseError, SystemError)
"""What rasterio raises; its copy lets GDAL's own errors through, and gives the last where GDAL fails without a word."""

_ROOM: Final = 1 << 20
"""Bytes; a disk with less than this left is called full."""


class CogWriter:
    """A cloud-optimised GeoTIFF of bytes that grows window by window; a context manager.

    Blocks go to a compressed scratch file beside `path`; leaving the context turns that into the finished
    file, checks that the disk holds all of it, and only then gives it its name. An exception inside the context
    leaves nothing behind. What no window covers holds `nodata`.

    Raises
    ------
    OutputError
        From any method, if the folder or the disk refuses.
    """

    def __init__(
        self,
        path: Path,
        geobox: GeoBox,
        names: Sequence[str],
        *,
        nodata: int = NOT_OBSERVED,
        tags: Mapping[str, str] = MappingProxyType({}),
        resampling: Literal["nearest", "mode", "average"] = "nearest",
        threads: int = 2,
        colormap: Mapping[int, tuple[int, int, int, int]] | None = None,
    ) -> None:
        """Start a file.

        Parameters
        ----------
        path
            Where the finished file goes; what is there is replaced at the end.
        geobox
            Shape, transform and CRS; no CRS is written where it is None.
        names
            One description a band.
        nodata
            0 to 255.
        tags
            Go into the file's metadata.
        resampling
            How overviews are made; a class wants `nearest` or `mode`, a measure `average`.
        threads
            That compress at the end.
        colormap
            Red, green, blue, alpha a value, for files of one band.
        """
        self.path = path
        self.shape: tuple[int, int] = (int(geobox.shape[0]), int(geobox.shape[1]))
        self.names = tuple(names)
        self._resampling = Resampling[resampling]
        self._threads = max(1, threads)
        self._folder = open_scratch(path)
        self._scratch = self._folder / "scratch.tif"
        try:
            with _explained(path), _unreferenced():
                self._sink = rasterio.open(self._scratch, "w", **_profile(geobox, len(self.names), nodata))
                for band, name in enumerate(self.names, 1):
                    self._sink.set_band_description(band, name)
                if colormap is not None and len(self.names) == 1:
                    self._sink.write_colormap(1, dict(colormap))
                self._sink.update_tags(**tags)
        except BaseException:
            remove_scratch(self._folder)
            raise

    def write(self, window: Window, data: NDArray[np.uint8]) -> None:
        """Write `data`, shape (band, row, column), uint8, at `window` of the scene.

        Raises
        ------
        ValueError
            If `data` is not bytes of the window's shape, or the window leaves the scene.
        """
        if data.dtype != np.uint8 or data.shape != (len(self.names), *window.shape):
            raise ValueError(
                f"{window} of {self.path.name} takes uint8 {(len(self.names), *window.shape)}, "
                f"not {data.dtype} {data.shape}"
            )
        if window & Window.of(self.shape) != window:
            raise ValueError(f"{window} lies outside {self.path.name}, a scene of {self.shape} pixels")
        if data.size:
            rows, columns = (window.row, window.bottom), (window.col, window.right)
            with _explained(self.path):
                self._sink.write(data, window=(rows, columns))

    def close(self) -> None:
        """Finish the file and give it its name."""
        draft = self._folder / "cog.tif"
        try:
            with _explained(self.path), _unreferenced():
                self._sink.close()
                _check_whole(self._scratch)
                overviews = self._build_overviews()
                rasterio.shutil.copy(
                    self._scratch,
                    draft,
                    driver="COG",
                    compress="DEFLATE",
                    level=5,  # 6 takes half as long again for files an eighth smaller
                    blocksize=BLOCK,
                    bigtiff="IF_SAFER",
                    num_threads=str(self._threads),
                    overviews="FORCE_USE_EXISTING" if overviews else "NONE",
                )
                _check_whole(draft)
            settle(draft, self.path)
        finally:
            remove_scratch(self._folder)

    def _build_overviews(self) -> bool:
        """Make the overviews in the scratch file, down to one that is no larger than a block; return whether any.

        Left to the driver of COG, they take four times as long: it packs them well, only to unpack them again.
        """
        height, width = self.shape
        if width == 1:  # an overview of one column has no decimation that readers could see
            return False
        factors: list[int] = []
        while max(height, width) > BLOCK << len(factors):
            factors.append(2 << len(factors))
        if factors:
            with rasterio.Env(**_overview_compression()), rasterio.open(self._scratch, "r+") as file:
                file.build_overviews(factors, self._resampling)
            _check_whole(self._scratch)
        return bool(factors)

    def discard(self) -> None:
        """Forget the file: nothing of it stays."""
        try:
            self._sink.close()
        except (*_GDAL, OSError):
            pass  # it is thrown away: what it could not hold does not matter
        finally:
            remove_scratch(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def _profile(geobox: GeoBox, count: int, nodata: int) -> dict[str, Any]:
    """Return how the scratch file is laid out."""
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": count,
        "height": int(geobox.shape[0]),
        "width": int(geobox.shape[1]),
        "nodata": nodata,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "interleave": "band",
        "photometric": "minisblack",
        "bigtiff": "IF_SAFER",
        **_scratch_compression(),
    }
    if geobox.crs is not None:
        profile["crs"] = rasterio.CRS.from_user_input(geobox.crs.to_wkt())
    if geobox.transform != Affine.identity():
        profile["transform"] = geobox.transform
    return profile


@cache
def _scratch_compression() -> dict[str, Any]:
    """Return the fastest compression that this GDAL was built with."""
    try:
        with _unreferenced(), MemoryFile() as memory:
            memory.open(driver="GTiff", dtype="uint8", count=1, height=1, width=1, compress="zstd").close()
    except (*_GDAL, ValueError):
        return {"compress": "deflate", "zlevel": 1}
    return {"compress": "zstd", "zstd_level": 1}


def _overview_compression() -> dict[str, str]:
    """Return how GDAL is told to compress the overviews of a scratch file: as the file."""
    return {f"{name}_OVERVIEW".upper(): str(value) for name, value in _scratch_compression().items()} | {
        "GDAL_TIFF_OVR_BLOCKSIZE": str(BLOCK)
    }


def _check_whole(path: Path) -> None:
    """Raise an OSError if the file does not hold every block that it lists: GDAL may not say that a disk is full."""
    size = path.stat().st_size
    with rasterio.open(path) as file:
        levels: list[int | None] = [None, *range(len(file.overviews(1)))]
    for level in levels:
        options = {} if level is None else {"overview_level": level}
        with rasterio.open(path, **options) as file:
            bands = range(1, file.count + 1) if file.interleaving.value == "BAND" else (1,)
            rows, columns = (-(-n // b) for n, b in zip(file.shape, file.block_shapes[0], strict=True))
            for band in bands:
                for row in range(rows):
                    for column in range(columns):
                        place = f"{column}_{row}"
                        start = file.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=band)
                        length = file.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=band)
                        if not start or not length or int(start) + int(length) > size:
                            raise OSError(f"block {place} of band {band} is missing")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what GDAL and the system raise into one sentence about `path`."""
    try:
        yield
    except OutputError:
        raise
    except (*_GDAL, OSError) as error:
        try:
            free = shutil.disk_usage(path.parent).free
        except OSError:
            free = _ROOM
        cause = error.__cause__ or error
        why = "No space left on the disk" if free < _ROOM else f"the disk did not take all of it ({cause})"
        raise OutputError(f"{path} cannot be written: {why}; make room, or choose another folder") from error


@contextmanager
def _unreferenced() -> Iterator[None]:
    """Silence the one warning that a scene without a place on Earth causes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield
