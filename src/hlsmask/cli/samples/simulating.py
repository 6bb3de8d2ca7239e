"""What `hlsmask samples simulate` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hlsmask.cli import DONE
from hlsmask.cli.samples.progress import progress
from hlsmask.errors import UsageError
from hlsmask.extras import needing
from hlsmask.samples.opening import open_samples
from hlsmask.samples.simulate.parameters import Simulation, read_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.cli.samples.simulate import Task
    from hlsmask.samples.simulate import SimulatedSamples

_TOGETHER: Final = 8
"""Samples that are simulated at once; what comes out does not depend on it."""


def run(task: Task, simulation: Simulation) -> int:
    """Simulate; return the exit code."""
    if task.parameters is not None:
        if simulation != Simulation():
            raise UsageError(f"give the parameters of the simulation in {task.parameters} or as options, not both")
        simulation = read_parameters(task.parameters)
    with needing("train", "simulating"), needing("samples", "reading and writing samples"):
        from hlsmask.samples.simulate import SimulatedSamples, choose_device  # noqa: PLC0415 - not in the light install

        held = open_samples(task.backgrounds, task.split)
        stream = SimulatedSamples(held, simulation, size=task.size, seed=task.seed, device=choose_device(task.device))
        if task.preview is not None:
            _preview(stream, task.preview, task.windows)
            print(f"{task.preview}: {task.windows} samples over {task.backgrounds}")
        if task.out is not None:
            _write(stream, task.out, task)
    return DONE


def _preview(stream: SimulatedSamples, path: Path, windows: int) -> None:
    from hlsmask.samples.simulate import write_sheet  # noqa: PLC0415 - as the others

    pairs = []
    for first in range(0, windows, _TOGETHER):
        bands, labels, _ = stream.batch(range(first, min(windows, first + _TOGETHER)))
        pairs += list(zip(bands.cpu().numpy(), labels.cpu().numpy(), strict=True))
    write_sheet(path, pairs)


def _write(stream: SimulatedSamples, out: Path, task: Task) -> None:
    from hlsmask.samples.simulate import (  # noqa: PLC0415 - as the others
        check_storable,
        mark_of,
        name_of,
        simulated,
    )
    from hlsmask.samples.store import StoreWriter  # noqa: PLC0415 - needs zarr

    check_storable(stream.simulator.simulation)
    options = {
        "kind": "simulated",
        "backgrounds": str(task.backgrounds.resolve()),
        "divided": mark_of(stream.backgrounds),
        "split": task.split or "",
        "size": task.size,
        "seed": task.seed,
        "simulation": stream.simulator.simulation.to_dict(),
    }
    with StoreWriter(out, options=options) as store, progress("simulating") as advance:
        wanted = [number for number in range(task.count) if name_of(stream, number) not in store.ids]
        for first in range(0, len(wanted), _TOGETHER):
            for sample in simulated(stream, wanted[first : first + _TOGETHER]):
                store.append(sample)
            advance(task.count - len(wanted) + min(first + _TOGETHER, len(wanted)), task.count)
        held = len(store.ids)
    print(f"{out}: {held} samples, {len(wanted)} of them made now, {task.size} x {task.size} pixels each")
