"""What one granule tells of one site: a row of the table, and what its columns mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from hlsmask.bands import BANDS
from hlsmask.masks import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Value: TypeAlias = "str | int | float | datetime | None"
Kind: TypeAlias = Literal["text", "time", "count", "share", "reflectance", "estimate"]

QUANTILES: Final = {"q25": 0.25, "median": 0.5, "q75": 0.75}
"""What is told of each band."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    kind: Kind
    """What it holds."""

    meaning: str
    """One phrase."""

    unit: str = ""
    """Of its numbers; empty where there is none."""


COLUMNS: Final[dict[str, Column]] = {
    "site": Column("text", "id or name of the site, else its place in the file"),
    "time": Column("time", "when the scene was sensed, UTC; empty where its source does not say"),
    "granule": Column("text", "name of the scene"),
    "sensor": Column("text", "S30 (Sentinel-2) or L30 (Landsat); empty where the name does not say"),
    "pixels": Column("count", "pixels of the site that lie in the scene"),
    "inside": Column("share", "share of the site's area that lies in the scene"),
    "observed": Column("count", "of those pixels, how many were observed"),
    "clear_water": Column("count", "of those, how many are water that nothing hides; empty where water is not known"),
    **{
        f"{mask}_share": Column("share", f"share of observed pixels with {mask.title}; empty where it is not known")
        for mask in Mask
    },
    **{
        f"{band}_{name}": Column(
            "reflectance", f"{name} of {band} reflectance over clear water; empty where there is none", "1"
        )
        for band in BANDS
        for name in QUANTILES
    },
}
"""Columns of the table, in order; a model adds one more."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one granule tells of one site. Fields mean what `COLUMNS` says of the columns of their names."""

    site: str
    time: datetime | None
    granule: str
    sensor: str
    pixels: int
    inside: float
    observed: int
    clear_water: int | None

    shares: Mapping[Mask, float | None]
    """Share of observed pixels with each mask, 0 to 1; None where it is not known."""

    bands: Mapping[str, float | None]
    """Reflectance over clear water by names such as `red_median`; None where there is none."""

    def values(self) -> dict[str, Value]:
        """Return the row as the table has it, by column."""
        told: dict[str, Value] = {
            "site": self.site,
            "time": self.time,
            "granule": self.granule,
            "sensor": self.sensor,
            "pixels": self.pixels,
            "inside": self.inside,
            "observed": self.observed,
            "clear_water": self.clear_water,
        }
        told |= {f"{mask}_share": self.shares[mask] for mask in Mask}
        return told | dict(self.bands)
