"""Simulated samples as they are stored."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from hlsmask.bands import HLS_FILL, HLS_SCALE
from hlsmask.errors import UsageError
from hlsmask.samples.division.footprints import middles, square_of
from hlsmask.samples.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hlsmask.samples.sample import Record
    from hlsmask.samples.sequence import Samples
    from hlsmask.samples.simulate.parameters import Simulation
    from hlsmask.samples.simulate.stream import SimulatedSamples


def name_of(stream: SimulatedSamples, number: int) -> str:
    """Return the name of a sample, the same wherever it is made."""
    return f"sim-{stream.seed}-{number:07d}"


def mark_of(backgrounds: Samples) -> str:
    """Return what changes when other backgrounds are simulated over, or the same ones divided anew."""
    records = map(backgrounds.record, range(len(backgrounds)))
    lines = sorted(f"{record.id} {record.split}" for record in records)
    return sha256("\n".join(lines).encode()).hexdigest()


def check_storable(simulation: Simulation) -> None:
    """Raise UsageError if its samples would be of several places each: none of the records could say where from."""
    if simulation.ground.patchwork > 0:
        raise UsageError(
            f"ground.patchwork is {simulation.ground.patchwork:g}: windows of two places, which no division could keep "
            "apart, cannot be stored; leave it out, or train with --simulate, which stores nothing"
        )


def simulated(stream: SimulatedSamples, numbers: Sequence[int]) -> Iterator[Sample]:
    """Yield the samples of these numbers, ready to be stored; split, granule and tile are those of the background.

    Raises
    ------
    UsageError
        If windows are put together from two backgrounds (`ground.patchwork`).
    """
    check_storable(stream.simulator.simulation)
    bands, labels, found = stream.batch(numbers)
    stored = (
        (bands / HLS_SCALE).round_().nan_to_num_(nan=HLS_FILL).clamp_(HLS_FILL, np.iinfo(np.int16).max).cpu().numpy()
    )
    known = labels.cpu().numpy()
    for place, number in enumerate(numbers):
        record = replace(
            _over(stream.backgrounds.record(found[place]), stream.size),
            id=name_of(stream, number),
            terrain_shadow=stream.simulator.simulation.relief.meaning,
            source="simulated",
        )
        yield Sample.of(record, stored[place].astype(np.int16), known[place])


def _over(below: Record, size: int) -> Record:
    """Return what is known of a window of `size` pixels somewhere on a background, turned and perhaps enlarged.

    All windows of a background are at its middle, so that division never parts them. In a larger background they may
    stem from ground beyond their own size around it: where no split has been given to it yet, they have no place, and
    go with its tile, its granule or itself.
    """
    square = None if below.lon is not None and below.lat is not None else square_of(below)
    lon, lat, crs = below.lon, below.lat, below.crs
    if square is not None:
        lon, lat = (float(degrees) for degrees in middles([square])[0])
    if below.size > size and not below.split:
        lon, lat, crs = None, None, ""
    granule = below.granule or f"background:{below.id}"
    return replace(
        below, size=size, granule=granule, row=None, col=None, crs=crs, left=None, top=None, lon=lon, lat=lat
    )
