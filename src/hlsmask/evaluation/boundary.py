"""How well outlines are met, apart from areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE: Final = 2
"""Pixels, by which an outline may be off: 60 m."""

_DISC: Final = tuple(
    (row, col)
    for row in range(-TOLERANCE, TOLERANCE + 1)
    for col in range(-TOLERANCE, TOLERANCE + 1)
    if row * row + col * col <= TOLERANCE * TOLERANCE
)
"""Shifts to all that lies within the tolerance."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Pixels of outlines, and how many of them have one of the other's near; two of them add.

    The boundary measure of Csurka et al. 2013 (What is a good evaluation measure for semantic segmentation?), over
    the outlines of all samples together rather than averaged over samples.
    """

    said: int = 0
    """Pixels of predicted outlines."""

    met: int = 0
    """Of these, within the tolerance of a true one."""

    true: int = 0
    """Pixels of true outlines."""

    found: int = 0
    """Of these, within the tolerance of a predicted one."""

    @classmethod
    def of(cls, prediction: NDArray[np.uint8], truth: NDArray[np.uint8]) -> Self:
        """Count over two masks (rows, columns) of 0, 1 or 255; what is 255 in either is in neither.

        A pixel is on an outline if it is 1 and one of its four neighbours is 0. Beside 255, and at the edge of the
        sample, there is no outline.
        """
        known = (prediction != NOT_OBSERVED) & (truth != NOT_OBSERVED)
        said, true = _outline(prediction, known), _outline(truth, known)
        if said is None or true is None:
            return cls(said=_size(said), true=_size(true))
        return cls(_size(said), _size(said & _near(true)), _size(true), _size(true & _near(said)))

    def __add__(self, other: Boundary) -> Boundary:
        return Boundary(self.said + other.said, self.met + other.met, self.true + other.true, self.found + other.found)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall of outlines, 0 to 1; NaN where there are none at all."""
        if not self.said and not self.true:
            return float("nan")
        if not self.met or not self.found:
            return 0.0
        precision, recall = self.met / self.said, self.found / self.true
        return 2 * precision * recall / (precision + recall)


def _outline(mask: NDArray[np.uint8], known: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the pixels of a mask's outline; None where there is none."""
    there = (mask == PRESENT) & known
    if not there.any():
        return None
    absent = (mask == ABSENT) & known
    outline = np.zeros_like(there)
    outline[1:] |= absent[:-1]
    outline[:-1] |= absent[1:]
    outline[:, 1:] |= absent[:, :-1]
    outline[:, :-1] |= absent[:, 1:]
    outline &= there
    return outline if outline.any() else None


def _size(outline: NDArray[np.bool_] | None) -> int:
    return 0 if outline is None else int(np.count_nonzero(outline))


def _near(outline: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what lies within the tolerance of an outline."""
    height, width = outline.shape
    around = np.pad(outline, TOLERANCE)
    near = np.zeros_like(outline)
    for row, col in _DISC:
        near |= around[TOLERANCE + row : TOLERANCE + row + height, TOLERANCE + col : TOLERANCE + col + width]
    return near
