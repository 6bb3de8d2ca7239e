"""Parameters of what lies on the ground: its level, water, bright targets, snow, relief."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from hlsmask.samples.simulate.ranges import Range, check


@dataclass(frozen=True, slots=True)
class Ground:
    """How the background is changed before anything is laid on it."""

    level: Range = (0.55, 1.4)
    """Factor of all bands: seasons and places darker and brighter than the backgrounds. From a first trial."""

    tint: Range = (0.93, 1.07)
    """Factor of each band: colours of soil and leaf beyond those of the backgrounds. From a first trial."""

    offset: Range = (-0.01, 0.015)
    """Reflectance added to all bands: over- and undercorrected air. From a first trial."""

    bright: float = 0.12
    """Share of windows with sand, salt, bright soil or roofs: what is white and no cloud."""

    bright_cover: Range = (0.02, 0.35)
    """Share of such a window that sand or salt covers; roofs cover a fifth of that."""

    dark: float = 0.12
    """Share of windows with ground that is dark and in no shadow: burnt, wet or peaty soil, lava, patches of forest."""

    dark_cover: Range = (0.02, 0.35)
    """Share of such a window that is dark."""

    dark_level: Range = (0.25, 0.8)
    """What dark ground keeps of its near infrared; more of the other bands."""

    mottled: float = 0.0
    """Share of windows whose land is lighter here and darker there, without a light on it: soil, sparse scrub, dunes,
    fields in leaf. Such ground is what masks take for faint relief."""

    mottled_level: Range = (0.02, 0.2)
    """Relative deviation of such land's reflectance, drawn evenly in its logarithm."""

    mottled_size: Range = (5.0, 90.0)
    """The longest of its mottles, in pixels, drawn evenly in its logarithm."""

    patchwork: float = 0.0
    """Share of windows put together from two backgrounds along a random line: few backgrounds are soon learned by
    heart. They belong to no one place, so samples that are stored, and may be divided later, cannot be made so."""

    def __post_init__(self) -> None:
        check(self, 0, 3, "level", "tint")
        check(self, -0.2, 0.2, "offset")
        check(self, 0, 1, "bright", "bright_cover", "dark", "dark_cover", "dark_level", "patchwork", "mottled")
        check(self, 0.001, 1, "mottled_level")
        check(self, 3, 400, "mottled_size")


@dataclass(frozen=True, slots=True)
class WaterColour:
    """What water looks like."""

    recoloured: float = 0.3
    """Share of windows whose water gets other spectra: clear, green, milky, muddy."""

    turbidity: Range = (0.0, 1.0)
    """0 clear to 1 loaded with silt, where near infrared nears 0.17 (see `spectra.py`)."""

    texture: float = 0.06
    """Relative deviation of recoloured water within a window."""

    glint: float = 0.12
    """Share of windows where the sun is mirrored in their water."""

    glint_level: Range = (0.01, 0.14)
    """Reflectance that glint adds, nearly the same in all bands (Kay et al. 2009, doi:10.3390/rs1040697)."""

    lakes: float = 0.08
    """Share of windows that get lakes of their own, where relief is not simulated as well."""

    lake_cover: Range = (0.03, 0.4)
    """Share of such a window that they cover."""

    ponds: float = 0.0
    """Share of windows that get ponds of their own where they have no such lakes: most of their pixels are shore."""

    pond_cover: Range = (0.002, 0.03)
    """Share of such a window that they cover."""

    pond_size: Range = (2.0, 12.0)
    """How far they reach, in pixels, drawn evenly in its logarithm."""

    shallow: float = 0.0
    """Share of windows whose lakes and ponds are so shallow that the ground below them shows: flooded fields, lagoons,
    brine over salt."""

    depth: Range = (0.03, 2.0)
    """Metres of such water, drawn evenly in their logarithm."""

    pale: float = 0.5
    """Share of shallow waters over sand, salt or chalk; others lie over the ground that was there."""

    def __post_init__(self) -> None:
        lengths = ("pond_size", "depth")
        check(self, 0, 1, *(field.name for field in fields(self) if field.name not in lengths))
        check(self, 1, 100, "pond_size")
        check(self, 0.01, 100, "depth")


