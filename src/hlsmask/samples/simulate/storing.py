"""Simulated samples as they are stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hlsmask.bands import HLS_FILL, HLS_SCALE
from hlsmask.samples.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hlsmask.samples.simulate.stream import SimulatedSamples


def name_of(stream: SimulatedSamples, number: int) -> str:
    """Return the name of a sample, the same wherever it is made."""
    return f"sim-{stream.seed}-{number:07d}"


def simulated(stream: SimulatedSamples, numbers: Sequence[int]) -> Iterator[Sample]:
    """Yield the samples of these numbers, ready to be stored; `granule` and place are those of the background."""
    bands, labels, found = stream.batch(numbers)
    stored = (
        (bands / HLS_SCALE).round_().nan_to_num_(nan=HLS_FILL).clamp_(HLS_FILL, np.iinfo(np.int16).max).cpu().numpy()
    )
    known = labels.cpu().numpy()
    for place, number in enumerate(numbers):
        below = stream.backgrounds.record(found[place])
        record = replace(
            below,
            id=name_of(stream, number),
            size=stream.size,
            row=None,
            col=None,
            left=None,
            top=None,
            terrain_shadow=stream.simulator.simulation.relief.meaning,
            source="simulated",
        )
        yield Sample.of(record, stored[place].astype(np.int16), known[place])
