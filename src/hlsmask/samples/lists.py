"""The published lists: which files belong to which split."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hlsmask.errors import DatasetError, UnreadableError
from hlsmask.granules.archive import Archive
from hlsmask.samples.sample import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KEY: Final = "fps"
"""Name of the array of paths in a list."""

DROPPED: Final = 6
"""Components of each path that the published loader drops, the leading slash's empty one included."""

SHOWN: Final = 3
"""Names that a message gives as examples."""


class MissingSamplesError(DatasetError):
    """Files that a list names are not there."""

    def __init__(self, message: str, missing: tuple[tuple[str, str], ...]) -> None:
        """Say so, and keep the split and path, as listed, of each."""
        super().__init__(message)
        self.missing = missing


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
        splits = [name for name in SPLITS if (root / f"{name}.npy").is_file() and split in (None, name)]
        if split is not None and not splits:
            raise DatasetError(f"{root} has no {split}.npy; it needs that list to have a split {split!r}")
        if not splits:
            found = tuple(("", path) for path in sorted(root.rglob("*.npy")) if not path.name.startswith("."))
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
                listed = [str(item) for item in archive.read(KEY).ravel()]
        except UnreadableError as error:
            raise DatasetError(str(error)) from error
        if not listed:
            raise DatasetError(f"{path} lists no samples")
        files, missing, drop = [], [], DROPPED
        for name in listed:
            found, drop = _find(root, name, drop)
            if found is None:
                missing.append((split, name))
            else:
                files.append((split, found))
        lists = cls(root, tuple(files), tuple(missing))
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


def _find(root: Path, listed: str, drop: int) -> tuple[Path | None, int]:
    """Return the file below `root` that a path of another machine names, and how many components came before."""
    parts = re.split(r"[/\\]", listed.strip())
    if ".." in parts or not parts[-1]:
        return None, drop
    for count in _orders(drop, len(parts)):
        path = root.joinpath(*(part for part in parts[count:] if part and not part.endswith(":")))
        if path != root and path.is_file():
            return path, count
    return None, drop


def _orders(drop: int, length: int) -> Iterable[int]:
    """Give how many components to drop: as for the last file, as the published loader does, then any."""
    return dict.fromkeys(count for count in (drop, DROPPED, *range(length)) if count < length)
