"""Which samples are kept, and why others are not."""

from __future__ import annotations

import hashlib
from math import floor
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hlsmask.samples.building.recipe import Gates
    from hlsmask.samples.sample import Sample

ALL_CLOUD: Final = 0.95
"""Share of what was observed that is cloud in a sample that counts as all cloud: it teaches little but cloud."""

CAPPED: Final = "all cloud, beyond the cap"
"""Why a sample is dropped of which there are too many."""


def why_not(sample: Sample, gates: Gates) -> str:
    """Return why a sample is not kept, "" if it is."""
    if sample.valid.mean() < gates.min_valid:
        return "too little observed"
    for mask, least in gates.shares().items():
        labels = sample.labels[list(Mask).index(mask)]
        known = int(np.count_nonzero(labels != NOT_OBSERVED))
        if np.count_nonzero(labels == PRESENT) < least * max(known, 1):
            return f"too little {mask.title}"
    return ""


def is_all_cloud(sample: Sample) -> bool:
    """Say whether a sample is nearly all cloud."""
    cloudy = int(np.count_nonzero(sample.labels[list(Mask).index(Mask.CLOUD)] == PRESENT))
    return cloudy >= ALL_CLOUD * max(int(np.count_nonzero(sample.valid)), 1)


def chosen(names: Iterable[str], there: frozenset[str], others: int, share: float, seed: int) -> list[str]:
    """Return those of the all-cloud samples `names` that are kept beside `others` samples that are not.

    They make up `share` of the whole at most. Those that are `there` already stay; the others are ranked by a hash of
    seed and name, so that their order does not matter.
    """
    ranked = sorted(names, key=lambda name: (name not in there, _rank(seed, name)))
    if share >= 1:
        return ranked
    allowed = floor(share / (1 - share) * others + 1e-9)
    return ranked[: max(allowed, sum(name in there for name in ranked))]


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed} {name}".encode(), digest_size=16).digest()
