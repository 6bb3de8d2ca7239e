"""A whole simulated granule: landscape, light, air and orbit put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import acos, atan2, cos, degrees, pi, radians, sin
from typing import TYPE_CHECKING, Final

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from hlsmask.bands import ANGLE_FILL, ANGLE_SCALE, HLS_FILL, HLS_SCALE, Sensor
from hlsmask.errors import UsageError
from hlsmask.sun import Sun
from hlsmask.testing import spectra
from hlsmask.testing.fields import noise
from hlsmask.testing.hydrology import make_waters
from hlsmask.testing.quality import FMASK_FILL, imitate_fmask, true_masks
from hlsmask.testing.relief import PIXEL, make_relief, relief_parts
from hlsmask.testing.sky import make_sky, veil
from hlsmask.testing.surface import Climate, make_surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.testing.fields import Field

LARGEST: Final = 3660
"""Rows and columns of an HLS tile."""

TILE: Final = "13TDE"
"""MGRS tile in which simulated granules lie: the foot of a range, at 40 degrees north."""

CORNER: Final = (399960.0, 4500000.0)
"""Easting and northing of the tile's upper left corner in UTM zone 13 north, metres."""

LATITUDE: Final = 40.2
"""Degrees north, for the sun."""

MARGIN: Final = 40
"""Pixels of landscape around the frame, whose relief shades what lies in it."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedGranule:
    """A granule that never was, with the truth about it."""

    id: str
    """Such as `HLS.S30.T13TDE.2024190T174911.v2.0`."""

    sensor: Sensor
    """Whose layers it has."""

    bands: NDArray[np.int16]
    """Reflectance x 10,000, shape (6, row, column), `HLS_FILL` where not observed."""

    fmask: NDArray[np.uint8]
    """What Fmask would say, faults included, shape (row, column), 255 where not observed."""

    zenith: NDArray[np.uint16]
    """The sun's zenith angle in 0.01 degree, shape (row, column), `ANGLE_FILL` where not observed."""

    azimuth: NDArray[np.uint16]
    """The sun's azimuth in 0.01 degree clockwise from north, shape (row, column), `ANGLE_FILL` where not observed."""

    elevation: Field
    """Metres, shape (row, column), everywhere."""

    truth: NDArray[np.uint8]
    """What is there, shape (5, row, column) in the order of `Mask`: 1 there, 0 not, 255 not known.

    Water, snow and terrain shadow are not known under cloud of opacity above 0.6; nothing is known where nothing
    was observed. Terrain shadow is `shad+cast`; `relief_parts(elevation, sun)` tells the two
    apart, but for what relief outside of the frame casts into it. Cloud shadow is 0 under cloud.
    """

    geobox: GeoBox
    """Where the pixels lie: UTM, 30 m."""

    sun: Sun
    """Where the sun stood, on the mean of the frame."""

    time: datetime
    """When it was sensed, UTC."""

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Where something was observed, shape (row, column)."""
        return np.asarray(self.fmask != FMASK_FILL)


def simulate_granule(
    size: int | tuple[int, int] = 1024,
    seed: int = 0,
    *,
    sensor: Sensor = Sensor.S30,
    clouds: float = 0.25,
    fill: bool = True,
) -> SimulatedGranule:
    """Simulate a granule: the same numbers for the same arguments.

    Parameters
    ----------
    size
        Rows and columns, or one number for both; 16 to 3660.
    seed
        Which landscape, day and sky; 0 or more.
    sensor
        Whose names and noise it has.
    clouds
        Share of the frame that clouds cover, about; 0 to 0.95.
    fill
        Whether the slanted edge of the orbit leaves a part (5 to 12 %) unobserved.

    Raises
    ------
    UsageError
        If the size, seed or share of clouds is out of range.
    """
    shape = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    if min(shape) < 16 or max(shape) > LARGEST:  # noqa: PLR2004 - below this there is no landscape
        raise UsageError(f"a simulated granule has 16 to {LARGEST} rows and columns, not {shape[0]} x {shape[1]}")
    if seed < 0 or not 0 <= clouds <= 0.95:  # noqa: PLR2004 - the sky's threshold needs some gap
        raise UsageError(f"need a seed of 0 or more and clouds from 0 to 0.95, got {seed} and {clouds}")
    dice = [np.random.default_rng([seed, part]) for part in range(7)]
    time, sun = _when(dice[0], sensor)
    climate = _climate(dice[1], time)
    wide = (shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN)
    frame = (slice(MARGIN, MARGIN + shape[0]), slice(MARGIN, MARGIN + shape[1]))

    relief = make_relief(wide, dice[2])
    waters = make_waters(relief, dice[3], lakes=float(dice[1].choice([0.6, 1.0, 1.0, 2.5])))
    climate = replace(climate, snow_line=float(np.percentile(relief.elevation, dice[1].uniform(80, 97))))
    parts = relief_parts(relief.elevation, sun)
    dark = (parts.shad | parts.cast)[frame]
    lit = (np.where(parts.cast, 0, parts.cosine) / np.float32(sun.up))[frame]
    surface = make_surface(relief, waters, climate, dice[4])
    bands = np.ascontiguousarray(surface.reflectance[(slice(None), *frame)])
    snow, water = surface.snow[frame], waters.cover[frame]
    elevation = np.ascontiguousarray(relief.elevation[frame])
    del surface, relief, waters, parts

    sky = make_sky(shape, sun, clouds, dice[5])
    for band, diffuse in enumerate(spectra.SKYLIGHT):
        bands[band] *= np.float32(1 - diffuse) * lit * (1 - sky.shade) + np.float32(diffuse)
    veil(bands, sky)
    seen = _swath(shape, dice[6]) if fill else np.ones(shape, np.bool_)
    fmask = imitate_fmask(bands, sky, dark, seen, dice[6])
    stored = _measure(bands, seen, sensor, dice[6])
    zenith, azimuth = _angles(shape, sun, seen)
    return SimulatedGranule(
        id=f"HLS.{sensor}.T{TILE}.{time:%Y%jT%H%M%S}.v2.0",
        sensor=sensor,
        bands=stored,
        fmask=fmask,
        zenith=zenith,
        azimuth=azimuth,
        elevation=elevation,
        truth=true_masks(water, snow, dark, sky, seen),
        geobox=GeoBox(shape, Affine(PIXEL, 0, CORNER[0], 0, -PIXEL, CORNER[1]), "EPSG:32613"),
        sun=sun,
        time=time,
    )


def _when(rng: np.random.Generator, sensor: Sensor) -> tuple[datetime, Sun]:
    """Draw a day and a minute at which the satellite passes; return it with the sun's place, to about a degree."""
    start = datetime(2024, 1, 1, 17, 44 if sensor is Sensor.S30 else 33, tzinfo=UTC)
    time = start + timedelta(days=int(rng.integers(45, 320)), seconds=int(rng.integers(0, 900)))
    day = time.timetuple().tm_yday
    declination = radians(-23.44 * cos(2 * pi * (day + 10) / 365.25))
    hour = radians(15 * (time.hour + time.minute / 60 - 104.7 / 15 - 12))
    high = radians(LATITUDE)
    up = sin(high) * sin(declination) + cos(high) * cos(declination) * cos(hour)
    north = cos(high) * sin(declination) - sin(high) * cos(declination) * cos(hour)
    east = -cos(declination) * sin(hour)
    return time, Sun(degrees(atan2(east, north)) % 360, degrees(acos(up)))


