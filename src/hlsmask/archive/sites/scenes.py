"""Where the reflectance lies of which results were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsmask.bands import BANDS
from hlsmask.errors import UnreadableError
from hlsmask.granules.scene import BandFile, FileScene, Origin
from hlsmask.granules.source import locate
from hlsmask.hrefs import is_local, public_href
from hlsmask.products.result import is_there, moved_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.archive.sites.result import Result
    from hlsmask.granules.scene import Scene


def open_scene(result: Result, moved: Mapping[str, str], scale: float | None = None) -> Scene:
    """Open the scene that results were made of; `moved` is what `files_by_name` gives.

    Raises
    ------
    SourceError
        If a file is not there, is no raster, or does not hold reflectance.
    """
    files = [_find(href, moved, result) for href in result.sources]
    if len(files) == 1:
        return locate(files[0]).open(scale=scale)
    if len(files) != len(BANDS):
        raise UnreadableError(
            f"the Item of {result.id} does not tell the files of its scene: it names {len(files)} as what it was "
            "derived from, and one or six would be right; mask the scene again"
        )
    bands = {band: BandFile(file) for band, file in zip(BANDS, files, strict=True)}
    return FileScene(Origin(result.id, tuple(map(public_href, files))), bands, scale=scale)


def _find(href: str, moved: Mapping[str, str], result: Result) -> str:
    """Return where a file is: in the folders that were named, else where it was when it was masked."""
    if (now := moved_to(href, moved)) is not None:
        return now
    if not is_local(href) or is_there(href):
        return href
    raise UnreadableError(
        f"the scene of {result.id} is not where it was masked, {href}; tell with --scenes FOLDER where it lies now"
    )
