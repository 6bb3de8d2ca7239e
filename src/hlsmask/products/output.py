"""Where results go; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the command line reads the annotations


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go."""

    out: Path
    """Folder of the results, in which each source gets one of its own. `predict` takes s3://bucket/folder too."""

    probabilities: bool = False
    """Also write ID.probabilities.tif: uint8, a band a mask, value / 200, 255 = not observed."""

    overwrite: bool = False
    """Make again what is already there for the same source, model and options."""
