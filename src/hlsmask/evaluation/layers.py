"""Contenders that give plain masks: the Fmask layer, and another project's."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.errors import MissingPackageError
from hlsmask.granules.fmask import BITS, decode
from hlsmask.masks import ABSENT, NOT_OBSERVED, Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from hlsmask.evaluation.seen import Seen

FMASK, CSMASK = "fmask", "ukis-csmask"

_CSMASK_BANDS: Final = ("blue", "green", "red", "nir", "swir16", "swir22")
"""Ours, as ukis-csmask 1.0 names them."""

_CSMASK_CODES: Final = {Mask.CLOUD: 1, Mask.CLOUD_SHADOW: 2}
"""Its classes; 0 is neither."""


@dataclass(frozen=True, slots=True)
class Fmask:
    """The Fmask layer that HLS is distributed with; where a sample has none, nothing is known."""

    name: str = FMASK
    """What tables call it."""

    masks: tuple[Mask, ...] = tuple(mask for mask in Mask if mask in BITS)
    """All but terrain shadow."""

    thresholds: Mapping[Mask, float] = field(default_factory=dict)
    """None: it gives plain masks."""

    sunlit_threshold: None = None
    """None, as above."""

    def __call__(self, batch: Sequence[Seen]) -> list[NDArray[Any]]:
        """Return uint8 masks (masks, h, w) of each sample."""
        rows = [list(Mask).index(mask) for mask in self.masks]
        return [
            np.full((len(rows), *seen.bands.shape[1:]), NOT_OBSERVED, np.uint8)
            if seen.fmask is None
            else _blank(decode(seen.fmask)[rows], seen)
            for seen in batch
        ]


@dataclass(frozen=True, slots=True)
class CloudShadow:
    """The masks of ukis-csmask (Wieland et al. 2019)."""

    compute: Callable[..., Any]
    """Its class `CSmask`."""

    name: str = CSMASK
    """What tables call it."""

    masks: tuple[Mask, ...] = (Mask.CLOUD, Mask.CLOUD_SHADOW)
    """What it gives."""

    thresholds: Mapping[Mask, float] = field(default_factory=dict)
    """None: it gives plain masks."""

    sunlit_threshold: None = None
    """None, as above."""

    @classmethod
    def load(cls) -> CloudShadow:
        """Return it, its package loaded.

        Raises
        ------
        MissingPackageError
            If that is not installed.
        """
        try:
            module = import_module("ukis_csmask.mask")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "ukis_csmask":
                raise
            raise MissingPackageError(
                f'--compare {CSMASK} needs ukis_csmask, which is not installed: pip install "ukis-csmask[cpu]"'
            ) from error
        return cls(module.CSmask)

    def __call__(self, batch: Sequence[Seen]) -> list[NDArray[Any]]:
        """Return uint8 masks (masks, h, w) of each sample."""
        return [self._one(seen) for seen in batch]

    def _one(self, seen: Seen) -> NDArray[np.uint8]:
        image = np.nan_to_num(np.ascontiguousarray(seen.bands.transpose(1, 2, 0)))  # 0 where not observed
        found = self.compute(img=image, band_order=list(_CSMASK_BANDS), product_level="l2a").csm
        classes = np.asarray(found).reshape(seen.bands.shape[1:])
        masks = np.stack([classes == _CSMASK_CODES[mask] for mask in self.masks]).astype(np.uint8)
        return _blank(masks, seen)


def _blank(masks: NDArray[np.uint8], seen: Seen) -> NDArray[np.uint8]:
    """Return masks (masks, h, w) that hold 0 at fill where that counts."""
    if seen.counts_fill:
        masks[:, seen.fill] = ABSENT
    return masks
