"""Labels: what a DSWx-HLS product, or the bands alone, and Fmask know of a scene. A small rule a mask.

Why each rule is as it is: `docs/explanation/labels.md`.
"""

from __future__ import annotations

from hlsmask.samples.labels.dswx import from_dswx, layers_needed
from hlsmask.samples.labels.options import Rules
from hlsmask.samples.labels.spectral import from_spectral, remap_aerosol, shad_layer

__all__ = ["Rules", "from_dswx", "from_spectral", "layers_needed", "remap_aerosol", "shad_layer"]
