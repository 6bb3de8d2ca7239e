"""Opening and reading raster files, with errors that say what is wrong with which file."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import rasterio
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError  # what GDAL raises where rasterio does not wrap it
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterioWindow

from hlsmask.errors import UnreadableError
from hlsmask.hrefs import public_href

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hlsmask.windows import Window

GDAL_OPTIONS: Final = {
    "GDAL_HTTP_MAX_RETRY": 3,  # 429 and 5xx pass
    "GDAL_HTTP_RETRY_DELAY": 1,  # seconds, doubled each time by GDAL
    "GDAL_HTTP_CONNECTTIMEOUT": 30,  # seconds
    "CPL_VSIL_CURL_CHUNK_SIZE": 1 << 20,  # one request for the header of a COG and its index
}

GDAL_ERRORS: Final = (RasterioError, CPLE_BaseError)

_PREFIXES: Final = {"s3": "/vsis3/", "gs": "/vsigs/", "az": "/vsiaz/"}


_REMOTE: Final = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
"""No listing of remote folders, no requests for side-car files; locally, a .tfw or .aux.xml counts."""


_SERVED: Final = ("/vsicurl", "/vsis3", "/vsigs", "/vsiaz")
"""How GDAL's names begin of what lies on servers."""

_ONCE: Final = {"CPL_VSIL_CURL_NON_CACHED": ":".join(f"{name}/" for name in _SERVED), "GDAL_HTTP_MAX_RETRY": 0}
"""Ask servers one time, and remember nothing of what they say."""


def gdal(href: str) -> Any:  # noqa: ANN401 - rasterio has no types
    """Return the context in which the file at `href` is opened and read; every thread enters its own."""
    return rasterio.Env(**GDAL_OPTIONS, **(_REMOTE | _endpoint() if _is_remote(href) else {}))


def _is_remote(href: str) -> bool:
    return "://" in href or href.startswith(_SERVED)


def _forget(href: str) -> None:
    """Make GDAL forget that a server refused a file: it would tell so again, whatever the server says by then."""
    with gdal(href), rasterio.Env(**_ONCE), suppress(*GDAL_ERRORS):
        rasterio.open(gdal_name(href)).close()


def gdal_name(href: str) -> str:
    """Return what GDAL calls the file at `href`: a path, `https://`, `s3://`, `gs://`, `az://` or a name of its own."""
    scheme, _, rest = href.partition("://")
    return _PREFIXES[scheme] + rest if scheme in _PREFIXES else href


def _endpoint() -> dict[str, str]:
    """Return where GDAL is to find S3, if the variables say so that all others of its libraries follow."""
    url = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not url or "AWS_S3_ENDPOINT" in os.environ:  # GDAL's own, which it reads by itself
        return {}
    scheme, _, rest = url.partition("://")
    secure = "NO" if scheme == "http" else "YES"
    return {"AWS_S3_ENDPOINT": rest.rstrip("/"), "AWS_HTTPS": secure, "AWS_VIRTUAL_HOSTING": "FALSE"}


class Layer:
    """An open raster file that several threads may read, one at a time.

    GDAL decodes in the thread that reads. Threads of its own would be quicker for one reader alone; beside others, and
    an engine on all cores, they cost a granule a fifteenth of its time.
    """

    def __init__(self, href: str) -> None:
        """Open the file at `href`: a path, `https://`, `s3://`, `gs://` or a GDAL name.

        Raises
        ------
        UnreadableError
            If it is missing, refused, or no raster.
        """
        self.href = href
        self.lock = Lock()
        try:
            with gdal(href), warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a raster without CRS is welcome
                self.dataset: Any = rasterio.open(gdal_name(href))
                self.geobox = GeoBox(self.dataset.shape, self.dataset.transform, self.dataset.crs)
        except GDAL_ERRORS as error:
            if _is_remote(href):
                _forget(href)
            raise UnreadableError(f"{public_href(href)} cannot be opened: {reason(error)}") from error

    def read(self, indexes: Sequence[int], window: Window, **options: Any) -> NDArray[Any]:  # noqa: ANN401 - GDAL's
        """Return the bands `indexes` (from 1) of a window, as stored, shape (band, row, column)."""
        place = RasterioWindow(window.col, window.row, window.width, window.height)
        try:
            with self.lock, gdal(self.href):
                pixels: NDArray[Any] = self.dataset.read(list(indexes), window=place, **options)
        except GDAL_ERRORS as error:
            raise UnreadableError(f"{public_href(self.href)} cannot be read: {reason(error)}") from error
        return pixels

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.dataset.close()


def reason(error: BaseException) -> str:
    """Return why, in GDAL's deepest words, without the file's name and without what a URL hides."""
    deepest = error
    while deepest.__cause__ is not None or (deepest.__context__ is not None and not deepest.__suppress_context__):
        deepest = deepest.__cause__ or deepest.__context__  # type: ignore[assignment]  # one of them is there
    text = str(deepest)
    if match := re.search(r"HTTP response code\D*(\d+)", text + str(error)):
        words = {"401": "unauthorized", "403": "forbidden", "404": "not found"}
        code = match.group(1)
        return f"the server answered {code}{' ' + words[code] if code in words else ''}"
    for known, plain in _PLAIN.items():
        if known in text:
            return plain
    return re.sub(r"\?\S+", "", text).strip().rstrip(".") or type(error).__name__


_PLAIN: Final = {
    "No such file or directory": "there is no such file",
    "does not exist in the file system": "there is no such file",
    "not recognized as being in a supported file format": "it is not a raster that GDAL knows, or is cut off",
    "Read error": "it is cut off or corrupt",
    "IReadBlock failed": "it is cut off or corrupt",
    "TIFFReadEncodedTile() failed": "it is cut off or corrupt",
    "Decoding error": "it is cut off or corrupt",
}
