"""Labels from HLS alone: the DSWx tests on the bands, Fmask, and a SHAD layer made of a DEM where there is one.

What DSWx does with land cover (evergreen forest, buildings) is left out: there is no such map here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.bands import BANDS, Band
from hlsmask.errors import GridError, SourceError
from hlsmask.granules.dswx_codes import FILL, LIT, NOT_WATER, OPEN_WATER, PARTIAL_WATER, SHADED, check_codes
from hlsmask.granules.fmask import FILL as FMASK_FILL
from hlsmask.inference.spectral.blocks import strips
from hlsmask.inference.spectral.relief import terrain_shadow
from hlsmask.inference.spectral.water import AGGRESSIVE, CONSERVATIVE, HIGH, MODERATE, diagnostic, wtr1
from hlsmask.inference.spectral.water import NOT_WATER as NO_CLASS
from hlsmask.masks import Mask
from hlsmask.samples.labels.dswx import check_fmask
from hlsmask.samples.labels.options import Rules
from hlsmask.samples.labels.rules import Evidence, label
from hlsmask.samples.sample import observed, reflectance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.sun import Sun

AEROSOL_NIR: Final = 1000
"""HLS integer of the near infrared up to which aerosol changes a class (PROTEUS 1.0.2, `aerosol_class_remapping`)."""

AEROSOL: Final = {
    NO_CLASS: (224, 160, 96),
    MODERATE: (224, 160, 96),
    CONSERVATIVE: (224, 192, 160, 128, 96),
    AGGRESSIVE: (224, 192, 160, 128, 96),
}
"""Values of the whole Fmask byte at which each class becomes water of high confidence (the same; also the tags of
real products): aerosol low or more, and water by Fmask or at least two tests."""

COLLAPSED: Final = np.array([NOT_WATER, OPEN_WATER, OPEN_WATER, PARTIAL_WATER, PARTIAL_WATER], np.uint8)
"""uint8 (5,): what the files of DSWx call each of the classes 0 to 4."""

_CHANGED: Final = np.zeros((5, 256), np.bool_)
for _level, _bytes in AEROSOL.items():
    _CHANGED[_level, list(_bytes)] = True


def remap_aerosol(
    classes: NDArray[np.uint8], nir: NDArray[np.int16], fmask: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return WTR-1 classes (0 to 4) after the aerosol step of DSWx-HLS, and where it changed them, each (h, w)."""
    changed = _CHANGED[classes, fmask] & (nir <= AEROSOL_NIR)
    return np.where(changed, np.uint8(HIGH), classes), changed


def shad_layer(elevation: NDArray[np.float32], sun: Sun, pixel: float) -> NDArray[np.uint8]:
    """Return a SHAD layer as DSWx has it, uint8 (h, w): 1 lit, 0 terrain shadow, 255 not known.

    Parameters
    ----------
    elevation
        Metres, shape (h, w), rows from north to south, NaN = not known. Its outermost pixels have slopes to one side
        only: give one pixel more around, and cut it off the result.
    sun
        Where the sun stood.
    pixel
        Side of a pixel in metres.
    """
    dark = terrain_shadow(elevation, sun, pixel)
    return np.where(np.isnan(dark), FILL, np.where(dark == 1, SHADED, LIT)).astype(np.uint8)


def from_spectral(
    bands: NDArray[np.int16],
    fmask: NDArray[np.uint8],
    shad: NDArray[np.uint8] | None = None,
    rules: Rules | None = None,
) -> NDArray[np.uint8]:
    """Return labels, uint8 (5, h, w) in the order of `Mask`: 0, 1, or 255 where it cannot be known.

    Parameters
    ----------
    bands
        HLS integers (reflectance x 10,000), shape (6, h, w).
    fmask
        The Fmask layer, shape (h, w).
    shad
        As `shad_layer` gives it (1 lit, 0 terrain shadow, 255 not known), shape (h, w); None: terrain shadow is 255.
    rules
        What a person chose; None: as by default.

    Raises
    ------
    GridError
        If they differ in shape.
    SourceError
        If one holds what it cannot hold.
    """
    rules = rules or Rules()
    check_fmask(fmask)
    if bands.dtype != np.int16:
        raise SourceError(f"bands must be HLS integers (int16, reflectance x 10,000), not {bands.dtype}")
    if shad is None:
        shad = np.broadcast_to(np.uint8(FILL), fmask.shape)
    if bands.shape != (len(BANDS), *fmask.shape) or shad.shape != fmask.shape:
        raise GridError(f"bands {bands.shape}, Fmask {fmask.shape} and SHAD {shad.shape} do not fit; cut all alike")
    check_codes("SHAD", shad)
    labels = np.empty((len(Mask), *fmask.shape), np.uint8)
    for rows in strips(fmask.shape):
        labels[:, rows] = label(_evidence(bands[:, rows], fmask[rows], shad[rows]), rules)
    return labels


def _evidence(bands: NDArray[np.int16], fmask: NDArray[np.uint8], shad: NDArray[np.uint8]) -> Evidence:
    tests = diagnostic(reflectance(bands))
    classes, _ = remap_aerosol(wtr1(tests), bands[BANDS.index(Band.NIR)], fmask)
    wtr2 = COLLAPSED[classes]
    wtr2[shad == SHADED] = NOT_WATER
    return Evidence(tests, wtr2, shad, fmask, ~observed(bands) | (fmask == FMASK_FILL))
