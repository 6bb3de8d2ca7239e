"""Fetching one file: resumed, tried again, checked, and given its name only when it is whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import rasterio

from hlsmask.errors import OutputError, ServiceError
from hlsmask.extras import load
from hlsmask.granules.catalogue.service import LONGEST_WAIT
from hlsmask.granules.layers import GDAL_ERRORS, gdal
from hlsmask.granules.transfer.part import Part, validator_of
from hlsmask.granules.transfer.sessions import is_earthdata
from hlsmask.hrefs import public_href

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from threading import Event

    from hlsmask.granules.transfer.wanted import Wanted

TRIES: Final = 5
"""Times in a row that nothing comes, before a file is given up."""
BACKOFF = 1.0
"""Seconds, doubled each time in a row."""
CHUNK: Final = 1 << 14
"""Bytes that are written at once; of what a connection brings before it breaks off, less than this is lost."""
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
_TOO_MANY: Final = 429
_BROKEN: Final = 500
_MEANINGS: Final = {401: "it wants a login", 403: "it refuses", 404: "it has no such file", 410: "it has it no longer"}
_LICENCE: Final = "; log in once at https://urs.earthdata.nasa.gov and accept the terms of the archive"


class Opener(Protocol):
    """What asks servers for files."""

    def get(self, href: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - a requests.Response
        """Return the answer, its body not yet read."""


class Watch(Protocol):
    """Who looks on."""

    def __call__(self, count: int, /) -> None:
        """Take note of `count` more bytes; less than 0 if some are dropped."""


class _Cut(Exception):  # noqa: N818 - nothing is wrong with the file; it goes on
    """The server broke off, or is not to be had now."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class _Stale(Exception):  # noqa: N818 - as above
    """What came so far does not belong to what the server has now."""


def is_whole(path: Path, wanted: Wanted, *, checksum: bool) -> bool:
    """Say whether the file at `path` is all of what is wanted, as far as its size, its blocks and checksum tell."""
    try:
        size = path.stat().st_size
    except OSError:
        return False
    if wanted.size is not None and size != wanted.size:
        return False
    if checksum and wanted.checksum is not None and not wanted.checksum.fits(path):
        return False
    return _has_all_blocks(path, size)


def fetch(wanted: Wanted, out: Path, opener: Opener, *, watch: Watch, stop: Event) -> int:
    """Fetch a file to its place below `out`; return how many bytes came.

    It goes on where an earlier download broke off, if the server has the same file still.

    Raises
    ------
    ServiceError
        If the server refuses, does not answer, or gives something else.
    OutputError
        If the folder or the disk refuses.
    InterruptedError
        If `stop` is set meanwhile; what came is kept.
    """
    failed, doubted, came = 0, False, 0
    with Part(out / wanted.id / wanted.name) as part:
        watch(part.size)
        while True:
            before = part.size
            try:
                _pull(wanted, part, opener, watch, stop)
            except _Stale:
                _restart(part, watch)
                failed += 1
                wait, why = 0.0, "the file changes while it is fetched"
            except _Cut as cut:
                came += max(part.size - before, 0)
                failed = 1 if part.size > before else failed + 1
                wait, why = max(cut.wait, BACKOFF * 2 ** (failed - 1)), str(cut)
            else:
                came += max(part.size - before, 0)
                part.flush()
                wrong = _wrong(part.path, wanted)
                if not wrong:
                    part.finish()
                    return came
                _restart(part, watch)
                if doubted:
                    raise ServiceError(f"{public_href(wanted.href)} is not what it should be: {wrong}")
                doubted, wait, why = True, 0.0, wrong
            if failed >= TRIES:
                raise ServiceError(f"{public_href(wanted.href)} cannot be fetched: {why}")
            if stop.wait(min(wait, LONGEST_WAIT)):
                raise InterruptedError


def size_of(wanted: Wanted, opener: Opener) -> int | None:
    """Return the bytes of a file, as the catalogue or else its server says it.

    Raises
    ------
    ServiceError
        If the server refuses or does not answer.
    """
    if wanted.size is not None:
        return wanted.size
    # One byte is asked for, not HEAD: addresses that are signed for GET refuse it.
    try:
        with _answer(wanted, opener, {"Range": "bytes=0-0", "Accept-Encoding": "identity"}) as answer:
            if answer.status_code == _PARTIAL:
                return _ranged(answer.headers)[1]
            return _length(answer.headers) if answer.status_code == _OK else None
    except _Cut as cut:
        raise ServiceError(f"{public_href(wanted.href)}: {cut}") from cut


