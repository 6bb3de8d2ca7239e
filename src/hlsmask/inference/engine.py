"""The engine: from reflectance to probabilities, whatever computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hlsmask.card import Card
    from hlsmask.sun import Sun

WHOLE: Final = (slice(None), slice(None))
"""All rows and columns."""


def cut(probabilities: NDArray[np.float32], kept: tuple[slice, slice]) -> NDArray[np.float32]:
    """Return the rows and columns that are kept of (n, masks, h, w), so that what holds the rest can be let go of."""
    part = probabilities[:, :, *kept]
    return probabilities if part.shape == probabilities.shape else part.copy()


class Engine(Protocol):
    """Gives the probability of each mask of its card."""

    @property
    def card(self) -> Card:
        """What it takes and gives."""

    @property
    def name(self) -> str:
        """Name and version of what computes, such as `onnxruntime 1.20.1`."""

    @property
    def blends(self) -> bool:
        """Whether overlapping windows are blended; if not, each pixel is kept from one window as it is."""

    @property
    def parallel(self) -> bool:
        """Whether several threads may call it at once; if not, it spreads one call over the cores itself."""

    def for_scene(self, sun: Sun | None, *, elevation: bool, pixel: float) -> Engine:
        """Return the engine as it is to be for one scene.

        `sun` is where the sun stood (None: not known), `elevation` whether the ground's elevation can be
        given, `pixel` the side of a pixel in metres. Networks return themselves.
        """

    def __call__(
        self, bands: NDArray[np.float32], kept: tuple[slice, slice] = WHOLE, *, overwrite: bool = False
    ) -> NDArray[np.float32]:
        """Return probabilities (n, masks, h, w), 0 to 1, for float32 reflectance (n, bands, h, w).

        A pixel that was not observed is NaN in every band; what is returned there means nothing. NaN is
        returned where a mask cannot be known. If `card.elevation`, the last band is elevation in metres.
        `kept` are the rows and columns to return; all of `bands` is looked at. With `overwrite`, `bands` may hold
        anything afterwards: an engine then needs one array less.
        """
