"""A benchmark: samples that people labelled, and what must be known to read figures made with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.masks import Mask
    from hlsmask.samples.sequence import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """Samples that people labelled by hand; it can be pickled and handed to other processes."""

    name: str
    """What it is called on the command line, such as `sparcs`."""

    title: str
    """What people call it."""

    samples: Samples
    """Its samples, read one at a time, when they are asked for."""

    masks: tuple[Mask, ...]
    """What its labels can judge, in the order of `Mask`; labels of the others are 255 everywhere."""

    protocol: str
    """Which samples count, which classes are merged into which mask, what is 255, how its reflectance differs from
    that of HLS."""

    source: str
    """Whom to cite, and the licence."""


def no_split(name: str, split: str | None) -> None:
    """Raise UsageError if a split is asked of the benchmark `name`, which has none."""
    if split is not None:
        raise UsageError(f"{name} has no split {split!r}: it has no splits at all; name none, and all of it is judged")


def one_split(name: str, split: str | None, spellings: Mapping[str, tuple[str, ...]]) -> str:
    """Return the split of the benchmark `name` that is meant: by default `test`.

    `spellings` holds what else each split may be called.

    Raises
    ------
    UsageError
        If there is no such split; the message lists those that exist.
    """
    wanted = split or "test"
    for known, others in spellings.items():
        if wanted in (known, *others):
            return known
    raise UsageError(f"{name} has no split {split!r}; use {', '.join(spellings)}")
