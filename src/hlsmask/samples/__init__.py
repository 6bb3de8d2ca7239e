"""Granules become samples: published datasets read, new ones built, stored, divided, simulated and handed to torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsmask.samples.augment import Augmentation as Augmentation
    from hlsmask.samples.dataset import SampleDataset as SampleDataset
    from hlsmask.samples.memory import HeldSamples as HeldSamples
    from hlsmask.samples.opening import open_samples
    from hlsmask.samples.sample import Record as Record
    from hlsmask.samples.sample import Sample as Sample
    from hlsmask.samples.sequence import Samples as Samples
    from hlsmask.samples.simulate import SimulatedSamples as SimulatedSamples
    from hlsmask.samples.simulate import Simulation as Simulation

    open = open_samples  # noqa: A001 - DESIGN's name: hlsmask.samples.open

_HOME = {
    "Augmentation": ("augment", "Augmentation"),
    "HeldSamples": ("memory", "HeldSamples"),
    "Record": ("sample", "Record"),
    "Sample": ("sample", "Sample"),
    "SampleDataset": ("dataset", "SampleDataset"),
    "Samples": ("sequence", "Samples"),
    "SimulatedSamples": ("simulate", "SimulatedSamples"),
    "Simulation": ("simulate", "Simulation"),
    "open": ("opening", "open_samples"),
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - all of them are strings


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: each name is loaded when it is first used
    if name in _HOME:
        module, found = _HOME[name]
        value = getattr(import_module(f"{__name__}.{module}"), found)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
