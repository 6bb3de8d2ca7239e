"""Reflectance of what is laid over backgrounds, in the order blue green red nir swir1 swir2.

Plausible within what HLS shows of each class and what spectral libraries hold; not measured.
"""

from __future__ import annotations

from typing import Final

SKYLIGHT: Final = (0.50, 0.40, 0.32, 0.20, 0.12, 0.09)
"""Share of the light on open level ground that comes from the sky (facts of a first trial)."""

CLOUD_WEIGHT: Final = (1.08, 1.0, 0.95, 0.85, 0.70, 0.60)
"""How much optical depth of thin cloud weighs in each band (the same)."""

HAZE_WEIGHT: Final = (1.30, 1.0, 0.78, 0.50, 0.20, 0.12)
"""The same for aerosol: an Angstrom exponent of about 1.3 in the visible."""

HAZE: Final = (0.26, 0.25, 0.24, 0.24, 0.20, 0.16)
"""Reflectance of haze that hides the ground."""

SMOKE: Final = (0.20, 0.21, 0.23, 0.25, 0.20, 0.15)
"""Reflectance of smoke that hides the ground: browner."""

VEIL: Final = (0.085, 0.055, 0.035, 0.016, 0.004, 0.002)
"""What clear air adds at the top of the atmosphere (facts of a first trial)."""

SHORT_WAVES_APART: Final = 0.15
"""How far apart the two short-wave bands of clouds and of snow are at most, as shares of their ranges."""

GLOW: Final = (1.0, 0.8, 0.65, 0.6, 0.3, 0.2)
"""What neighbouring clouds add, relative to blue."""

CONIFERS: Final = (0.03, 0.04, 0.035, 0.16, 0.07, 0.035)
"""Evergreen crowns in winter, their own shade included."""

GLINT: Final = (0.96, 1.0, 1.02, 1.02, 0.92, 0.82)
"""Glint relative to green: the sun's own colour, less where air is blue or water absorbs."""

SAND: Final = (0.20, 0.28, 0.36, 0.43, 0.53, 0.48)
SALT: Final = (0.48, 0.54, 0.57, 0.60, 0.48, 0.38)
CHALK: Final = (0.34, 0.40, 0.46, 0.52, 0.56, 0.50)
ROOF: Final = (0.44, 0.47, 0.48, 0.50, 0.46, 0.40)
BRIGHT: Final = (SAND, SALT, CHALK)
"""Ground that is white and no cloud."""

TURBIDITY: Final = (0.0, 0.15, 0.35, 0.6, 0.8, 1.0)
"""Nodes of `WATER`."""

WATER: Final = (
    (0.026, 0.032, 0.042, 0.052, 0.064, 0.082),
    (0.026, 0.042, 0.066, 0.094, 0.112, 0.130),
    (0.014, 0.026, 0.058, 0.114, 0.142, 0.168),
    (0.007, 0.009, 0.020, 0.052, 0.085, 0.138),
    (0.003, 0.003, 0.004, 0.006, 0.008, 0.014),
    (0.002, 0.002, 0.003, 0.005, 0.006, 0.010),
)
"""Reflectance of water by band and turbidity: near infrared rises with silt."""

WATER_ABSORBS: Final = (0.014, 0.062, 0.37, 4.6, 670.0, 1650.0)
"""Absorption of pure water per metre, at 482, 561, 655, 865, 1609 and 2201 nm (visible: Pope and Fry 1997,
doi:10.1364/AO.36.008710; infrared: Hale and Querry 1973, doi:10.1364/AO.12.000555)."""

SILT_DIMS: Final = 4.0
"""What silt adds to that at a turbidity of 1: a metre of muddy water hides its bottom."""

FLOUR: Final = (0.022, 0.036, 0.012, 0.002, 0.000, 0.000)
"""What glacial flour adds at most."""

ALGAE: Final = (-0.008, 0.010, -0.001, 0.008, 0.001, 0.000)
"""What algae add at most."""
