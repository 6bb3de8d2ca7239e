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


CUMULUS = Kind(
    weight=0.4,
    cover=(0.02, 0.4),
    cell=(10, 40),
    slope=(3.8, 4.8),
    patches=(0.2, 1.0),
    billow=(0.3, 0.8),
    stretch=(1.0, 1.7),
    gain=(2.0, 8.0),
    most=(4, 16),
    height=(500, 2600),
    ice=0,
)
BROKEN = Kind(
    weight=0.22,
    cover=(0.25, 0.75),
    cell=(10, 60),
    slope=(3.2, 4.2),
    patches=(0.3, 1.5),
    billow=(0.1, 0.7),
    stretch=(1.0, 2.2),
    gain=(1.2, 6.0),
    most=(2, 12),
    height=(600, 3500),
    ice=0,
)
THIN = Kind(
    weight=0.18,
    cover=(0.1, 0.8),
    cell=(20, 120),
    slope=(2.8, 3.8),
    patches=(0.5, 1.5),
    billow=(0.0, 0.4),
    stretch=(1.0, 3.0),
    gain=(0.12, 1.2),
    most=(0.4, 2.5),
    height=(400, 3500),
    ice=0,
)
OVERCAST = Kind(
    weight=0.12,
    cover=(0.85, 1.0),
    cell=(15, 110),
    slope=(2.6, 3.8),
    patches=(0.3, 1.2),
    billow=(0.1, 0.7),
    stretch=(1.0, 2.0),
    gain=(1.0, 5.0),
    most=(3, 14),
    height=(500, 3000),
    ice=0,
)
FOG = Kind(
    weight=0.08,
    cover=(0.05, 0.6),
    cell=(60, 220),
    slope=(3.4, 4.4),
    patches=(0.5, 1.5),
    billow=(0.0, 0.12),
    stretch=(1.0, 2.5),
    gain=(1.5, 6.0),
    most=(0.8, 4),
    height=(30, 350),
    ice=0,
)
ALTOCUMULUS = Kind(
    weight=0.3,
    cover=(0.1, 0.7),
    cell=(7, 18),
    slope=(3.0, 4.0),
    patches=(1.0, 2.5),
    billow=(0.2, 0.8),
    stretch=(1.0, 2.5),
    gain=(0.5, 2.2),
    most=(1.5, 6),
    height=(2400, 6000),
    ice=0,
)
CIRRUS = Kind(
    weight=0.4,
    cover=(0.08, 0.8),
    cell=(40, 160),
    slope=(2.2, 3.2),
    patches=(0.3, 1.2),
    billow=(0.0, 0.25),
    stretch=(2.5, 8.0),
    gain=(0.12, 0.6),
    most=(0.8, 3),
    height=(6000, 12000),
    ice=1,
)
VEIL = Kind(
    weight=0.3,
    cover=(0.3, 1.0),
    cell=(120, 400),
    slope=(3.2, 4.5),
    patches=(0.5, 1.5),
    billow=(0.0, 0.05),
    stretch=(1.0, 2.5),
    gain=(0.1, 0.5),
    most=(0.5, 2.5),
    height=(3000, 11000),
    ice=0.8,
)
