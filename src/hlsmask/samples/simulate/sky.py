"""Parameters of what lies between ground and sensor: sun, clouds, shadow, air, and the sensor itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from hlsmask.errors import UsageError
from hlsmask.samples.simulate.kinds import Altocumulus, Broken, Cirrus, Cumulus, Fog, Overcast, Thin, Veil
from hlsmask.samples.simulate.ranges import Range, check


@dataclass(frozen=True, slots=True)
class Light:
    """The sun, one for all of a window, and the light of the sky."""

    azimuth: Range = (0.0, 360.0)
    """Degrees clockwise from north (up in the window)."""

    morning: float = 0.0
    """Share of windows whose sun stands in the east, 15 to 190 degrees, as where Landsat and Sentinel-2 pass: around
    half past ten, local time. The others have `azimuth`."""

    zenith: Range = (18.0, 72.0)
    """Degrees from straight up. HLS leaves out what is beyond 76."""

    diffuse: Range = (0.5, 1.1)
    """Factor of the sky's share of the light, which is 0.50, 0.40, 0.32, 0.20, 0.12, 0.09 from blue to
    swir2: what is left in the deepest shadow. From a first trial; real shadows lie within."""

    def __post_init__(self) -> None:
        check(self, 0, 360, "azimuth")
        check(self, 0, 1, "morning")
        check(self, 0, 80, "zenith")
        check(self, 0, 1.9, "diffuse")


@dataclass(frozen=True, slots=True)
class Clouds:
    """Clouds of all kinds, in a low and a high layer."""

    share: float = 0.65
    """Share of windows with clouds of the low layer."""

    high: float = 0.25
    """Share of windows with clouds of the high layer, with or without low ones."""

    cumulus: Cumulus = field(default_factory=Cumulus)
    """Fair weather: crisp heaps in clusters."""

    broken: Broken = field(default_factory=Broken)
    """Stratocumulus and torn fields."""

    thin: Thin = field(default_factory=Thin)
    """Thin low cloud and ragged scud, through which the ground is seen."""

    overcast: Overcast = field(default_factory=Overcast)
    """A closed deck, with holes or without."""

    fog: Fog = field(default_factory=Fog)
    """Fog and low stratus: smooth, sharp at the rim, in the valleys where there is relief."""

    altocumulus: Altocumulus = field(default_factory=Altocumulus)
    """Rows and rolls of small heads."""

    cirrus: Cirrus = field(default_factory=Cirrus)
    """Streaks of ice."""

    veil: Veil = field(default_factory=Veil)
    """Cirrostratus and altostratus: smooth and thin."""

    contrails: float = 0.06
    """Share of windows with one to three condensation trails."""

    brightness: Range = (0.42, 0.96)
    """Green reflectance of thick cloud lit by the sun."""

    blue: Range = (0.92, 1.08)
    """Blue as a share of green."""

    red: Range = (0.94, 1.07)
    """Red as a share of green."""

    nir: Range = (0.95, 1.35)
    """Near infrared as a share of green."""

    swir1: Range = (0.55, 1.2)
    """Short-wave infrared 1 as a share of green, droplets; that of ice is half of it."""

    swir2: Range = (0.38, 1.0)
    """Short-wave infrared 2 as a share of green, droplets; that of ice is half of it. It is where in its range `swir1`
    is, or near it: water absorbs in both, more in this one."""

    relief: Range = (0.1, 0.55)
    """How much brighter the side of a heap that faces the sun is, and how much darker the other."""

    towers: Range = (0.0, 0.0)
    """Metres from the lowest to the highest top of a layer. Towers darken what lies lower behind them."""

    glow: Range = (0.0, 0.05)
    """Blue reflectance that a full surrounding of cloud adds to clear ground; less at longer waves
    (adjacency; Varnai & Marshak 2009, doi:10.1029/2008GL037087)."""

    ground_light: float = 0.0
    """Share of the light that goes to and fro between clouds and ground, in the visible and near infrared: 1 as if
    neither absorbed any. Without it thin grey cloud darkens snow; with it such cloud is all but unseen there, and
    clouds over leaf are brighter in the near infrared."""

    label_from: float = 0.12
    """Opacity from which a pixel is cloud. 0.2, tried first, missed thin cloud."""

    doubt_from: float = 0.05
    """Opacity from which it may be: not known up to `label_from`."""

    visible_from: float = 0.0
    """Change of the visible bands' mean reflectance from which cloud thinner than `hidden_from` is seen; where it
    changes less, as grey cloud over ground as grey, it is not known."""

    visible_share: float = 0.0
    """The same as a share of what the ground reflects, where that is more: snow and sand."""

    hidden_from: float = 0.6
    """Opacity, that of haze included, from which water, snow, relief and shadow below cannot be known."""

    def __post_init__(self) -> None:
        check(self, 0, 1, "share", "high", "contrails", "glow", "ground_light")
        check(self, 0.05, 1.5, "brightness", "blue", "red", "nir", "swir1", "swir2")
        check(self, 0, 2, "relief")
        check(self, 0, 5000, "towers")
        check(self, 0, 0.2, "visible_from", "visible_share")
        check(self, 0.01, 1, "label_from")
        check(self, 0.001, self.label_from, "doubt_from")
        check(self, self.label_from, 1, "hidden_from")
        low = (self.cumulus, self.broken, self.thin, self.overcast, self.fog)
        high = (self.altocumulus, self.cirrus, self.veil)
        for name, share, kinds in (("share", self.share, low), ("high", self.high, high)):
            if share > 0 and not any(kind.weight for kind in kinds):
                raise UsageError(
                    f"Clouds.{name} is {share:g}, but all kinds of that layer have weight 0; give one of them weight"
                )


@dataclass(frozen=True, slots=True)
class Shadow:
    """Shadows that clouds cast."""

    strength: Range = (0.5, 0.98)
    """Share of the direct light that the thickest cloud keeps from the ground; the rest comes round its sides. About
    0.8 in a real scene of cumulus; too strong shadows teach to miss weak ones, too weak ones to see them anywhere."""

    label_from: float = 0.16
    """Share of the direct light lost from which a pixel is cloud shadow. 0.14 finds more, 0.2 errs less."""

    doubt_from: float = 0.055
    """Share lost from which it may be: not known up to `label_from`."""

    edge_at: float = 0.0
    """Besides, share of what the darkest pixel within 3 pixels loses from which a pixel is cloud shadow. 0.5: half way
    down, where a hand draws the edge; 0: `label_from` alone."""

    edge_doubt: float = 0.0
    """Such share from which it may be: not known up to `edge_at`, and no shadow below."""

    def __post_init__(self) -> None:
        check(self, 0, 1, "strength", "edge_at")
        check(self, 0.01, 1, "label_from")
        check(self, 0.001, self.label_from, "doubt_from")
        check(self, 0, self.edge_at, "edge_doubt")


@dataclass(frozen=True, slots=True)
class Air:
    """Haze, smoke, and the air itself."""

    haze: float = 0.12
    """Share of windows with haze or smoke: no cloud, and not known where it is as opaque as one."""

    haze_depth: Range = (0.03, 0.5)
    """Its optical depth in green where it is thickest; falls with wavelength as aerosol does."""

    misjudged: float = 0.0
    """Share of windows over whose water the correction took the air for clearer here and denser there than it was, in
    smooth swells and in blocks: over water the aerosol is interpolated from what lies around."""

    misjudged_level: Range = (0.004, 0.03)
    """Reflectance that it leaves there in green at most, drawn evenly in its logarithm. At most 0.6 of it
    is taken off."""

    misjudged_block: Range = (3.0, 16.0)
    """Side of its blocks in pixels, drawn evenly in its logarithm."""

    toa: float = 0.35
    """Share of windows seen from the top of the atmosphere, as where air was not corrected for."""

    toa_level: Range = (0.3, 1.5)
    """Factor of that veil, which is 0.085, 0.055, 0.035, 0.016, 0.004, 0.002 from blue to swir2."""

    def __post_init__(self) -> None:
        check(self, 0, 1, "haze", "toa", "misjudged")
        check(self, 0.0001, 0.2, "misjudged_level")
        check(self, 1, 200, "misjudged_block")
        check(self, 0, 5, "haze_depth", "toa_level")


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the sensor and its processing do."""

    gain: Range = (0.85, 1.18)
    """Factor of each band after all else. Of all parts of the trial this mattered most."""

    gained: float = 0.6
    """Share of windows whose bands get such factors."""

    noise: Range = (0.0005, 0.006)
    """Deviation of noise in reflectance, drawn evenly in its logarithm."""

    stripes: float = 0.1
    """Share of windows with stripes along the track: detectors that differ."""

    stripes_level: Range = (0.0005, 0.004)
    """Deviation of stripes in reflectance."""

    parallax: float = 0.0
    """Share of windows whose clouds lie elsewhere in each band, along the track: staggered detectors look at a place in
    one band after the other, each a little aslant, and what is high is seen elsewhere then (Skakun et al. 2017,
    doi:10.1109/LGRS.2017.2766448). Labels are where green has them."""

    parallax_part: Range = (0.2, 1.0)
    """By how much, as a part of Sentinel-2's: 20 m between blue and swir2 for 1000 m of height. Landsat's is less."""

    gaps: float = 0.0
    """Share of windows that end at the edge of a swath or of the scene: what lies beyond is fill, not observed."""

    gap_cover: Range = (0.03, 0.7)
    """How much of its way across such a window the edge cuts off."""

    def __post_init__(self) -> None:
        check(self, 0.1, 3, "gain")
        check(self, 0, 1, "gained", "stripes", "stripes_level", "gaps", "gap_cover", "parallax")
        check(self, 0, 5, "parallax_part")
        check(self, 1e-7, 0.5, "noise")
