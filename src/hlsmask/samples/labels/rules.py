"""The rules: one function a mask, from what is known of each pixel to 0, 1 or 255."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.granules.dswx_codes import LIT, NOT_WATER, OPEN_WATER, PARTIAL_WATER, SHADED
from hlsmask.granules.fmask import ADJACENT_BIT, BITS
from hlsmask.inference.spectral.water import DIAG, HIGH, MODERATE
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, Mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.samples.labels.options import Rules

DARK: Final = 0b11000
"""Tests 4 and 5 of DSWx: dark in the near and short-wave infrared, as snow is not."""

OPEN: Final = (DIAG == HIGH) | (DIAG == MODERATE)
"""bool (32,): whether a code of the five tests says open water."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of each pixel."""

    tests: NDArray[np.uint8]
    """The five DSWx tests, bit k - 1 is test k, shape (h, w); any number of 0 to 31 where fill."""

    wtr2: NDArray[np.uint8]
    """The WTR-2 layer of DSWx, shape (h, w): 0, 1, 2; anything else is not known."""

    shad: NDArray[np.uint8]
    """The SHAD layer of DSWx, shape (h, w): 1 lit, 0 terrain shadow; anything else is not known."""

    fmask: NDArray[np.uint8]
    """The Fmask layer of HLS, shape (h, w)."""

    fill: NDArray[np.bool_]
    """Where nothing was observed, or nothing can be trusted, shape (h, w)."""

    def has(self, mask: Mask) -> NDArray[np.bool_]:
        """Return where Fmask's bit of `mask` is set."""
        return np.asarray(self.fmask & (1 << BITS[mask]) != 0)

    @property
    def ring(self) -> NDArray[np.bool_]:
        """Where Fmask says adjacent to cloud or shadow, and neither of them."""
        flags = self.fmask & (1 << ADJACENT_BIT | 1 << BITS[Mask.CLOUD] | 1 << BITS[Mask.CLOUD_SHADOW])
        return np.asarray(flags == 1 << ADJACENT_BIT)

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """Where cloud or its shadow lies over the ground."""
        return np.asarray(self.has(Mask.CLOUD) | self.has(Mask.CLOUD_SHADOW))

    @property
    def doubtful_snow(self) -> NDArray[np.bool_]:
        """Where Fmask says snow and the pixel is dark as water is, or Fmask says water too."""
        return np.asarray(self.has(Mask.SNOW_ICE) & ((self.tests & DARK != 0) | self.has(Mask.WATER)))


def label(known: Evidence, rules: Rules) -> NDArray[np.uint8]:
    """Return the labels of all masks, uint8 (5, h, w), in the order of `Mask`."""
    labels = np.stack(
        [water(known, rules), cloud(known, rules), cloud_shadow(known, rules), snow_ice(known, rules), shade(known)]
    )
    labels[:, known.fill] = NOT_OBSERVED
    return labels


def water(known: Evidence, rules: Rules) -> NDArray[np.uint8]:
    """Return the label of water: WTR-2, but for what lies between it and the eye."""
    kinds = {"unknown": NOT_OBSERVED, "water": PRESENT, "absent": ABSENT}
    meaning = np.full(256, NOT_OBSERVED, np.uint8)
    meaning[[NOT_WATER, OPEN_WATER, PARTIAL_WATER]] = ABSENT, PRESENT, kinds[rules.partial_water]
    labels: NDArray[np.uint8] = meaning[known.wtr2]
    labels[OPEN[known.tests] & (known.wtr2 == NOT_WATER)] = NOT_OBSERVED  # a map or a slope took it away
    labels[known.has(Mask.SNOW_ICE)] = ABSENT
    doubtful = known.doubtful_snow
    labels[doubtful] = NOT_OBSERVED
    if rules.false_snow == "water":
        labels[doubtful & (known.wtr2 == OPEN_WATER)] = PRESENT
    labels[known.hidden] = NOT_OBSERVED
    return labels


def cloud(known: Evidence, rules: Rules) -> NDArray[np.uint8]:
    """Return the label of cloud: Fmask's bit."""
    labels = known.has(Mask.CLOUD).astype(np.uint8)
    if rules.adjacent == "unknown":
        labels[known.ring] = NOT_OBSERVED
    return labels


def cloud_shadow(known: Evidence, rules: Rules) -> NDArray[np.uint8]:
    """Return the label of cloud shadow: Fmask's bit, but on slopes in the dark; never under cloud."""
    labels = known.has(Mask.CLOUD_SHADOW).astype(np.uint8)
    labels[(labels == PRESENT) & (known.shad == SHADED)] = NOT_OBSERVED
    if rules.adjacent != "absent":
        labels[known.ring] = {"unknown": NOT_OBSERVED, "shadow": PRESENT}[rules.adjacent]
    labels[known.has(Mask.CLOUD)] = ABSENT
    return labels


def snow_ice(known: Evidence, rules: Rules) -> NDArray[np.uint8]:
    """Return the label of snow and ice: Fmask's bit, where the pixel does not look like water."""
    labels = known.has(Mask.SNOW_ICE).astype(np.uint8)
    doubtful = known.doubtful_snow
    labels[doubtful] = NOT_OBSERVED
    if rules.false_snow == "water":
        labels[doubtful & (known.wtr2 == OPEN_WATER)] = ABSENT
    labels[known.hidden] = NOT_OBSERVED
    return labels


def shade(known: Evidence) -> NDArray[np.uint8]:
    """Return the label of terrain shadow: SHAD the other way round, where the ground can be seen."""
    meaning = np.full(256, NOT_OBSERVED, np.uint8)
    meaning[[LIT, SHADED]] = ABSENT, PRESENT
    labels: NDArray[np.uint8] = meaning[known.shad]
    labels[known.has(Mask.CLOUD)] = NOT_OBSERVED
    return labels
