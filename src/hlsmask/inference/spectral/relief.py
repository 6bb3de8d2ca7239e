"""What the relief does to sunlight: slopes turned away from the sun, and how much light each slope gets."""

from __future__ import annotations

from math import cos, radians, sin, tan
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.sun import Sun

INCIDENCE: Final = 40.0  # degrees; PROTEUS 1.0.2, default of `sun_local_inc_angle`: lit at or below
BACK_SLOPE: Final = -5.0  # degrees; the same: lit above
SKY: Final = 0.3  # ours: light of the sky in the NIR, as a share of the sun's on flat ground (the C of Teillet 1982)
LIGHT: Final = (0.5, 1.3)  # ours: what the relief may do to light at most, as elevation is less sharp than the image


def terrain_shadow(elevation: NDArray[np.float32], sun: Sun, pixel: float) -> NDArray[np.float32]:
    """Return the SHAD layer of DSWx-HLS, inverted: 1 where the slope is turned away from the sun, else 0.

    Shadow that other relief casts is not seen (`shad`, not `shad+cast`).

    Parameters
    ----------
    elevation
        Metres, shape (h, w), rows from north to south; NaN = not known, and so is the result there.
    sun
        Where the sun stood.
    pixel
        Side of a pixel in metres.

    """
    towards, cosine = slopes(elevation, sun, pixel)
    with np.errstate(invalid="ignore"):
        dark = cosine < np.float32(cos(radians(INCIDENCE)))
        dark &= towards <= np.float32(tan(radians(BACK_SLOPE)))
    shadow = dark.astype(np.float32)
    shadow[~(np.isfinite(cosine) & np.isfinite(elevation))] = np.nan
    return shadow


def illumination(elevation: NDArray[np.float32], sun: Sun, pixel: float) -> NDArray[np.float32]:
    """Return the light on each slope as a multiple of that on flat ground, float32 (h, w); 1 where not known."""
    _, light = slopes(elevation, sun, pixel)
    with np.errstate(invalid="ignore"):
        np.maximum(light, 0, out=light)
        light += np.float32(SKY * sun.up)
        light /= np.float32((1 + SKY) * sun.up)
        np.clip(light, *LIGHT, out=light)
    light[np.isnan(light)] = 1
    return light


def slopes(elevation: NDArray[np.float32], sun: Sun, pixel: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the tangent of the slope towards the sun, and the cosine of the sun's incidence, each (h, w)."""
    with np.errstate(invalid="ignore"):
        south, east = _gradient(elevation, 0, pixel), _gradient(elevation, 1, pixel)
        # The normal is (-dz/dx, -dz/dy, 1), with y to the north, which is up the rows.
        towards = south * np.float32(cos(radians(sun.azimuth)))
        towards -= east * np.float32(sin(radians(sun.azimuth)))
        south *= south
        east *= east
        south += east
        south += 1
        np.sqrt(south, out=south)
        np.multiply(towards, np.float32(sin(radians(sun.zenith))), out=east)
        east += np.float32(sun.up)
        east /= south
    return towards, east


def _gradient(elevation: NDArray[np.float32], axis: int, pixel: float) -> NDArray[np.float32]:
    """Return the rise per metre along an axis: central differences, one-sided beside what is not known.

    So a slope at the edge of the known ground is the same whether the array ends there or goes on as NaN.
    """
    forward = np.full_like(elevation, np.nan)
    backward = np.full_like(elevation, np.nan)
    first = (slice(None),) * axis + (slice(None, -1),)
    last = (slice(None),) * axis + (slice(1, None),)
    forward[first] = elevation[last] - elevation[first]
    backward[last] = forward[first]
    alone = np.isnan(forward)
    forward[alone] = backward[alone]
    alone = np.isnan(backward)
    backward[alone] = forward[alone]
    forward += backward
    forward *= np.float32(0.5 / pixel)
    return forward
