"""`hlsmask samples simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from hlsmask.errors import UsageError
from hlsmask.samples.sample import SMALLEST
from hlsmask.samples.simulate.parameters import Simulation

LARGEST = 1024
"""Rows and columns of a sample at most; as `samples.simulate.fields.LARGEST`, which needs torch."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is simulated over, and what is written."""

    backgrounds: Path
    """Clear samples: a store, or a folder in the published layout."""

    out: Path | None = None
    """The store to write: a folder that is new, empty, or to go on with."""

    count: int = 1000
    """How many samples the store gets."""

    size: int = 256
    """Rows and columns of a sample."""

    seed: int = 0
    """Which samples: a whole number of 0 or more."""

    split: Literal["train", "val", "test"] | None = None
    """Take backgrounds of this part alone: train, val or test. A sample is of the part that its background is of."""

    preview: Path | None = None
    """A .png to write: a contact sheet of the first samples, for the eye. Without --out it is all that is done."""

    windows: int = 12
    """How many samples the contact sheet shows."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to simulate. `auto` takes CUDA where there is one."""

    parameters: Path | None = None
    """A .toml or .json file with parameters of the simulation, such as `[clouds]` with `share = 0.5`; then they
    cannot be given as options."""

    def __post_init__(self) -> None:
        if self.out is None and self.preview is None:
            raise UsageError("name --out STORE to write samples, or --preview FILE.png to look at some")
        if self.preview is not None and self.preview.suffix.lower() != ".png":
            raise UsageError(f"--preview is {self.preview}; name a .png file")
        if not SMALLEST <= self.size <= LARGEST:
            raise UsageError(f"--size is {self.size}; use {SMALLEST} to {LARGEST} pixels")
        if min(self.count, self.windows) < 1 or self.seed < 0:
            values = f"--count is {self.count}, --windows {self.windows}, --seed {self.seed}"
            raise UsageError(f"{values}; use 1 or more, 1 or more, 0 or more")


_DEFAULTS = Simulation()


def simulate(
    *,
    task: Annotated[Task, Parameter(name="*")],
    simulation: Annotated[Simulation, Parameter(name="*")] = _DEFAULTS,
) -> int:
    """Simulate clouds, shadows, snow, relief and air over real clear samples, with every label known.

    Sample number k is the same whenever seed, size, parameters and backgrounds are: a run that was stopped goes on
    when it is given again. Needs torch.

    Parameters
    ----------
    task
        What is simulated over, and what is written.
    simulation
        What is simulated.
    """
    from hlsmask.cli.samples.simulating import run  # noqa: PLC0415 - --help answers without torch

    return run(task, simulation)