def _climate(rng: np.random.Generator, time: datetime) -> Climate:
    """Draw what kind of country it is; the day says how green."""
    season = 0.5 - 0.5 * cos(2 * pi * (time.timetuple().tm_yday - 15) / 365.25)
    return Climate(
        dryness=float(rng.choice([0.2, 0.32, 0.45, 0.7])) + rng.uniform(-0.06, 0.06), season=season, snow_line=0
    )


def _swath(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return what was observed: all but 5 to 12 % beyond the slanted edge of the orbit."""
    slant = radians(rng.uniform(11, 14))
    across = np.arange(shape[1], dtype=np.float32) * np.float32(cos(slant))
    down = np.arange(shape[0], dtype=np.float32)[:, None] * np.float32(sin(slant))
    place = across + down
    if rng.random() < 0.5:  # noqa: PLR2004 - either side
        place = -place
    return np.asarray(place < np.quantile(place, 1 - rng.uniform(0.05, 0.12)))


def _measure(bands: Field, seen: NDArray[np.bool_], sensor: Sensor, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return reflectance as the sensor and its processing store it, with their noise and leftover haze."""
    stored = np.empty(bands.shape, np.int16)
    haze = np.float32(0.002) * noise(seen.shape, rng, 2.6, longest=900, shortest=12)
    grain = 0.0009 if sensor is Sensor.S30 else 0.0006
    for band, thick in enumerate((1.6, 1.2, 1.0, 0.6, 0.3, 0.2)):
        level = bands[band]
        level += haze * np.float32(thick)
        level += rng.standard_normal(level.shape, dtype=np.float32) * (np.float32(grain) + np.float32(0.006) * level)
        stored[band] = np.rint(np.clip(level, -0.19, 1.6) / np.float32(HLS_SCALE))
    stored[:, ~seen] = HLS_FILL
    return stored


def _angles(shape: tuple[int, int], sun: Sun, seen: NDArray[np.bool_]) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return zenith and azimuth a pixel: they drift by about a degree over a whole tile."""
    rows = (np.arange(shape[0])[:, None] - shape[0] / 2) / LARGEST
    cols = (np.arange(shape[1])[None, :] - shape[1] / 2) / LARGEST
    layers = []
    for mean, south, east in ((sun.zenith, -0.75, -0.62), (sun.azimuth, 0.9, 1.6)):
        angle = np.rint((mean + south * rows + east * cols) / ANGLE_SCALE).astype(np.uint16)
        layers.append(np.where(seen, angle, np.uint16(ANGLE_FILL)))
    return layers[0], layers[1]
