"""Where the reflectance lies of which results were made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.bands import BANDS, Band, find_bands
from hlsmask.errors import SourceError, UnreadableError
from hlsmask.granules.folders import files_below
from hlsmask.granules.layers import Layer
from hlsmask.granules.reflectance import Storage
from hlsmask.view.recent import Recent
from hlsmask.view.result import item_path

if TYPE_CHECKING:
    from hlsmask.view.result import Result

_KEPT: Final = 1024
"""Items of which it is remembered what they were derived from."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where and how one band is stored."""

    path: str
    """A local file."""

    index: int
    """Number of the band in it, from 1."""

    storage: Storage
    """What its numbers mean."""


class Scenes:
    """Finds the bands of scenes: where their Items say, or else in a folder to which they were moved."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take stock of `folder`, at any depth.

        Raises
        ------
        UnreadableError
            If it cannot be listed.
        """
        self._hrefs: Recent[tuple[str, ...]] = Recent(_KEPT)
        self._moved: dict[str, str] = {}
        for path in files_below(folder) if folder is not None else ():
            self._moved.setdefault(path.name, str(path))

    def files(self, result: Result) -> tuple[str, ...]:
        """Return the local files from which results were made: six with a band each, or one with all.

        Raises
        ------
        SourceError
            If they are not on this machine; the sentence says where they should be.
        """
        item = item_path(result.folder)
        try:
            written = item.stat().st_mtime_ns
        except OSError as error:
            raise UnreadableError(f"{item} cannot be read: {error.strerror or error}") from error
        hrefs = self._hrefs.get((item, written), lambda: _sources(result))
        if len(hrefs) not in (1, len(BANDS)):
            raise SourceError(f"{item} does not tell the files of its scene")
        return tuple(map(self._find, hrefs))

    def _find(self, href: str) -> str:
        remote = "://" in href or href.startswith("/vsi")
        if not remote and Path(href).is_file():
            return href
        name = re.split(r"[/\\]", href)[-1]
        if name in self._moved:
            return self._moved[name]
        where = f"{href} is not on this machine" if remote else f"{href} is not there"
        raise SourceError(f"{where}; --scenes FOLDER tells where the scenes lie now")

    def bands(self, result: Result) -> dict[Band, Stored]:
        """Return where each of the six bands lies of the scene from which results were made.

        Raises
        ------
        SourceError
            If a file is not there, is no raster, or does not hold reflectance.
        """
        files = self.files(result)
        if len(files) == len(BANDS):
            return {band: _stored(file, 1) for band, file in zip(BANDS, files, strict=True)}
        layer = Layer(files[0])
        try:
            names = [str(text or "") for text in layer.dataset.descriptions]
        finally:
            layer.close()
        indexes = {band: at + 1 for band, at in find_bands(names).items()}
        if not indexes and len(names) == len(BANDS):
            indexes = {band: at for at, band in enumerate(BANDS, start=1)}
        if len(indexes) < len(BANDS):
            raise SourceError(f"{files[0]} does not hold the six bands")
        return {band: _stored(files[0], index) for band, index in indexes.items()}


def _sources(result: Result) -> tuple[str, ...]:
    """Return what an Item says its masks were derived from."""
    links = result.item().get("links", ())
    return tuple(dict.fromkeys(str(link["href"]) for link in links if link.get("rel") == "derived_from"))


def _stored(path: str, index: int) -> Stored:
    layer = Layer(path)
    try:
        file, at = layer.dataset, index - 1
        storage = Storage.of(
            np.dtype(file.dtypes[at]), scale=file.scales[at], offset=file.offsets[at], nodata=file.nodatavals[at]
        )
    except SourceError as error:
        raise SourceError(f"{path} {error}") from error
    finally:
        layer.close()
    return Stored(path, index, storage)
