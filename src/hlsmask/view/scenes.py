"""Where the reflectance lies of which results were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.bands import BANDS, Band, bands_of
from hlsmask.errors import SourceError, UnreadableError
from hlsmask.granules.layers import Layer
from hlsmask.granules.reflectance import Storage
from hlsmask.hrefs import is_local
from hlsmask.products.result import derived_from, files_by_name, is_there, item_path, moved_to, scale_of
from hlsmask.view.recent import Recent

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.view.result import Result

_KEPT: Final = 1024
"""Items of which it is remembered what they were derived from."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where and how one band is stored."""

    path: str
    """A local file, or what lies elsewhere."""

    index: int
    """Number of the band in it, from 1."""

    storage: Storage
    """What its numbers mean."""


class Scenes:
    """Finds the bands of scenes: where their Items say, or else in a folder to which they were moved."""

    def __init__(self, folder: Path | None = None, *, remote: bool = False) -> None:
        """Take stock of `folder`, at any depth; `remote` scenes are read where they lie, others alone without it.

        Raises
        ------
        UnreadableError
            If it cannot be listed.
        """
        self._told: Recent[tuple[tuple[str, ...], float | None]] = Recent(_KEPT)
        self._remote = remote
        self._moved = files_by_name(() if folder is None else (folder,))

    def files(self, result: Result) -> tuple[str, ...]:
        """Return the files from which results were made: six with a band each, or one with all.

        Raises
        ------
        SourceError
            If they are not there, or neither on this machine nor asked for elsewhere; the sentence says what helps.
        """
        hrefs, _ = self._of(result)
        if len(hrefs) not in (1, len(BANDS)):
            raise SourceError(f"{item_path(result.folder)} does not tell the files of its scene")
        return tuple(map(self._find, hrefs))

    def _of(self, result: Result) -> tuple[tuple[str, ...], float | None]:
        """Return what the Item tells of the scene: its files, and what one of their units was taken for."""
        path = item_path(result.folder)
        try:
            written = path.stat().st_mtime_ns
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read: {error.strerror or error}") from error

        def read() -> tuple[tuple[str, ...], float | None]:
            item = result.item()
            return derived_from(item), scale_of(item, path)

        return self._told.get((path, written), read)

    def _find(self, href: str) -> str:
        if is_there(href):
            return href
        if (now := moved_to(href, self._moved)) is not None:
            return now
        if is_local(href):
            raise SourceError(f"{href} is not there; --scenes FOLDER tells where the scenes lie now")
        if self._remote:
            return href
        raise SourceError(
            f"{href} is not on this machine; --remote reads it from there, --scenes FOLDER tells where you have a copy"
        )

    def bands(self, result: Result) -> dict[Band, Stored]:
        """Return where each of the six bands lies of the scene from which results were made.

        Raises
        ------
        SourceError
            If a file is not there, is no raster, or does not hold reflectance.
        """
        files = self.files(result)
        _, scale = self._of(result)
        if len(files) == len(BANDS):
            return {band: _stored(file, 1, scale) for band, file in zip(BANDS, files, strict=True)}
        layer = Layer(files[0])
        try:
            indexes = bands_of(layer.dataset.descriptions)
        finally:
            layer.close()
        if len(indexes) < len(BANDS):
            raise SourceError(f"{files[0]} does not hold the six bands")
        return {band: _stored(files[0], index, scale) for band, index in indexes.items()}


def _stored(path: str, index: int, scale: float | None) -> Stored:
    layer = Layer(path)
    try:
        file, at = layer.dataset, index - 1
        storage = Storage.of(
            np.dtype(file.dtypes[at]),
            scale=file.scales[at],
            offset=file.offsets[at],
            nodata=file.nodatavals[at],
            asked=scale,
        )
    except SourceError as error:
        raise SourceError(f"{path} {error}") from error
    finally:
        layer.close()
    return Stored(path, index, storage)
