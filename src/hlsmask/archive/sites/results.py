"""The results that sites are looked up in: in a folder, or in object storage, fetched when they are needed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hlsmask.archive.bucket import Bucket, bucket_of, results_among
from hlsmask.archive.sites.result import folders_of_results
from hlsmask.errors import UnreadableError
from hlsmask.hrefs import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hlsmask.archive.sites.result import Result


@dataclass(frozen=True, slots=True)
class Results:
    """Results of `hlsmask predict`."""

    folders: Sequence[Path]
    """One each, with at least the Item in it, called like it."""

    bucket: str = ""
    """URL in object storage that all else of them lies below; empty: it is in their folders."""

    @contextmanager
    def masks_of(self, result: Result) -> Iterator[Path]:
        """Yield the file of a result's masks, for as long as it is needed.

        Raises
        ------
        ServiceError
            If the storage does not answer, or does not have it.
        """
        if not self.bucket:
            yield result.masks
            return
        try:
            Bucket(self.bucket).fetch(f"{result.id}/{result.masks.name}", result.masks)
            yield result.masks
        finally:
            result.masks.unlink(missing_ok=True)


@contextmanager
def open_results(out: Path) -> Iterator[Results]:
    """Yield the results in `out`: a folder that `hlsmask predict` wrote to, or a URL that was taken for a path.

    That of one result does too. Of those in object storage, the Items are fetched to a scratch folder.

    Raises
    ------
    UnreadableError
        If there are none.
    UsageError, MissingPackageError
        If such a URL cannot be read.
    ServiceError
        If the storage does not answer, or refuses.
    """
    url = url_of(out)
    if not url:
        yield Results(folders_of_results(out))
        return
    with TemporaryDirectory(prefix="hlsmask-") as scratch:
        bucket, name = bucket_of(url)
        names = [name] if name else results_among(bucket.sizes())
        if not names:
            raise UnreadableError(f"{url} holds no results; name the place that hlsmask predict wrote to")
        yield Results(bucket.fetch_items(Path(scratch), names), bucket.url)
