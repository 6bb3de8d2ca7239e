"""On which devices a run goes, and how their processes meet: what pytorch-lightning is told."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy
from torch import distributed

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hlsmask.training.options import Machine


_TRACES: Final = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "RANK", "WORLD_SIZE")
"""What pytorch-lightning puts into the environment where it starts processes itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Devices, chosen and there."""

    accelerator: str
    """`cpu`, `cuda` or `mps`."""

    devices: int | tuple[int, ...]
    """How many of each node, or the numbers of those to take."""

    nodes: int
    """Machines."""

    distributed: bool
    """Whether there is a process for each device."""

    backend: str
    """How processes talk: `nccl` or `gloo`."""

    @property
    def count(self) -> int:
        """Devices of all nodes."""
        return self.nodes * (self.devices if isinstance(self.devices, int) else len(self.devices))


def choose_place(machine: Machine) -> Place:
    """Return where to train.

    Raises
    ------
    UsageError
        If that is not there, or does not go together.
    """
    accelerator = _accelerator(machine)
    launched = int(os.environ.get("LOCAL_WORLD_SIZE", "0"))  # torchrun says how many it started here
    nodes = max(machine.nodes, machine.world_size)
    wanted = machine.devices or launched or None
    many = nodes > 1 or (wanted or 1) > 1
    spread = machine.strategy == "ddp" or machine.multiprocessing_distributed or many
    there = {"cuda": torch.cuda.device_count(), "cpu": os.cpu_count() or 1, "mps": 1}[accelerator]
    if machine.gpu is not None:
        if machine.gpu >= there:
            raise UsageError(f"--gpu is {machine.gpu}; there are {there} GPUs, numbered from 0")
        return Place(accelerator, (machine.gpu,), 1, distributed=False, backend="nccl")
    devices = wanted or (there if spread and accelerator == "cuda" else 1)
    if devices > there:
        kind = {"cuda": "GPUs", "cpu": "CPU cores", "mps": "Apple GPU"}[accelerator]
        raise UsageError(f"--devices is {devices}; there are {there} {kind} here: use {there} or fewer")
    if accelerator == "mps" and spread:
        raise UsageError("--strategy ddp needs CUDA or a CPU; leave it out, or use --accelerator cpu")
    if machine.precision == "16-mixed" and accelerator == "cpu":
        raise UsageError("--precision 16-mixed needs a GPU; use bf16-mixed or 32 on a CPU")
    backend = (machine.dist_backend or "nccl") if accelerator == "cuda" else "gloo"
    return Place(accelerator, devices, nodes, distributed=spread, backend=backend)


def trainer_options(place: Place, machine: Machine) -> dict[str, Any]:
    """Return what the Trainer is told of the place: accelerator, devices, nodes, strategy, precision, meeting point."""
    options: dict[str, Any] = {
        "accelerator": place.accelerator,
        "devices": list(place.devices) if isinstance(place.devices, tuple) else place.devices,
        "num_nodes": place.nodes,
        "precision": {"32": "32-true"}.get(machine.precision, machine.precision),
    }
    if place.distributed:
        options["strategy"] = DDPStrategy(
            process_group_backend=place.backend, find_unused_parameters=machine.find_unused_param == 1
        )
    if meeting := _meeting(machine):
        options["plugins"] = [meeting]
    return options


@contextmanager
def leaving_no_trace() -> Iterator[None]:
    """Afterwards this process is alone again, and its environment what it was: another run may follow."""
    before = {name: os.environ.get(name) for name in _TRACES}
    try:
        yield
    finally:
        if distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Meeting(LightningEnvironment):
    """Where processes meet, as `--dist-url` and `--rank` say."""

    def __init__(self, host: str, port: int, node: int) -> None:
        """Meet at `host`:`port`; this node has the number `node`."""
        super().__init__()
        self._host, self._port, self._node = host, port, node

    @property
    def main_address(self) -> str:
        """Address of the first node."""
        return self._host

    @property
    def main_port(self) -> int:
        """Port of the first node."""
        return self._port

    def node_rank(self) -> int:
        """Return the number of this node."""
        return self._node


def _meeting(machine: Machine) -> Meeting | None:
    """Return where processes meet if the options say so, and torchrun or SLURM, which know it, do not."""
    if machine.dist_url in (None, "env://") or {"LOCAL_WORLD_SIZE", "SLURM_NTASKS"} & set(os.environ):
        return None
    try:
        url = urlsplit(str(machine.dist_url))
        host, port = url.hostname, url.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise UsageError(f"--dist-url is {machine.dist_url}; use tcp://HOST:PORT or env://")
    return Meeting(host, port, max(machine.rank, 0))


def _accelerator(machine: Machine) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    wanted = "cuda" if machine.gpu is not None else machine.accelerator
    if wanted == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[wanted]:
        usable = " and ".join(name for name, is_there in there.items() if is_there)
        raise UsageError(f"torch finds no {wanted} here; there is {usable}")
    return wanted
