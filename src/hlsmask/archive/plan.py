"""What is to be done: of all that was named, what is there already, and why the rest is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from hlsmask.archive.home import Folder
from hlsmask.archive.manifest import Entry, State
from hlsmask.products.request import request_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hlsmask.archive.home import Home
    from hlsmask.archive.manifest import Manifest
    from hlsmask.granules.source import Source
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Options
    from hlsmask.products.output import Output

RATE: Final = 20e6
"""Bytes of bands that one core masks in a second, where no earlier run says it: 155 MB in 8 s (docs/speed.md)."""


class Need(StrEnum):
    """Why a source is to be masked."""

    MISSING = "missing"
    """Nothing is there."""

    STALE = "stale"
    """What is there is of another model, other options or another version of the source; or not whole."""

    FAILED = "failed"
    """An earlier run could not."""

    AGAIN = "again"
    """`--overwrite` asks for it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A source that is to be masked."""

    source: Source
    """What."""

    need: Need
    """Why."""

    request: str
    """Hash of source, model and options."""

    size: int = 0
    """Bytes of its bands; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do."""

    jobs: Sequence[Job]
    """What is to be masked, in the order in which it was named."""

    done: Sequence[Entry]
    """What is there already."""

    seconds_each: float | None = None
    """What a source took in earlier runs, the median; None where there were none."""

    counts: Mapping[Need, int] = field(init=False)
    """How many jobs there are of each need."""

    def __post_init__(self) -> None:
        needs = [job.need for job in self.jobs]
        object.__setattr__(self, "counts", {need: needs.count(need) for need in Need if need in needs})

    @property
    def size(self) -> int:
        """Bytes of bands that will be read, as far as they are known."""
        return sum(job.size for job in self.jobs)

    @property
    def unsized(self) -> int:
        """Jobs of which that is not known."""
        return sum(not job.size for job in self.jobs)

    def seconds(self, workers: int) -> float | None:
        """Return how long so many workers may take, by earlier runs, else by the bytes to read; None: not known."""
        if self.seconds_each is not None:
            return self.seconds_each * len(self.jobs) / workers
        return None if self.unsized else self.size / RATE / workers


def make_plan(
    sources: Iterable[Source],
    engine: Engine,
    options: Options,
    output: Output,
    manifest: Manifest,
    *,
    home: Home | None = None,
) -> Plan:
    """Return what is to be done to have all `sources` masked. Nothing of a scene is opened.

    `home` is where results live, `output.out` if it is not given.
    """
    home = home or Folder(output.out)
    jobs: list[Job] = []
    done: list[Entry] = []
    for source in sources:
        request = request_hash(source, engine, options, probabilities=output.probabilities)
        before = manifest.entries.get(source.id)
        if output.overwrite:
            need = Need.AGAIN
        elif home.holds(source.id, request, before):
            seconds = before.seconds if before and before.request == request else 0.0
            done.append(Entry(source.id, source.place, State.DONE, seconds, home.place(source.id), request))
            continue
        elif home.any_of(source.id):
            need = Need.STALE
        else:
            need = Need.FAILED if before and before.state is State.FAILED else Need.MISSING
        jobs.append(Job(source, need, request, size_of(source)))
    took = [entry.seconds for entry in manifest.entries.values() if entry.state is State.DONE and entry.seconds]
    return Plan(jobs, done, median(took) if took else None)


def size_of(source: Source) -> int:
    """Return the bytes of a source's bands, 0 if one is not known: files' own sizes, or those that an Item tells."""
    sizes = []
    told = {asset["href"]: asset.get("file:size") for asset in source.item["assets"].values()} if source.item else {}
    hrefs = source.hrefs()
    if source.granule is not None:
        wanted = source.granule.sensor.layers.values()
        hrefs = tuple(href for layer, href in source.granule.hrefs.items() if layer in wanted)
    for href in hrefs:
        try:
            size = told.get(href) or (0 if "://" in href else Path(href).stat().st_size)
        except OSError:
            size = 0
        sizes.append(int(size))
    return sum(sizes) if all(sizes) else 0