@dataclass(frozen=True, slots=True)
class Snow:
    """Snow on land, ice on water."""

    share: float = 0.25
    """Share of windows with snow. From a first trial."""

    ice: float = 0.5
    """Share of those whose water freezes, in part or wholly."""

    ice_alone: float = 0.06
    """Share of windows with ice on water and no snow on land: spring."""

    cover: Range = (0.05, 1.0)
    """Share of the window that lies above the snow's edge."""

    edge: Range = (1.5, 14.0)
    """Slope of the snow's edge, in cover a deviation of its field: patchy to sharp."""

    brightness: Range = (0.45, 1.0)
    """Green reflectance: old and wet to fresh (Warren 1982, doi:10.1029/RG020i001p00067)."""

    blue: Range = (0.8, 1.1)
    """Blue as a share of green. Pure snow is white; what air is left in a picture of it, or too much taken off, is not:
    on 4 chips of HLS blue is 0.79 to 0.90 of green."""

    red: Range = (0.92, 1.14)
    """Red as a share of green: 1.03 to 1.17 on those."""

    nir: Range = (0.70, 1.12)
    """Near infrared as a share of green: grain size and air; 0.87 to 1.2 on those."""

    swir1: Range = (0.03, 0.3)
    """Short-wave infrared 1 as a share of green; ice absorbs there, the less the finer its grains."""

    swir2: Range = (0.02, 0.3)
    """Short-wave infrared 2 as a share of green: where in its range `swir1` is, or near it."""

    texture: Range = (0.01, 0.07)
    """Relative deviation of its brightness: drifts, crust."""

    trees: Range = (0.3, 0.95)
    """Share of snow that dense forest hides."""

    clear: float = 0.0
    """Share of windows with snow that have no clouds. Thin even cloud over snow looks like brighter snow: how often a
    network calls that cloud is how often it was."""

    forest: float = 0.0
    """Share of windows with snow where patches of conifers stand in it, whatever grew there in summer."""

    forest_cover: Range = (0.03, 0.6)
    """Share of such a window's land that they cover."""

    floes: float = 0.5
    """Share of frozen waters whose ice is broken by leads of open water."""

    label_from: float = 0.5
    """Cover from which a pixel is snow or ice."""

    doubt_from: float = 0.2
    """Cover from which it may be: not known up to `label_from`."""

    def __post_init__(self) -> None:
        check(self, 0, 1, "share", "ice", "ice_alone", "cover", "swir1", "swir2", "texture", "trees", "floes")
        check(self, 0, 1, "clear", "forest", "forest_cover")
        check(self, 0, 1.5, "brightness", "blue", "red", "nir")
        check(self, 0.1, 100, "edge")
        check(self, 0.01, 1, "label_from")
        check(self, 0.001, self.label_from, "doubt_from")


@dataclass(frozen=True, slots=True)
class Relief:
    """Mountains, and the light on them."""

    share: float = 0.25
    """Share of windows that get relief. Six of ten, tried first, took cloud shadows for relief."""

    height: Range = (60.0, 1400.0)
    """Metres from the lowest to the highest point of a window of 256 pixels; in proportion for others."""

    slope: Range = (3.6, 4.8)
    """Exponent of the power of heights over frequency: rough to smooth."""

    ridges: Range = (0.1, 0.9)
    """How much of the relief is ridges rather than domes."""

    dem: str = ""
    """A file of real elevations in metres, of pixels as large as those of the windows: a raster, each band of which
    is a piece of ground, or .npy of shape (rows, columns) or (pieces, rows, columns). Without it all is random."""

    real: float = 0.5
    """Share of the windows with relief whose heights are cut from `dem`, where that is given."""

    exaggeration: Range = (0.7, 3.0)
    """By how much real heights are multiplied: even in its logarithm."""

    label_from: float = 0.0
    """Share of the direct light of open level ground from whose loss a slope turned away is known to be terrain shadow.
    What loses less is not known: its shading is weaker than what soil and leaf do. 0: the whole SHAD layer is known."""

    meaning: Literal["shad+cast", "shad"] = "shad+cast"
    """What terrain shadow means: `shad`, slopes turned away from the sun as the DSWx SHAD layer has them, or
    `shad+cast`, those and what other relief hides from the sun. The picture is the same."""

    def __post_init__(self) -> None:
        check(self, 0, 1, "share", "ridges", "real", "label_from")
        check(self, 0.01, 100, "exaggeration")
        check(self, 0, 4000, "height")
        check(self, 1, 6, "slope")
        if self.meaning not in ("shad+cast", "shad"):
            from hlsmask.errors import UsageError  # noqa: PLC0415 - beside its only use

            raise UsageError(f"Relief.meaning is {self.meaning!r}; use shad+cast or shad")
