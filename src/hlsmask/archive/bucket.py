"""A place in object storage, through fsspec: objects appear whole, and a source's Item comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from hlsmask.archive.patience import Patience
from hlsmask.errors import ServiceError, UsageError, first_line
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_T = TypeVar("_T")

_AT_ONCE: Final = 500
"""Items that are fetched together."""

_CHANGES: Final = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime")
"""What storages call it, in fsspec's listings, by which one sees that an object was written anew."""

_READ_ONLY: Final = ("http", "https", "ftp", "github", "data")


class Bucket:
    """Objects below a URL such as `s3://bucket/masks`, by their names below it.

    Credentials, endpoint and region are those that the storage's own library finds: for S3 the usual `AWS_...`
    variables, `AWS_ENDPOINT_URL` among them.
    """

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        """Name a place; nothing is asked of it yet.

        Raises
        ------
        MissingPackageError
            If fsspec is not installed.
        UsageError
            If results cannot be written to such a URL.
        """
        self.url = url.rstrip("/")
        self._patience = patience or Patience()
        fsspec = load("cluster", "fsspec", "results in object storage")
        scheme = url.partition("://")[0]
        if scheme in _READ_ONLY:
            raise UsageError(f"results cannot be written to {url}; name a folder, or a place such as s3://bucket/masks")
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise UsageError(f"{url} needs a package that is not installed: {first_line(error)}") from error
        except ValueError as error:
            raise UsageError(f"{url} is no place for results: {first_line(error)}") from error

    def sizes(self) -> dict[str, int]:
        """Return the bytes of all objects there are, by name."""
        return {self._name(path): int(facts["size"]) for path, facts in self._ask("listed", self._find).items()}

    def stamps(self, below: str = "") -> dict[str, str]:
        """Return of each object, by name, what is another once it was written anew: its tag, time or size.

        Of those in the folder `below` alone, where one is named.
        """
        return {
            self._name(path): next((str(facts[key]) for key in _CHANGES if facts.get(key)), str(facts.get("size")))
            for path, facts in self._ask("listed", lambda: self._find(below)).items()
        }

    def has(self, name: str) -> bool:
        """Return whether there is an object of this name."""
        return name in map(self._name, self._ask("listed", lambda: self._find(name)))

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the content of objects, by name; many are fetched at once."""
        paths = [self._path(name) for name in names]
        found: dict[str, bytes] = self._ask("read", lambda: self._files.cat(paths)) if paths else {}
        return {self._name(path): content for path, content in found.items()}

    def fetch(self, name: str, file: Path) -> None:
        """Write the content of an object to a file."""
        self._ask(f"read ({name})", lambda: self._files.get_file(self._path(name), str(file)))

    def fetch_items(self, folder: Path, names: Iterable[str]) -> list[Path]:
        """Write the Items of the results `names` to ID/ID.json in `folder`; return each ID's folder, sorted."""
        wanted = [f"{name}/{name}.json" for name in sorted(names)]
        for at in range(0, len(wanted), _AT_ONCE):
            for name, content in self.read_all(wanted[at : at + _AT_ONCE]).items():
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        return [(folder / name).parent for name in wanted]

    def put(self, file: Path, name: str) -> None:
        """Give a file to an object, in place of what it was."""
        self._ask("written to", lambda: self._files.put_file(str(file), self._path(name)))

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        self._ask("written to", lambda: self._remove(name))

    def deliver(self, folder: Path) -> str:
        """Put the results in `folder`, ID, to ID/; return where they are.

        The Item, which makes them count, goes first and comes last: whatever ends this, nothing looks complete that is
        not.
        """
        item = f"{folder.name}.json"
        self.remove(f"{folder.name}/{item}")
        made = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: (path.name == item, path))
        for path in made:
            self.put(path, f"{folder.name}/{path.name}")
        return f"{self.url}/{folder.name}"

    def _find(self, below: str = "") -> dict[str, dict[str, Any]]:
        self._files.invalidate_cache()
        try:
            return dict(self._files.find(self._path(below) if below else self._root, detail=True))
        except FileNotFoundError:
            return {}

    def _remove(self, name: str) -> None:
        try:
            self._files.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _name(self, path: str) -> str:
        return str(path).lstrip("/").removeprefix(self._root.lstrip("/")).lstrip("/")

    def _ask(self, what: str, work: Callable[[], _T]) -> _T:
        """Return what `work` does; say in one sentence what the storage refuses: each kind has errors of its own.

        Raises
        ------
        ServiceError
            If it raises, again and again.
        """

        def once() -> _T:
            try:
                return work()
            except Exception as error:
                raise ServiceError(f"{self.url} cannot be {what}: {first_line(error)}") from error

        return self._patience.over(once)


def results_among(objects: Iterable[str]) -> list[str]:
    """Return the names of the results whose Items, ID/ID.json, are among these objects."""
    names = ((path, path.partition("/")[0]) for path in objects)
    return [name for path, name in names if path == f"{name}/{name}.json"]


def bucket_of(url: str) -> tuple[Bucket, str]:
    """Return where the results of a URL lie, and the name of the one that it is the place of; else no name.

    Raises
    ------
    UsageError, MissingPackageError
        If results cannot lie at such a URL.
    ServiceError
        If the storage does not answer, or refuses.
    """
    bucket = Bucket(url)
    above, _, name = bucket.url.rpartition("/")
    return (Bucket(above), name) if bucket.has(f"{name}.json") else (bucket, "")
