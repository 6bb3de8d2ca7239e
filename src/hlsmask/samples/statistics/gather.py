"""Statistics of a dataset, gathered in one pass in bounded memory, by one process or several."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from hlsmask.errors import DatasetError, HlsmaskError, SampleError, UsageError, first_line
from hlsmask.masks import Mask
from hlsmask.samples.statistics.counts import PixelCounts
from hlsmask.samples.statistics.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hlsmask.samples.sample import Sample
    from hlsmask.samples.sequence import Samples

_FEW: Final = 64
"""Samples below which starting other processes takes longer than they save."""

_LARGEST_PART: Final = 64
"""Samples that a process counts before it hands over what it found."""

_PARTS: Final = 2000
"""Parts of a dataset at most, about: adding up what they found takes time too."""


class Richest(NamedTuple):
    """The sample in which a mask covers most; the first of several."""

    share: float
    """Of the observed pixels, 0 to 1."""
    position: int
    """Where in the dataset, from 0."""
    id: str
    """Name."""


class Broken(NamedTuple):
    """A sample that could not be read."""

    position: int
    """Where in the dataset, from 0."""
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What is known of a dataset, or a part of it; parts add, in any order and any grouping."""

    splits: Mapping[str, PixelCounts] = field(default_factory=dict)
    """Counts of each split that has samples; "" for none."""

    coverage: Coverage = field(default_factory=Coverage)
    """Where and when samples are from."""

    richest: Mapping[Mask, Richest] = field(default_factory=dict)
    """For each mask that is there anywhere, the sample in which it covers most."""

    broken: tuple[Broken, ...] = ()
    """Samples that could not be read, in order."""

    @classmethod
    def of(cls, sample: Sample, index: int) -> Statistics:
        """Return the statistics of one sample, at `index` of its dataset."""
        counts = PixelCounts.of(sample)
        observed = counts.observed
        richest = {}
        for mask in Mask:
            if present := counts.mask(mask).present:
                richest[mask] = Richest(present / observed, index, sample.record.id)
        return cls({sample.record.split: counts}, Coverage.of(sample.record), richest)

    @classmethod
    def over(cls, samples: Samples, indices: Sequence[int]) -> Statistics:
        """Return the statistics of some samples of a dataset."""
        total = cls()
        for index in indices:
            try:
                sample = samples.sample(index)
            except SampleError as error:
                total += cls(broken=(Broken(index, first_line(error)),))
            except HlsmaskError:
                raise  # the dataset as a whole cannot be read
            except Exception as error:  # noqa: BLE001 - whatever one sample does, the others are counted
                reason = f"{samples.path}: sample {index} cannot be read: {type(error).__name__}: {first_line(error)}"
                total += cls(broken=(Broken(index, reason),))
            else:
                total += cls.of(sample, index)
        return total

    def __add__(self, other: Statistics) -> Statistics:
        splits = dict(self.splits)
        for split, counts in other.splits.items():
            splits[split] = splits[split] + counts if split in splits else counts
        richest = dict(self.richest)
        for mask, one in other.richest.items():
            richest[mask] = min(one, richest.get(mask, one), key=lambda each: (-each.share, each.position))
        broken = tuple(sorted((*self.broken, *other.broken)))
        return Statistics(splits, self.coverage + other.coverage, richest, broken)

    @property
    def total(self) -> PixelCounts:
        """Counts of all splits together."""
        return sum(self.splits.values(), PixelCounts.none())

    @property
    def samples(self) -> int:
        """Samples that were counted."""
        return sum(counts.samples for counts in self.splits.values())

    def in_order(self) -> dict[str, PixelCounts]:
        """Return the counts of each split: train, val, test, others, then those of no split."""
        known = {"train": 0, "val": 1, "test": 2, "": 4}
        return dict(sorted(self.splits.items(), key=lambda entry: (known.get(entry[0], 3), entry[0])))


def gather(
    samples: Samples,
    *,
    every: int = 1,
    workers: int | None = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Statistics:
    """Return the statistics of a dataset; a sample that cannot be read is named, and the others are counted.

    Parameters
    ----------
    samples
        The dataset.
    every
        Read the first sample and every so many after it.
    workers
        Processes that read. With more than one, `samples` is pickled, and a script needs the usual
        `if __name__ == "__main__"`. None takes one a core, and one for few samples.
    progress
        Is told how many samples of how many were read.

    Raises
    ------
    UsageError
        If `every` or `workers` is less than 1.
    DatasetError
        If there are no samples, or the dataset as a whole cannot be read.
    """
    if every < 1:
        raise UsageError(f"--every is {every}; use 1 for all samples, or more")
    if workers is not None and workers < 1:
        raise UsageError(f"--workers is {workers}; use 1 or more")
    indices = range(0, len(samples), every)
    if not indices:
        raise DatasetError(f"{samples.path} holds no samples: there is nothing to count")
    if workers is None:
        workers = 1 if len(indices) < _FEW else os.cpu_count() or 1
    workers = min(workers, len(indices))
    size = max(min(-(-len(indices) // (8 * workers)), _LARGEST_PART), -(-len(indices) // _PARTS))
    parts = [indices[start : start + size] for start in range(0, len(indices), size)]
    alone = ((part, Statistics.over(samples, part)) for part in parts)
    total = Statistics()
    for part, found in alone if workers == 1 else _shared(samples, parts, workers):
        total += found
        progress(part[-1] // every + 1, len(indices))
    return total


_held: dict[str, Samples] = {}
"""The dataset of this process, if it is a worker."""


def _shared(samples: Samples, parts: Sequence[range], workers: int) -> Iterator[tuple[range, Statistics]]:
    """Yield the statistics of each part, in order; few wait to be taken, so that memory is bounded."""
    spawn = multiprocessing.get_context("spawn")  # threads of ours do not survive a fork
    with ProcessPoolExecutor(workers, spawn, _begin, (samples,)) as pool:
        waiting: deque[tuple[range, Future[Statistics]]] = deque()
        try:
            for part in parts:
                waiting.append((part, pool.submit(_count, part)))
                if len(waiting) > 2 * workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        except BrokenProcessPool as error:
            raise DatasetError(
                f"{samples.path}: a process that read samples was stopped by the system, maybe for want of memory; "
                "use fewer --workers"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(samples: Samples) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    _held["samples"] = samples


def _count(part: range) -> Statistics:
    return Statistics.over(_held["samples"], part)
