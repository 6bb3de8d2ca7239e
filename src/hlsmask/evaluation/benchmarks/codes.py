"""From the classes that a person drew to masks: 1, 0, or 255 where a class says nothing of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hlsmask.errors import SampleError
from hlsmask.masks import NOT_OBSERVED, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def to_labels(codes: NDArray[Any], meanings: Mapping[int, Mapping[Mask, int]], name: str) -> NDArray[np.uint8]:
    """Return labels (5, h, w), 0, 1 or 255, for classes (h, w).

    Parameters
    ----------
    codes
        The class of each pixel.
    meanings
        What each class says of the masks; what it says nothing of is 255.
    name
        The file that errors name.

    Raises
    ------
    SampleError
        If there are other classes.
    """
    labels = np.full((len(Mask), *codes.shape), NOT_OBSERVED, np.uint8)
    known = np.zeros(codes.shape, np.bool_)
    planes = dict(zip(Mask, labels, strict=True))
    for code, meaning in meanings.items():
        here = codes == code
        known |= here
        for mask, value in meaning.items():
            planes[mask][here] = value
    if not known.all():
        others = ", ".join(f"{value:g}" for value in np.unique(codes[~known])[:5])
        raise SampleError(f"{name} holds the classes {others}; use {', '.join(map(str, sorted(meanings)))}")
    return labels
