"""What is asked of `hlsmask extract`; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path  # noqa: TC003 - the command line reads the annotations
from typing import Final

from hlsmask.bands import BANDS, Band
from hlsmask.errors import UsageError

ENDINGS: Final = (".parquet", ".csv")
"""Of the table that is written."""

LARGEST: Final = 100_000.0
"""Metres around a point, at most."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """Which places, and where what is found goes."""

    sites: Path
    """Places: points, each with a radius, and polygons. GeoJSON (longitude and latitude, or what its `crs` says), CSV
    with columns lon and lat, GeoParquet, and, where pyogrio is installed, GeoPackage or Shapefile. A site is called by
    its property `id` or `name`, else by its place in the file, from 1."""

    out: Path
    """Table to write, a row for each site and granule: .parquet (needs `hlsmask[cluster]` or `hlsmask[samples]`) or
    .csv."""

    radius: float | None = None
    """Metres around points that have no property `radius`. Polygons stay as they are."""

    scenes: tuple[Path, ...] = ()
    """Folders where the scenes lie now, at any depth, if they are not where they were masked."""

    ssc_model: Path | None = None
    """Your model of suspended sediment, chlorophyll or whatever depends on reflectance: a regression (.toml or .json),
    or a network (.onnx). It gives one more column."""

    charts: Path | None = None
    """Folder for a chart of each site over time (SVG)."""

    chart_bands: tuple[str, ...] = ("blue", "green", "red", "nir")
    """Bands in the charts: blue, green, red, nir, swir1, swir2."""

    scale: float | None = None
    """Reflectance of one stored unit. Else what was given to `predict`, else the file's own tag; integers without one
    are x 0.0001."""

    processes: int | None = None
    """Processes that read side by side. Else one a core where there is much to read."""

    def __post_init__(self) -> None:
        if self.out.suffix.lower() not in ENDINGS:
            raise UsageError(f"--out is {self.out}; use a name that ends in {' or '.join(ENDINGS)}")
        if self.radius is not None and not 0 < self.radius <= LARGEST:
            raise UsageError(f"--radius is {self.radius:g}; use more than 0 and at most {LARGEST:.0f} metres")
        if self.scale is not None and not (isfinite(self.scale) and self.scale > 0):
            raise UsageError(f"--scale is {self.scale}; use a number above 0, such as 0.0001")
        if self.processes is not None and self.processes < 1:
            raise UsageError(f"--processes is {self.processes}; use 1 or more")
        self.drawn()

    def drawn(self) -> tuple[Band, ...]:
        """Return the bands in the charts, in order."""
        for name in self.chart_bands:
            if name not in BANDS:
                raise UsageError(f"--chart-bands names {name!r}; the bands are {', '.join(BANDS)}")
        return tuple(band for band in BANDS if band in self.chart_bands)
