"""Smooth random fields, the stuff of which the simulated landscape and sky are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft
from scipy.interpolate import RectBivariateSpline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float32]

COARSE = 24.0
"""Fields without detail below this wavelength, in pixels, are made on a coarser grid and interpolated."""


def noise(
    shape: tuple[int, int],
    rng: np.random.Generator,
    beta: float,
    *,
    longest: float | None = None,
    shortest: float = 2.0,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Field:
    """Return Gaussian noise whose power falls as 1/frequency**beta between two wavelengths.

    Parameters
    ----------
    shape
        Rows and columns.
    rng
        Where the numbers come from.
    beta
        Exponent; 0 is white, 2 is clouds, 3 to 4 is relief.
    longest, shortest
        Wavelengths in pixels outside which there is nothing; `longest` may exceed the shape.
    stretch, angle
        Features are `stretch` times as long along the direction `angle`, radians from the columns' axis
        towards larger rows.

    Returns
    -------
    NDArray[np.float32]
        Shape `shape`, mean 0 and standard deviation 1 over the (possibly larger) canvas it is cut from.
    """
    factor = max(1, int(shortest / 6)) if shortest >= COARSE else 1
    if factor > 1:
        small = (-(-shape[0] // factor) + 3, -(-shape[1] // factor) + 3)
        long = None if longest is None else longest / factor
        part = noise(small, rng, beta, longest=long, shortest=shortest / factor, stretch=stretch, angle=angle)
        return upsample(part, shape, factor)
    room = max(*shape, int(longest or 0), 16)
    rows, cols = (fft.next_fast_len(max(n, min(room, 4 * n + 64)), real=True) for n in shape)
    v = fft.fftfreq(rows).astype(np.float32)[:, None]
    u = fft.rfftfreq(cols).astype(np.float32)[None, :]
    if stretch != 1.0:
        along, across = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
        power = (along * np.float32(stretch)) ** 2 + across**2
    else:
        power = u * u + v * v
    power[0, 0] = 1.0
    gain = power ** np.float32(-beta / 4)
    gain[power > (1 / shortest) ** 2] = 0.0
    gain[power < (1 / (longest or 2 * room)) ** 2] = 0.0
    gain[0, 0] = 0.0
    spectrum = rng.standard_normal((rows, cols // 2 + 1, 2), dtype=np.float32).view(np.complex64)[..., 0]
    spectrum *= gain
    field: Field = fft.irfft2(spectrum, s=(rows, cols), workers=2, overwrite_x=True)
    field = field[: shape[0], : shape[1]] / max(float(field.std()), 1e-12)
    return np.ascontiguousarray(field, dtype=np.float32)


def upsample(coarse: NDArray[np.floating], shape: tuple[int, int], factor: float, degree: int = 3) -> Field:
    """Interpolate a coarse grid, whose first node lies on the first pixel and the next `factor` pixels on."""
    rows, cols = coarse.shape
    spline = RectBivariateSpline(np.arange(rows), np.arange(cols), coarse, kx=degree, ky=degree)
    fine = np.empty(shape, np.float32)
    columns = np.minimum(np.arange(shape[1]) / factor, cols - 1)
    for start in range(0, shape[0], 256):
        lines = np.minimum(np.arange(start, min(start + 256, shape[0])) / factor, rows - 1)
        fine[start : start + 256] = spline(lines, columns)
    return fine


def step(field: Field, low: float, high: float) -> Field:
    """Return 0 below `low`, 1 above `high` and a smooth rise between them."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1).astype(np.float32)
    rise: Field = t * t * (3 - 2 * t)
    return rise


def blend(under: Field, over: Field | float, weight: Field) -> None:
    """Lay `over` upon `under`, in place, where `weight` (0 to 1) says."""
    under += weight * (over - under)
