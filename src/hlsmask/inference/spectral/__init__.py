"""The engine that needs no weights: physics alone, the baseline that every network must beat."""

from __future__ import annotations

from hlsmask.inference.spectral.cloud import despeckle, score
from hlsmask.inference.spectral.engine import Spectral
from hlsmask.inference.spectral.relief import illumination, terrain_shadow
from hlsmask.inference.spectral.shadow import cloud_shadow
from hlsmask.inference.spectral.snow import snow
from hlsmask.inference.spectral.water import DIAG, diagnostic, wtr1

__all__ = [
    "DIAG",
    "Spectral",
    "cloud_shadow",
    "despeckle",
    "diagnostic",
    "illumination",
    "score",
    "snow",
    "terrain_shadow",
    "wtr1",
]
