"""Where the results of a run live: what is done there already, and where the run's own files are kept."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Protocol

from hlsmask.archive.bucket import Bucket, results_among
from hlsmask.archive.catalogue import write_catalogue
from hlsmask.archive.manifest import FILE, State
from hlsmask.errors import ServiceError
from hlsmask.hrefs import url_of
from hlsmask.products.assets import FILES
from hlsmask.products.collection import TABLE
from hlsmask.products.item import COLLECTION_FILE
from hlsmask.products.request import answers, finished, made_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hlsmask.archive.manifest import Entry
    from hlsmask.archive.patience import Patience

FAILURES: Final = "failures.jsonl"
_ALWAYS: Final = (".json", *(ending for key, ending in FILES.items() if key != "probabilities"))
"""Ends of the names of what is made of each source, whatever is asked for."""


class Home(Protocol):
    """Where results live."""

    folder: Path
    """On this machine, for what a run keeps of itself: manifest, failures, catalogue."""

    bucket: str
    """URL in object storage that results go to; empty: they go to `folder`."""

    def place(self, name: str) -> str:
        """Return where the results `name` lie."""

    def holds(self, name: str, request: str, before: Entry | None) -> bool:
        """Return whether the results `name` are there, whole, and answer `request`; `before` is what a run noted."""

    def any_of(self, name: str) -> bool:
        """Return whether there are results `name`, of whatever request."""

    def keep(self, file: str) -> None:
        """Give a file that a run keeps of itself to its home, or remove it there if there is none any more."""

    def catalogue(self) -> str:
        """Write the Collection and the table over all results; return where the former is."""


@contextmanager
def open_home(out: Path, patience: Patience) -> Iterator[Home]:
    """Yield where results live that go to `out`: a folder, or a URL that was taken for a path.

    Raises
    ------
    UsageError
        If results cannot be written to such a URL.
    ServiceError
        If the storage does not answer, or refuses.
    """
    url = url_of(out)
    if not url:
        yield Folder(out)
        return
    bucket = Bucket(url, patience)
    with TemporaryDirectory(prefix="hlsmask-") as scratch:
        yield Remote(bucket, Path(scratch))


class Folder:
    """A folder."""

    bucket = ""

    def __init__(self, folder: Path) -> None:
        """Name a folder; it need not exist."""
        self.folder = folder

    def place(self, name: str) -> str:
        """Return the folder of the results `name`."""
        return str(self.folder / name)

    def holds(self, name: str, request: str, before: Entry | None) -> bool:
        """Return whether its Item answers `request` and its files are whole; a note is not believed."""
        del before
        return finished(self.folder / name, name, request) is not None

    def any_of(self, name: str) -> bool:
        """Return whether there is an Item of ours."""
        return bool(made_by(self.folder / name, name))

    def keep(self, file: str) -> None:
        """Do nothing: what is kept is there."""
        del file

    def catalogue(self) -> str:
        """Write `collection.json` and `items.parquet`; return the former's path."""
        return str(write_catalogue(self.folder))


class Remote:
    """A place in object storage; manifest and failures are kept in a scratch folder, and there."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        """Fetch what earlier runs kept, and list what they made.

        Raises
        ------
        ServiceError
            If the storage does not answer, or refuses.
        """
        self._bucket = bucket
        self.bucket = bucket.url
        self.folder = folder
        self._sizes = bucket.sizes()
        for name, content in bucket.read_all(name for name in (FILE, FAILURES) if name in self._sizes).items():
            (folder / name).write_bytes(content)

    def place(self, name: str) -> str:
        """Return the URL of the results `name`."""
        return f"{self.bucket}/{name}"

    def holds(self, name: str, request: str, before: Entry | None) -> bool:
        """Return whether its objects are there and a run noted, or its Item says, that they answer `request`.

        Objects appear whole, the Item last: so that none is missing is enough where a run noted the rest.
        """
        if any(f"{name}/{name}{ending}" not in self._sizes for ending in _ALWAYS):
            return False
        if before is not None and before.state is State.DONE and before.request == request:
            return True
        return answers(self._item(name), request, lambda href: self._sizes.get(f"{name}/{href.removeprefix('./')}"))

    def any_of(self, name: str) -> bool:
        """Return whether there is an Item."""
        return f"{name}/{name}.json" in self._sizes

    def keep(self, file: str) -> None:
        """Put it there, or remove it there."""
        if (self.folder / file).exists():
            self._bucket.put(self.folder / file, file)
        else:
            self._bucket.remove(file)

    def catalogue(self) -> str:
        """Fetch all Items, write `collection.json` and `items.parquet` over them, put these there; return where."""
        self._bucket.fetch_items(self.folder, results_among(self._bucket.sizes()))
        write_catalogue(self.folder)
        for name in (TABLE, COLLECTION_FILE):
            if (self.folder / name).exists():
                self._bucket.put(self.folder / name, name)
        return f"{self.bucket}/{COLLECTION_FILE}"

    def _item(self, name: str) -> Any:  # noqa: ANN401 - JSON, perhaps not ours
        try:
            return json.loads(self._bucket.read_all([f"{name}/{name}.json"]).popitem()[1])
        except (ServiceError, ValueError, KeyError):
            return None
