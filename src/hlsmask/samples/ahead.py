"""Samples read ahead by threads, while others are worked on."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from hlsmask.errors import SampleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from hlsmask.samples.sample import Sample
    from hlsmask.samples.sequence import Samples

AHEAD: Final = 3
"""Samples that are read, or wait, for each worker."""


def read_ahead(
    samples: Samples, indexes: Iterable[int], *, workers: int = 1
) -> Iterator[tuple[int, Sample | SampleError]]:
    """Give the samples at `indexes`, in that order, with their index; in place of one that is broken its error."""

    def read(index: int) -> Sample | SampleError:
        try:
            return samples.sample(index)
        except SampleError as error:
            return error

    waiting: deque[tuple[int, Future[Sample | SampleError]]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="samples")
    try:
        for index in indexes:
            waiting.append((index, pool.submit(read, index)))
            if len(waiting) > AHEAD * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
