"""What the layers of an OPERA DSWx-HLS product hold.

Source: OPERA DSWx-HLS product specification (D-107395 Rev B), and the constants of nasa/PROTEUS 1.0.2.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.errors import SourceError
from hlsmask.hrefs import public_href

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_WATER: Final = 0
"""No water, in WTR, BWTR, CONF, WTR-1 and WTR-2."""

OPEN_WATER: Final = 1
"""Open water, in WTR, WTR-1 and WTR-2."""

PARTIAL_WATER: Final = 2
"""Partial surface water, in the same."""

SNOW: Final = 252
"""Hidden by snow or ice, in WTR and BWTR."""

CLOUD: Final = 253
"""Hidden by cloud, its shadow, or what is adjacent to them, in WTR and BWTR."""

OCEAN: Final = 254
"""Masked as ocean by a map of shorelines, in WTR, BWTR, CONF, WTR-1, WTR-2 and CLOUD; the archive's do not have it."""

FILL: Final = 255
"""Not observed, in all layers of bytes but LAND and SHAD."""

DIAG_FILL: Final = 65535
"""Not observed, in DIAG."""

UNDER_CLOUD: Final = 10
"""Added to CONF (0 to 4) under cloud, its shadow, or what is adjacent to them."""

UNDER_SNOW: Final = 20
"""Added to CONF (0 to 4) under snow or ice alone."""

CLOUD_SHADOW_BIT: Final = 0
"""Of CLOUD: cloud shadow, or adjacent to cloud or shadow. The two cannot be told apart here; Fmask can."""

CLOUD_SNOW_BIT: Final = 1
"""Of CLOUD: snow or ice."""

CLOUD_CLOUD_BIT: Final = 2
"""Of CLOUD: cloud."""

CLOUD_AEROSOL_BIT: Final = 3
"""Of CLOUD: the class of water was changed because of aerosol."""

LAND_LOW_DEVELOPED: Final = range(100)
"""LAND of some buildings: the year of the land cover, less 2000."""

LAND_HIGH_DEVELOPED: Final = range(100, 200)
"""LAND of many buildings: 100 more than the year of the land cover, less 2000."""

LAND_WATER: Final = 200
"""LAND of water or wetland."""

LAND_EVERGREEN: Final = 201
"""LAND of evergreen forest."""

LAND_OTHER: Final = 255
"""LAND of everything else."""

LIT: Final = 1
"""SHAD where the slope is not turned away from the sun."""

SHADED: Final = 0
"""SHAD where it is: terrain shadow is the zero of this layer."""


def diag_digits(code: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return codes of five tests (bit k - 1 is test k) as DIAG writes them: the bits as decimal digits."""
    digits: NDArray[np.uint16] = _DIGITS[code]
    return digits


def diag_code(diag: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return the five tests (bit k - 1 is test k) that DIAG writes as decimal digits; 255 where it is fill."""
    code: NDArray[np.uint8] = _CODES[diag]
    return code


_DIGITS: Final = np.array([int(f"{code:b}") for code in range(32)], np.uint16)
_CODES: Final = np.full(1 << 16, FILL, np.uint8)
_CODES[_DIGITS] = np.arange(32, dtype=np.uint8)

_WTR: Final = {NOT_WATER, OPEN_WATER, PARTIAL_WATER, OCEAN, FILL}
_CLASSES: Final = range(5)

VALUES: Final = MappingProxyType(
    {
        "WTR": frozenset({*_WTR, SNOW, CLOUD}),
        "BWTR": frozenset({NOT_WATER, OPEN_WATER, SNOW, CLOUD, OCEAN, FILL}),
        "CONF": frozenset({plus + low for plus in (0, UNDER_CLOUD, UNDER_SNOW) for low in _CLASSES} | {OCEAN, FILL}),
        "DIAG": frozenset({*(int(value) for value in _DIGITS), DIAG_FILL}),
        "WTR-1": frozenset(_WTR),
        "WTR-2": frozenset(_WTR),
        "LAND": frozenset({*LAND_LOW_DEVELOPED, *LAND_HIGH_DEVELOPED, LAND_WATER, LAND_EVERGREEN, LAND_OTHER}),
        "SHAD": frozenset({LIT, SHADED, OCEAN, FILL}),
        "CLOUD": frozenset({*range(16), OCEAN, FILL}),
    }
)
"""What each layer of integers can hold. SHAD has colours for 254 and 255, but PROTEUS does not write them."""

_SHOWN: Final = MappingProxyType({"LAND": "0 to 201 and 255", "CLOUD": "0 to 15, 254 and 255"})
_ALLOWED: Final = MappingProxyType(
    {layer: np.isin(np.arange(1 << (16 if layer == "DIAG" else 8)), list(values)) for layer, values in VALUES.items()}
)


def check_codes(layer: str, values: NDArray[Any], href: str = "") -> None:
    """Raise SourceError if `values` of `layer` (`WTR`, ..., but `DEM`) are not all what that layer can hold.

    The message names the file at `href`, where it is given.
    """
    allowed, where = _ALLOWED[layer], public_href(href) or f"the DSWx-HLS layer {layer}"
    wanted = np.uint16 if layer == "DIAG" else np.uint8
    if values.dtype != wanted:
        raise SourceError(f"{where} holds {values.dtype} numbers; {layer} of DSWx-HLS holds {np.dtype(wanted)}")
    if not (good := allowed[values]).all():
        some = ", ".join(str(value) for value in np.unique(values[~good])[:5])
        shown = _SHOWN.get(layer) or ", ".join(str(value) for value in sorted(VALUES[layer]))
        if layer == "DIAG":
            shown = f"five digits, each 0 or 1, and {DIAG_FILL}"
        raise SourceError(f"{where} holds {some}; {layer} of DSWx-HLS holds {shown}")
