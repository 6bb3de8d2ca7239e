"""Where results lie that are looked at: in a folder, or in object storage, of which files are fetched to be drawn."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol
from weakref import finalize

from hlsmask.archive.bucket import bucket_of, results_among
from hlsmask.errors import UnreadableError
from hlsmask.hrefs import url_of
from hlsmask.products.result import Products, check_folder, item_path
from hlsmask.view.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hlsmask.archive.bucket import Bucket
    from hlsmask.view.table import Row

_KEPT: Final = 200
"""Results of which files are kept that were fetched: of full granules some megabytes each."""


class Shelf(Protocol):
    """Where results lie."""

    name: str
    """What the page calls it."""

    def stamps(self) -> Mapping[str, object]:
        """Return, by the name of each result, what is another once its Item has changed.

        Raises
        ------
        UnreadableError, ServiceError
            If it cannot be listed.
        """

    def items(self, names: Iterable[str]) -> Mapping[str, Path]:
        """Return the folder of each of these results, with its Item in it."""

    def rows(self) -> Mapping[str, Row]:
        """Return what a table tells of results, by name, so that their Items need not be read."""

    def holds(self, file: Path) -> bool:
        """Return whether a result has a file."""

    def bring(self, results: Iterable[Products]) -> None:
        """See that what these results have lies in their folders.

        Raises
        ------
        ServiceError
            If it cannot be fetched.
        """


def open_shelf(out: Path) -> Shelf:
    """Return where the results lie in `out`: a folder, or a URL that was taken for a path.

    Raises
    ------
    UnreadableError
        If it is no folder.
    UsageError, MissingPackageError, ServiceError
        If such a URL cannot be read.
    """
    url = url_of(out)
    return InBucket(*bucket_of(url)) if url else InFolder(out)


class InFolder:
    """A folder of results, or that of one."""

    def __init__(self, out: Path) -> None:
        """Look whether it is one."""
        check_folder(out)
        home = out.resolve()
        self._out, self.name = out, home.name
        self._single = home if item_path(home).is_file() else None
        self._changed: dict[str, int] = {}

    def stamps(self) -> dict[str, int]:
        """Return when each Item was changed that lies in a folder called like it, in nanoseconds."""
        self._changed = self._listed()
        return self._changed

    def _listed(self) -> dict[str, int]:
        if self._single is not None:
            return {self._single.name: item_path(self._single).stat().st_mtime_ns}
        try:
            with os.scandir(self._out) as entries:
                names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
        except OSError as error:
            raise UnreadableError(f"{self._out} cannot be listed: {error.strerror or error}") from error
        found: dict[str, int] = {}
        for name in names:
            try:
                found[name] = os.stat(f"{self._out}/{name}/{name}.json").st_mtime_ns  # noqa: PTH116 - thousands of them
            except OSError:
                continue  # no result, or one that is being made
        return found

    def items(self, names: Iterable[str]) -> dict[str, Path]:
        """Return the folders; whether an Item is still there is seen when it is read."""
        return {name: self._single or self._out / name for name in names}

    def rows(self) -> dict[str, Row]:
        """Return what the table of Items, if there is one, tells of those that it is not older than."""
        written, rows = read_table(self._out)
        return {name: row for name, row in rows.items() if self._changed.get(name, written + 1) <= written}

    def holds(self, file: Path) -> bool:
        """Return whether the file is there."""
        return file.is_file()

    def bring(self, results: Iterable[Products]) -> None:
        """Do nothing: all is there."""
        del results


class InBucket:
    """A place in object storage, and a scratch folder for what was fetched of it."""

    def __init__(self, bucket: Bucket, single: str = "") -> None:
        """Begin with nothing fetched, of all results in a bucket or of a `single` one."""
        self._bucket, self._single = bucket, single
        self.name = single or bucket.url.rpartition("/")[2]
        self._folder = Path(mkdtemp(prefix="hlsmask-"))
        finalize(self, rmtree, self._folder, ignore_errors=True)  # with the process, at the latest
        self._there: dict[str, str] = {}
        self._fetched: dict[str, str] = {}  # by the latest use: which Item the files belong to
        self._lock = Lock()

    def stamps(self) -> dict[str, str]:
        """Return which object each Item is."""
        self._there = self._bucket.stamps(self._single)
        return {name: self._item_of(name) for name in results_among(self._there)}

    def _item_of(self, name: str) -> str:
        """Return which object the Item of a result is; empty where there is none."""
        return self._there.get(f"{name}/{name}.json", "")

    def items(self, names: Iterable[str]) -> dict[str, Path]:
        """Fetch the Items."""
        return {folder.name: folder for folder in self._bucket.fetch_items(self._folder, names)}

    def rows(self) -> dict[str, Row]:
        """Return none: Items are fetched many at once."""
        return {}

    def holds(self, file: Path) -> bool:
        """Return whether there is such an object."""
        return file.relative_to(self._folder).as_posix() in self._there

    def bring(self, results: Iterable[Products]) -> None:
        """Fetch masks and probabilities that are not here yet, or others by now; let go of those not used for long."""
        with self._lock:
            for result in results:
                which = self._item_of(result.id)
                if self._fetched.pop(result.id, None) != which:
                    for file in (result.masks, result.probabilities):
                        file.unlink(missing_ok=True)
                        if self.holds(file):
                            draft = file.with_suffix(".part")
                            self._bucket.fetch(f"{result.id}/{file.name}", draft)
                            draft.rename(file)
                self._fetched[result.id] = which
            while len(self._fetched) > _KEPT:
                oldest = Products(self._folder / next(iter(self._fetched)))
                del self._fetched[oldest.id]
                for file in (oldest.masks, oldest.probabilities):
                    file.unlink(missing_ok=True)
