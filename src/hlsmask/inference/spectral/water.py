"""Water by the diagnostic tests of NASA's DSWx-HLS, exactly.

The five tests, the table and the integers are those of the OPERA DSWx-HLS product (Jones 2019, "Improved
automated detection of subpixel-scale inundation", Remote Sensing 11(4); `_compute_diagnostic_tests` and
`interpreted_dswx_band_dict` of nasa/PROTEUS 1.0.2). DSWx divides; here every ratio test is multiplied out, so
that all numbers are integers below 2^24 and float32 holds them without rounding: a pixel whose ratio lies
exactly on a threshold falls on the right side, on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.inference.spectral.blocks import strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTEGERS: Final = np.float32(10_000)  # reflectance 1.0 as an HLS integer (HLS v2.0 User Guide)
LOWEST: Final = np.float32(1)  # PROTEUS clips HLS integers to at least 1
HIGHEST: Final = np.float32(32_767)  # the largest int16

NOT_WATER: Final = 0
HIGH: Final = 1
"""WTR-1 of water with high confidence (four or five tests)."""
MODERATE: Final = 2
"""WTR-1 of water with moderate confidence (three tests)."""
CONSERVATIVE: Final = 3
"""WTR-1 of partial surface water, conservative."""
AGGRESSIVE: Final = 4
"""WTR-1 of partial surface water, aggressive."""

LEVELS: Final = (0.02, 0.95, 0.75, 0.45, 0.3)
"""What stands for the probability of each WTR-1 class. They rank the classes and are not calibrated."""


def _diag() -> NDArray[np.uint8]:
    """Return the table of DSWx-HLS: which WTR-1 class each code of five tests is."""
    table = np.zeros(32, np.uint8)
    for code in range(32):
        if code.bit_count() >= 4:  # noqa: PLR2004 - four or five of the five tests
            table[code] = HIGH
        elif code.bit_count() == 3:  # noqa: PLR2004 - three tests
            table[code] = MODERATE
        elif code.bit_count() == 2 or code == 0b10000:  # noqa: PLR2004 - two tests, or the fifth alone
            table[code] = AGGRESSIVE
    table[0b11000] = CONSERVATIVE
    return table


DIAG: Final = _diag()
"""uint8 (32,): the WTR-1 class, 0 to 4, of a code whose bit k - 1 says whether test k was passed."""


def diagnostic(bands: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return which of the five DSWx tests each pixel passes.

    Parameters
    ----------
    bands
        Reflectance, shape (6 or more, h, w), float32; the first six are blue to swir2; NaN = not observed.

    Returns
    -------
    Shape (h, w), uint8, 0 to 31: bit 0 is test 1, ..., bit 4 is test 5. 0 where not observed.
    """
    code = np.empty(bands.shape[1:], np.uint8)
    with np.errstate(invalid="ignore"):
        for rows in strips(bands.shape[1:]):
            _diagnose(bands[:6, rows], code[rows])
    return code


def wtr1(code: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the uncollapsed WTR-1 class, uint8 0 to 4, for codes of `diagnostic` of the same shape."""
    classes: NDArray[np.uint8] = DIAG[code]
    return classes


def _diagnose(bands: NDArray[np.float32], code: NDArray[np.uint8]) -> None:
    """Write into `code` (h, w) the five tests of `bands` (6, h, w)."""
    integers = bands * INTEGERS
    np.rint(integers, out=integers)
    np.clip(integers, LOWEST, HIGHEST, out=integers)
    blue, green, red, nir, swir1, swir2 = integers
    visible = green + red  # MBSRV
    infrared = nir + swir1  # MBSRN
    # Test 1: (g - s) / (g + s) > 0.124  <=>  250 (g - s) > 31 (g + s)  <=>  219 g > 281 s.
    np.greater(219 * green, 281 * swir1, out=code.view(np.bool_))
    bit = visible > infrared  # test 2
    _add(code, bit, 1)
    # Test 3: b + 2.5 g - 1.5 (n + s) - 0.25 s2 > 0, times 4.
    np.multiply(green, 10, out=visible)
    visible += 4 * blue
    infrared *= 6
    infrared += swir2
    np.greater(visible, infrared, out=bit)
    _add(code, bit, 2)
    # Test 4: MNDWI > -0.44  <=>  25 (g - s) > -11 (g + s)  <=>  18 g > 7 s; NDVI < 0.7  <=>  3 n < 17 r.
    np.multiply(green, 18, out=visible)
    np.multiply(swir1, 7, out=infrared)
    np.greater(visible, infrared, out=bit)
    bit &= swir1 < 900  # noqa: PLR2004 - DSWx defaults, here and below
    bit &= nir < 1500  # noqa: PLR2004
    np.multiply(nir, 3, out=visible)
    np.multiply(red, 17, out=infrared)
    bit &= visible < infrared
    _add(code, bit, 3)
    # Test 5: MNDWI > -0.5  <=>  3 g > s.
    np.multiply(green, 3, out=visible)
    np.greater(visible, swir1, out=bit)
    bit &= blue < 1000  # noqa: PLR2004
    bit &= swir1 < 3000  # noqa: PLR2004
    bit &= swir2 < 1000  # noqa: PLR2004
    bit &= nir < 2500  # noqa: PLR2004
    _add(code, bit, 4)


def _add(code: NDArray[np.uint8], bit: NDArray[np.bool_], place: int) -> None:
    """Set bit `place` of `code` where `bit`."""
    number = bit.view(np.uint8)
    np.left_shift(number, place, out=number)
    np.bitwise_or(code, number, out=code)
