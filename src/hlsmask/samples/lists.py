"""The published lists: which files belong to which split."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hlsmask.errors import DatasetError, UnreadableError
from hlsmask.granules.archive import Archive
from hlsmask.samples.sample import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

KEY: Final = "fps"
"""Name of the array of paths in a list."""

SHOWN: Final = 3
"""Names that a message gives as examples."""


class MissingSamplesError(DatasetError):
    """Files that a list names are not there."""

    def __init__(self, message: str, missing: tuple[tuple[str, str], ...] = ()) -> None:
        """Say so, and keep the split and path, as listed, of each."""
        super().__init__(message)
        self.missing = missing

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it goes from one process to another."""
        return type(self), (str(self), self.missing)


@dataclass(frozen=True, slots=True)
class Lists:
    """What the lists of a folder name."""

    root: Path
    """The folder."""

    files: tuple[tuple[str, Path], ...]
    """Split and file of each sample that is there."""

    missing: tuple[tuple[str, str], ...]
    """Split and path, as listed, of each that is not."""

    @classmethod
    def read(cls, root: Path, split: str | None = None) -> Lists:
        """Read the list of `split`, or all that there are; a folder without lists holds samples of no split.

        Raises
        ------
        DatasetError
            If a list cannot be read, is refused, is empty, or names nothing that is there, or there is neither
            list nor sample.
        """
        splits = [name for name in lists_in(root) if split in (None, name)]
        if split is not None and not splits:
            raise DatasetError(f"{root} has no {split}.npy; it needs that list to have a split {split!r}")
        if not splits:
            found = tuple(("", path) for path in _below(root))
            if not found:
                raise DatasetError(f"{root} holds no samples: it is no store, and there is no .npy file in it")
            return cls(root, found, ())
        files: list[tuple[str, Path]] = []
        missing: list[tuple[str, str]] = []
        for name in splits:
            part = cls._one(root, name)
            files += part.files
            missing += part.missing
        return cls(root, tuple(files), tuple(missing))

    @classmethod
    def _one(cls, root: Path, split: str) -> Lists:
        path = root / f"{split}.npy"
        try:
            with Archive(path) as archive:
                listed = list(_names(archive.read(KEY)))
        except UnreadableError as error:
            raise DatasetError(str(error)) from error
        if not listed:
            raise DatasetError(f"{path} lists no samples")
        finder = _Finder(root)
        found = [finder.find(name) for name in listed]
        deepest = max((depth for _, depth in found), default=0)
        files: dict[Path, None] = {}
        missing = []
        for name, (file, depth) in zip(listed, found, strict=True):
            if file is None or (depth == 1 < deepest):  # a bare name among others with folders is another sample's
                missing.append((split, name))
            else:
                files[file] = None
        lists = cls(root, tuple((split, file) for file in files), tuple(missing))
        if not files:
            raise lists.complaint()
        return lists

    def complaint(self) -> MissingSamplesError:
        """Return the error that tells, in one sentence, of the files that are not there."""
        splits = sorted({split for split, _ in self.missing}, key=SPLITS.index)
        lists = " and ".join(f"{split}.npy" for split in splits)
        total = len(self.missing) + sum(split in splits for split, _ in self.files)
        shown = ", ".join(name for _, name in self.missing[:SHOWN])
        more = ", ..." if len(self.missing) > SHOWN else ""
        return MissingSamplesError(
            f"{len(self.missing)} of {total} files that {lists} in {self.root} names are not there ({shown}{more}); "
            "`hlsmask samples check` lists them all",
            self.missing,
        )


class _Finder:
    """Finds below a folder the files that paths of another machine name: by the most of their components that fit."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[tuple[str, ...], bool] = {}

    def find(self, listed: str) -> tuple[Path | None, int]:
        """Return the file, and how many components of its path were found below the folder; None and 0 for none."""
        parts = tuple(part for part in re.split(r"[/\\]", listed.strip()) if part not in ("", "."))
        if ".." in parts:
            return None, 0
        for depth in range(len(parts), 0, -1):
            folder, name = parts[-depth:-1], parts[-1]
            if folder not in self._folders:
                self._folders[folder] = there(self._root.joinpath(*folder), Path.is_dir)
            path = self._root.joinpath(*folder, name)
            if self._folders[folder] and there(path, Path.is_file):
                return path, depth
        return None, 0


def lists_in(root: Path) -> list[str]:
    """Return the splits whose lists lie in a folder, in order."""
    return [name for name in SPLITS if there(root / f"{name}.npy", Path.is_file)]


def there(path: Path, kind: Callable[[Path], bool]) -> bool:
    """Say whether something of a kind (`Path.is_file`, `Path.is_dir`) is at `path`.

    Raises
    ------
    DatasetError
        If that may not be known.
    """
    try:
        return kind(path)
    except PermissionError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except (OSError, ValueError):  # a name that no file can have
        return False


def _names(array: NDArray[Any]) -> Iterator[str]:
    """Give the paths of a list: strings, bytes, or a list of these within one item."""
    for item in array.ravel():
        for name in item if isinstance(item, tuple) else (item,):
            yield name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _below(root: Path) -> list[Path]:
    """Return the .npy files in a folder and those below it, linked ones too, each folder once."""

    def fail(error: OSError) -> None:
        raise DatasetError(f"{error.filename} cannot be read: {error.strerror}") from error

    seen: set[str] = set()
    found = []
    for folder, folders, names in os.walk(root, onerror=fail, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        found += [Path(folder, name) for name in names if name.endswith(".npy") and not name.startswith(".")]
    return sorted(found)
