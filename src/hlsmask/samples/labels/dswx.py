"""Labels from the layers of a DSWx-HLS product and the Fmask layer of its granule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.errors import GridError, MissingBandError, SourceError
from hlsmask.granules.dswx_codes import (
    CLOUD_CLOUD_BIT,
    CLOUD_SNOW_BIT,
    FILL,
    OCEAN,
    check_codes,
    diag_code,
)
from hlsmask.granules.fmask import BITS
from hlsmask.granules.fmask import FILL as FMASK_FILL
from hlsmask.inference.spectral.blocks import strips
from hlsmask.masks import Mask
from hlsmask.samples.labels.options import Rules
from hlsmask.samples.labels.rules import Evidence, label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

NEEDED: Final = ("DIAG", "WTR-2", "SHAD", "CLOUD")


def layers_needed(_rules: Rules | None = None) -> tuple[str, ...]:
    """Return the layers of a DSWx-HLS product that `from_dswx` reads; they are the same for all rules."""
    return NEEDED


def from_dswx(
    layers: Mapping[str, NDArray[Any]], fmask: NDArray[np.uint8], rules: Rules | None = None
) -> NDArray[np.uint8]:
    """Return labels, uint8 (5, h, w) in the order of `Mask`: 0, 1, or 255 where it cannot be known.

    Parameters
    ----------
    layers
        At least those of `layers_needed`, by name, shape (h, w), as they are stored.
    fmask
        The Fmask layer of the HLS granule that the product was made from, shape (h, w).
    rules
        What a person chose; None: as by default.

    Raises
    ------
    MissingBandError
        If a layer is missing.
    GridError
        If they differ in shape.
    SourceError
        If one holds what such a layer cannot hold.
    """
    rules = rules or Rules()
    if missing := [name for name in NEEDED if name not in layers]:
        raise MissingBandError(
            f"labels from DSWx-HLS need the layers {', '.join(NEEDED)}; not there: {', '.join(missing)}"
        )
    check_fmask(fmask)
    for name in NEEDED:
        if layers[name].shape != fmask.shape:
            raise GridError(
                f"the DSWx-HLS layer {name} has the shape {layers[name].shape}, Fmask has {fmask.shape}; cut both alike"
            )
        check_codes(name, layers[name])
    labels = np.empty((len(Mask), *fmask.shape), np.uint8)
    for rows in strips(fmask.shape):
        labels[:, rows] = label(_evidence({name: layers[name][rows] for name in NEEDED}, fmask[rows]), rules)
    return labels


def check_fmask(fmask: NDArray[Any]) -> None:
    """Raise SourceError if this is no Fmask layer: bytes, shape (h, w)."""
    if fmask.dtype != np.uint8 or fmask.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise SourceError(f"Fmask must be uint8 of shape (h, w), not {fmask.dtype} of {fmask.shape}")


def _evidence(layers: Mapping[str, NDArray[Any]], fmask: NDArray[np.uint8]) -> Evidence:
    tests, wtr2, cloud = diag_code(layers["DIAG"]), layers["WTR-2"], layers["CLOUD"]
    fill = (fmask == FMASK_FILL) | (wtr2 == FILL) | (cloud == FILL) | (tests == FILL)
    fill |= (cloud != OCEAN) & _differ(cloud, fmask)
    return Evidence(np.where(tests == FILL, np.uint8(0), tests), wtr2, layers["SHAD"], fmask, fill)


def _differ(cloud: NDArray[np.uint8], fmask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the product was made from another Fmask than this: the archive makes granules anew."""
    one = (cloud >> CLOUD_CLOUD_BIT ^ fmask >> BITS[Mask.CLOUD]) & 1
    other = (cloud >> CLOUD_SNOW_BIT ^ fmask >> BITS[Mask.SNOW_ICE]) & 1
    return np.asarray((one | other) != 0)