def _pull(wanted: Wanted, part: Part, opener: Opener, watch: Watch, stop: Event) -> None:
    """Take what is still missing of a file."""
    headers = {"Accept-Encoding": "identity"}
    validator = part.validator
    if part.size and validator is None and wanted.checksum is None:
        _restart(part, watch)
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if validator is not None:
            headers["If-Range"] = validator
    with _answer(wanted, opener, headers) as answer:
        if answer.status_code == _NOT_SATISFIABLE:
            if _ranged(answer.headers)[1] != part.size:
                raise _Stale
            return
        if answer.status_code == _PARTIAL:
            start, total = _ranged(answer.headers)
            now = validator_of(answer.headers)
            if start != part.size or (now is not None and validator is not None and now != validator):
                raise _Stale
        else:
            total = _length(answer.headers)
            watch(-part.size)
            part.begin(answer.headers)
        _take(answer, part, watch, stop)
    total = wanted.size if total is None else total
    if total is not None and part.size < total:
        raise _Cut("the server breaks off before the end")
    if total is not None and part.size > total:
        raise _Stale


def _take(answer: Any, part: Part, watch: Watch, stop: Event) -> None:  # noqa: ANN401 - a requests.Response
    failures = load("earthdata", "requests.exceptions", "a download").RequestException
    chunks = answer.iter_content(CHUNK)
    while True:
        try:
            chunk = next(chunks, None)
        except failures as error:
            raise _Cut("the server breaks off before the end") from error
        if chunk is None:
            return
        part.write(chunk)
        watch(len(chunk))
        if stop.is_set():
            raise InterruptedError


def _answer(wanted: Wanted, opener: Opener, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - a requests.Response
    failures = load("earthdata", "requests.exceptions", "a download").RequestException
    try:
        answer = opener.get(wanted.href, headers)
    except failures as error:
        timed_out = "timed out" in str(error).lower()
        raise _Cut("the server does not answer" if timed_out else "the server cannot be reached") from error
    code = answer.status_code
    if code in {_OK, _PARTIAL} or (code == _NOT_SATISFIABLE and "Range" in headers):
        return answer
    answer.close()
    if code == _TOO_MANY or code >= _BROKEN:
        asked = answer.headers.get("Retry-After", "")
        raise _Cut(f"the server answers {code}", float(asked) if asked.isdigit() else 0.0)
    meaning = _MEANINGS.get(code, "it refuses")
    hint = _LICENCE if code in {401, 403} and is_earthdata(wanted.href) else ""
    host = urlsplit(wanted.href).hostname
    raise ServiceError(f"{public_href(wanted.href)} cannot be fetched: {host} answered {code}, {meaning}{hint}")


def _restart(part: Part, watch: Watch) -> None:
    watch(-part.size)
    part.begin({})


def _wrong(path: Path, wanted: Wanted) -> str:
    """Return what is wrong with a file that has all come; nothing if it is as it should be."""
    try:
        size = path.stat().st_size
        if wanted.size is not None and size != wanted.size:
            return f"it has {size} bytes, and the catalogue says {wanted.size}"
        if wanted.checksum is not None and not wanted.checksum.fits(path):
            return f"its {wanted.checksum.algorithm} is not the one of the catalogue"
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror or error}") from error
    return "" if _has_all_blocks(path, size) else "it is no GeoTIFF, or cut off"


def _has_all_blocks(path: Path, size: int) -> bool:
    """Say whether a GeoTIFF opens and the blocks that its header tells of lie within its `size`; none is read."""
    try:
        with gdal(str(path)), rasterio.open(path, driver="GTiff") as file:
            (height, width), rows, columns = file.block_shapes[0], file.height, file.width
            for row in range(-(-rows // height)):
                for column in range(-(-columns // width)):
                    place = file.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1)
                    length = file.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1)
                    if place is not None and length is not None and int(place) + int(length) > size:
                        return False
    except GDAL_ERRORS:
        return False
    return True


def _ranged(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Return where a part begins and how long the whole is, as Content-Range says it."""
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", headers.get("Content-Range", "").strip())
    if match is None:
        return None, None
    return (
        None if match[1] is None else int(match[1]),
        None if match[2] == "*" else int(match[2]),
    )


def _length(headers: Mapping[str, str]) -> int | None:
    """Return how long a body is; None where it is not said or counts something else."""
    text = headers.get("Content-Length", "")
    return int(text) if text.isdigit() and "Content-Encoding" not in headers else None
