"""From any samples to the compact store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hlsmask.errors import DatasetError, SampleError
from hlsmask.samples.ahead import read_ahead
from hlsmask.samples.published import PublishedSamples

if TYPE_CHECKING:
    from collections.abc import Callable

    from hlsmask.samples.sequence import Samples
    from hlsmask.samples.store import StoreWriter


def convert(
    samples: Samples,
    writer: StoreWriter,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[str, str]]:
    """Write samples into a store; those that it holds already are not read again.

    Parameters
    ----------
    samples
        Published ones, or those of a store.
    writer
        The store; finished by whoever opened it.
    workers
        Threads that read.
    progress
        Called with how many samples are done, of how many.

    Returns
    -------
    Name and reason of each sample that could not be used.

    Raises
    ------
    DatasetError
        If none could.
    """
    broken: list[tuple[str, str]] = []
    names = [name_of(samples, index) for index in range(len(samples))]
    there = writer.ids
    wanted = [index for index, name in enumerate(names) if name not in there]
    done = len(names) - len(wanted)
    for index, read in read_ahead(samples, wanted, workers=workers):
        try:
            if isinstance(read, SampleError):
                raise read
            writer.append(read)
        except SampleError as error:
            broken.append((names[index], str(error)))
        done += 1
        if progress is not None:
            progress(done, len(names))
    if not writer.ids:
        raise DatasetError(f"none of the {len(names)} samples in {samples.path} can be used; the first: {broken[0][1]}")
    return broken


def name_of(samples: Samples, index: int) -> str:
    """Return the id of a sample, without reading it where its file's name tells."""
    return samples.name(index) if isinstance(samples, PublishedSamples) else samples.record(index).id


def options_of(samples: Samples, split: str | None) -> dict[str, Any]:
    """Return what a store keeps of how it was made."""
    kind = "published" if isinstance(samples, PublishedSamples) else "store"
    return {"command": "convert", "from": kind, "split": split or "all"}
