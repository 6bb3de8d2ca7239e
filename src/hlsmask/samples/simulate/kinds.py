"""Kinds of clouds, and where their figures come from.

Heights are those of the cloud genera (World Meteorological Organization, International Cloud Atlas). Covers, cells and
depths were chosen by eye beside real Sentinel-2 and Landsat scenes of 30 m.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlsmask.samples.simulate.ranges import Range, check


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cloud."""

    weight: float
    """How often it is drawn, relative to the other kinds of its layer."""

    cover: Range
    """Share of the window whose opacity reaches 0.12."""

    cell: Range
    """Size of its cells or streaks in pixels."""

    slope: Range
    """Exponent of the power of its field over frequency: frayed (2) to smooth (4)."""

    patches: Range
    """Deviation of the coarse part of its field, relative to its cells: even to clustered."""

    billow: Range
    """How much small round heads swell its edges and its top."""

    stretch: Range
    """Length over width of its cells."""

    gain: Range
    """Optical depth a deviation of its field: how fast it thickens from its edge."""

    most: Range
    """Largest optical depth."""

    height: Range
    """Metres above the ground."""

    ice: float
    """1 ice, 0 droplets: ice is darker in the short-wave infrared."""

    def __post_init__(self) -> None:
        check(self, 0, 1, "cover", "ice")
        check(self, 0, 1e6, "weight")
        check(self, 2, 1000, "cell")
        check(self, 1, 6, "slope")
        check(self, 0, 10, "patches", "billow")
        check(self, 1, 30, "stretch")
        check(self, 0.01, 100, "gain", "most")
        check(self, 0, 16000, "height")


@dataclass(frozen=True, slots=True)
class Cumulus(Kind):
    """Fair weather: crisp heaps in clusters."""

    weight: float = 0.4
    cover: Range = (0.02, 0.4)
    cell: Range = (10, 40)
    slope: Range = (3.8, 4.8)
    patches: Range = (0.2, 1.0)
    billow: Range = (0.3, 0.8)
    stretch: Range = (1.0, 1.7)
    gain: Range = (2.0, 8.0)
    most: Range = (4, 16)
    height: Range = (500, 2600)
    ice: float = 0


@dataclass(frozen=True, slots=True)
class Broken(Kind):
    """Stratocumulus and torn fields."""

    weight: float = 0.22
    cover: Range = (0.25, 0.75)
    cell: Range = (10, 60)
    slope: Range = (3.2, 4.2)
    patches: Range = (0.3, 1.5)
    billow: Range = (0.1, 0.7)
    stretch: Range = (1.0, 2.2)
    gain: Range = (1.2, 6.0)
    most: Range = (2, 12)
    height: Range = (600, 3500)
    ice: float = 0


@dataclass(frozen=True, slots=True)
class Thin(Kind):
    """Thin low cloud and ragged scud, through which the ground is seen."""

    weight: float = 0.18
    cover: Range = (0.1, 0.8)
    cell: Range = (20, 120)
    slope: Range = (2.8, 3.8)
    patches: Range = (0.5, 1.5)
    billow: Range = (0.0, 0.4)
    stretch: Range = (1.0, 3.0)
    gain: Range = (0.12, 1.2)
    most: Range = (0.4, 2.5)
    height: Range = (400, 3500)
    ice: float = 0


@dataclass(frozen=True, slots=True)
class Overcast(Kind):
    """A closed deck, with holes or without."""

    weight: float = 0.12
    cover: Range = (0.85, 1.0)
    cell: Range = (15, 110)
    slope: Range = (2.6, 3.8)
    patches: Range = (0.3, 1.2)
    billow: Range = (0.1, 0.7)
    stretch: Range = (1.0, 2.0)
    gain: Range = (1.0, 5.0)
    most: Range = (3, 14)
    height: Range = (500, 3000)
    ice: float = 0


@dataclass(frozen=True, slots=True)
class Fog(Kind):
    """Fog and low stratus: smooth, sharp at the rim, in the valleys where there is relief."""

    weight: float = 0.08
    cover: Range = (0.05, 0.6)
    cell: Range = (60, 220)
    slope: Range = (3.4, 4.4)
    patches: Range = (0.5, 1.5)
    billow: Range = (0.0, 0.12)
    stretch: Range = (1.0, 2.5)
    gain: Range = (1.5, 6.0)
    most: Range = (0.8, 4)
    height: Range = (30, 350)
    ice: float = 0


@dataclass(frozen=True, slots=True)
class Altocumulus(Kind):
    """Rows and rolls of small heads."""

    weight: float = 0.3
    cover: Range = (0.1, 0.7)
    cell: Range = (7, 18)
    slope: Range = (3.0, 4.0)
    patches: Range = (1.0, 2.5)
    billow: Range = (0.2, 0.8)
    stretch: Range = (1.0, 2.5)
    gain: Range = (0.5, 2.2)
    most: Range = (1.5, 6)
    height: Range = (2400, 6000)
    ice: float = 0


@dataclass(frozen=True, slots=True)
class Cirrus(Kind):
    """Streaks of ice."""

    weight: float = 0.4
    cover: Range = (0.08, 0.8)
    cell: Range = (40, 160)
    slope: Range = (2.2, 3.2)
    patches: Range = (0.3, 1.2)
    billow: Range = (0.0, 0.25)
    stretch: Range = (2.5, 8.0)
    gain: Range = (0.12, 0.6)
    most: Range = (0.8, 3)
    height: Range = (6000, 12000)
    ice: float = 1


@dataclass(frozen=True, slots=True)
class Veil(Kind):
    """Cirrostratus and altostratus: smooth and thin."""

    weight: float = 0.3
    cover: Range = (0.3, 1.0)
    cell: Range = (120, 400)
    slope: Range = (3.2, 4.5)
    patches: Range = (0.5, 1.5)
    billow: Range = (0.0, 0.05)
    stretch: Range = (1.0, 2.5)
    gain: Range = (0.1, 0.5)
    most: Range = (0.5, 2.5)
    height: Range = (3000, 11000)
    ice: float = 0.8
