"""What there is of results, by day; looked up anew when asked, read anew where it has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from hlsmask.errors import SourceError, UnreadableError
from hlsmask.hrefs import url_of
from hlsmask.view.result import Result, read_result, result_of
from hlsmask.view.shelf import open_shelf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Contents:
    """What there was when it was looked at."""

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
    """The results in a folder, or in object storage."""

    def __init__(self, out: Path) -> None:
        """Look what there is.

        Raises
        ------
        UnreadableError
            If `out` is neither folder nor URL, or holds nothing that can be shown.
        ServiceError
            If object storage does not answer, or refuses.
        """
        self._out = out
        self._lock = Lock()
        self._known: dict[str, tuple[object, Result | str]] = {}
        self.shelf = open_shelf(out)
        """Where they lie."""
        self.contents = Contents()
        """As it was when last looked at."""
        self.refresh()
        if not self.contents.days:
            raise UnreadableError(self._why_empty())

    def refresh(self) -> Contents:
        """Look again; only what is new or has changed since is read.

        A table of Items counts for those that it is not older than, so that of thousands few files are opened.
        """
        with self._lock:
            there = self.shelf.stamps()
            changed = {name for name, stamp in there.items() if self._known.get(name, (None,))[0] != stamp}
            rows = self.shelf.rows() if len(changed) > 1 else {}
            self._known = {name: self._known[name] for name in there if name not in changed}
            for name, folder in self.shelf.items(changed).items():
                row = rows.get(name)
                try:
                    found: Result | str = self._whole(read_result(folder) if row is None else result_of(folder, *row))
                except SourceError as error:
                    found = str(error)
                self._known[name] = there[name], found
            self.contents = _sorted({name: found for name, (_, found) in self._known.items()})
            return self.contents

    def _whole(self, result: Result) -> Result:
        """Return a result that has masks; raise UnreadableError if it has none."""
        if not self.shelf.holds(result.masks):
            raise UnreadableError(f"{result.masks} is missing; mask the scene again, or remove {result.folder}")
        return result

    def _why_empty(self) -> str:
        broken, placeless = self.contents.broken, self.contents.placeless
        out = url_of(self._out) or self._out
        if broken:
            return f"{out} holds nothing that can be shown: {next(iter(broken.values()))}"
        if placeless:
            return (
                f"{out} holds results, but {placeless[0].id} has no place on Earth: its source has no coordinate "
                "reference system, and a map needs one"
            )
        inner = sorted(path.parent.name for path in self._out.glob("*/collection.json"))
        hint = f"; did you mean {self._out / inner[0]}?" if inner else "; name the folder that hlsmask predict wrote to"
        return f"{out} holds no results{hint}"


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
