"""Clear ground to simulate over, and parameters under which nothing happens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from hlsmask.samples.memory import HeldSamples
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.simulate import Simulation
from hlsmask.samples.simulate.ground import Ground, Relief, Snow, WaterColour
from hlsmask.samples.simulate.sky import Air, Clouds, Instrument

WATER, CLOUD, SHADOW, SNOW, TERRAIN = range(5)
SIZE = 128
KINDS = ("cumulus", "broken", "thin", "overcast", "fog", "altocumulus", "cirrus", "veil")
STILL = Simulation(
    ground=Ground(level=(1, 1), tint=(1, 1), offset=(0, 0), bright=0, dark=0),
    water=WaterColour(recoloured=0, glint=0, lakes=0),
    snow=Snow(share=0, ice_alone=0),
    relief=Relief(share=0),
    clouds=Clouds(share=0, high=0, contrails=0),
    air=Air(haze=0, toa=0),
    instrument=Instrument(gained=0, stripes=0, noise=(1e-6, 1e-6)),
)
"""Nothing happens."""


def with_clouds(*, kind: str = "cumulus", **kwargs: object) -> Clouds:
    """Return clouds of one kind in every window."""
    high = kind in KINDS[5:]
    weights = {name: replace(getattr(Clouds(), name), weight=float(name == kind)) for name in KINDS}
    weights[kind] = replace(weights[kind], **kwargs)
    return replace(Clouds(contrails=0, share=float(not high), high=float(high)), **weights)


def ground(n: int = 2, size: int = SIZE, *, water: float = 0.25) -> tuple[torch.Tensor, torch.Tensor]:
    """Return meadows with a lake at the left, all of it known and clear."""
    level = torch.tensor([0.03, 0.06, 0.05, 0.3, 0.2, 0.1])[None, :, None, None]
    bands = level * (1 + 0.1 * torch.rand((n, 6, size, size), generator=torch.Generator().manual_seed(1)))
    labels = torch.zeros((n, 5, size, size), dtype=torch.uint8)
    edge = round(water * size)
    labels[:, WATER, :, :edge] = 1
    bands[:, :, :, :edge] = torch.tensor([0.04, 0.05, 0.04, 0.01, 0.005, 0.004])[None, :, None, None]
    return bands, labels


def held(n: int = 3, size: int = 96, **record: object) -> HeldSamples:
    bands, labels = ground(n, size)
    stored = (bands.numpy() * 10000).astype(np.int16)
    stored[:, :, -5:] = -9999
    made = [Record(id=f"b{k}", size=size, tile="13TDE", **record) for k in range(n)]
    return HeldSamples([Sample.of(one, b, k) for one, b, k in zip(made, stored, labels.numpy(), strict=True)])
