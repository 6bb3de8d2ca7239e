"""Clouds, shadows, snow, relief, air and sensor, simulated over real clear scenes, with every label known.

`Simulation` holds all parameters and needs no torch; `Simulator` does the work on tensors; `SimulatedSamples` is an
endless stream of it for training.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsmask.samples.simulate.device import choose_device as choose_device
    from hlsmask.samples.simulate.parameters import Simulation as Simulation
    from hlsmask.samples.simulate.preview import write_sheet as write_sheet
    from hlsmask.samples.simulate.simulator import Simulator as Simulator
    from hlsmask.samples.simulate.storing import check_storable as check_storable
    from hlsmask.samples.simulate.storing import mark_of as mark_of
    from hlsmask.samples.simulate.storing import name_of as name_of
    from hlsmask.samples.simulate.storing import simulated as simulated
    from hlsmask.samples.simulate.stream import SimulatedSamples as SimulatedSamples

_HOME = {
    "SimulatedSamples": "stream",
    "Simulation": "parameters",
    "Simulator": "simulator",
    "check_storable": "storing",
    "choose_device": "device",
    "mark_of": "storing",
    "name_of": "storing",
    "simulated": "storing",
    "write_sheet": "preview",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - all of them are strings


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: each name is loaded when it is first used
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
