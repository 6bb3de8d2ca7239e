"""What lies in a folder of results, by day; looked up anew when asked, read anew where it has changed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from hlsmask.errors import SourceError, UnreadableError
from hlsmask.products.result import check_folder, item_path
from hlsmask.view.result import Result, read_result, result_of
from hlsmask.view.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Contents:
    """What was in the folder when it was looked at."""

    days: Mapping[str, tuple[Result, ...]] = field(default_factory=dict)
    """Results that have a place on Earth, by day, both in order; of one day by time, then by name."""

    placeless: tuple[Result, ...] = ()
    """Results that have none."""

    broken: Mapping[str, str] = field(default_factory=dict)
    """Results that cannot be shown, by name, each with one sentence that says why."""

    @property
    def count(self) -> int:
        """How many results can be shown."""
        return sum(map(len, self.days.values()))


class Catalogue:
    """A folder of results."""

    def __init__(self, out: Path) -> None:
        """Look at the folder.

        Raises
        ------
        UnreadableError
            If `out` is no folder, or holds nothing that can be shown.
        """
        self.out = out
        self._lock = Lock()
        self._known: dict[str, tuple[int, Result | str]] = {}
        self.contents = Contents()
        """As it was when last looked at."""
        check_folder(out)
        home = out.resolve()
        self._single = home if item_path(home).is_file() else None
        self.refresh()
        if not self.contents.days:
            raise UnreadableError(self._why_empty())

    def refresh(self) -> Contents:
        """Look again; only what is new or has changed since is read.

        A table of Items counts for those that it is not older than, so that of thousands few files are opened.
        """
        with self._lock:
            there = dict(self._stamps())
            changed = {name for name, stamp in there.items() if self._known.get(name, (None,))[0] != stamp}
            written, rows = read_table(self.out) if len(changed) > 1 else (0, {})
            self._known = {name: self._known[name] for name in there if name not in changed}
            for name in changed:
                row = rows.get(name) if there[name] <= written else None
                try:
                    folder = self._single or self.out / name
                    found: Result | str = read_result(folder) if row is None else result_of(folder, *row)
                except SourceError as error:
                    found = str(error)
                self._known[name] = there[name], found
            self.contents = _sorted({name: found for name, (_, found) in self._known.items()})
            return self.contents

    def _stamps(self) -> Iterator[tuple[str, int]]:
        """Yield the name of each folder that holds an Item called like it, and when that was changed."""
        if self._single is not None:  # the folder of one result
            yield self._single.name, item_path(self._single).stat().st_mtime_ns
            return
        try:
            with os.scandir(self.out) as entries:
                names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
        except OSError as error:
            raise UnreadableError(f"{self.out} cannot be listed: {error.strerror or error}") from error
        for name in names:
            try:
                yield name, os.stat(f"{self.out}/{name}/{name}.json").st_mtime_ns  # noqa: PTH116 - thousands of them
            except OSError:
                continue  # no result, or one that is being made

    def _why_empty(self) -> str:
        broken, placeless = self.contents.broken, self.contents.placeless
        if broken:
            return f"{self.out} holds nothing that can be shown: {next(iter(broken.values()))}"
        if placeless:
            return (
                f"{self.out} holds results, but {placeless[0].id} has no place on Earth: its source has no coordinate "
                "reference system, and a map needs one"
            )
        inner = sorted(path.parent.name for path in self.out.glob("*/collection.json"))
        hint = f"; did you mean {self.out / inner[0]}?" if inner else "; name the folder that hlsmask predict wrote to"
        return f"{self.out} holds no results{hint}"


def _sorted(known: Mapping[str, Result | str]) -> Contents:
    """Return what was found, in order."""
    results = [found for found in known.values() if isinstance(found, Result)]
    results.sort(key=lambda result: (result.time, result.id))
    days: dict[str, list[Result]] = {}
    for result in results:
        if result.bbox is not None:
            days.setdefault(result.day, []).append(result)
    return Contents(
        {day: tuple(found) for day, found in days.items()},
        tuple(result for result in results if result.bbox is None),
        {name: found for name, found in sorted(known.items()) if isinstance(found, str)},
    )
