"""One sample as small pictures of one size: true colour, masks, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from hlsmask.bands import BANDS, Band
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, Mask
from hlsmask.products.palette import COLOURS, LAYERS, Colour
from hlsmask.products.render import hatch, overlay, tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hlsmask.evaluation.verdict import Shown

NOT_THERE: Final[Colour] = (44, 49, 56)
"""Where a mask is known not to be: the colours of all masks stand out from it."""

MISSED: Final[Colour] = (190, 20, 60)
"""Where something is there that was not said."""

FALSE: Final[Colour] = (255, 170, 0)
"""Where something was said that is not there; drawn as stripes."""

_STRIPE: Final = 3
"""Pixels of one stripe."""

_VISIBLE: Final = tuple(BANDS.index(band) for band in (Band.RED, Band.GREEN, Band.BLUE))


class Panels:
    """Draws a sample. Pixels that become smaller are averaged, so that thin rivers do not vanish."""

    def __init__(self, shown: Shown, side: int) -> None:
        """Take a sample; its longer side becomes `side` pixels."""
        self._shown = shown
        rows, columns = shown.truth.shape[1:]
        scale = side / max(rows, columns)
        self.size = max(1, round(columns * scale)), max(1, round(rows * scale))
        """Columns and rows of each picture."""
        self._filter = Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST
        visible = shown.bands[list(_VISIBLE)]
        seen: NDArray[np.bool_] = np.asarray(np.isfinite(visible).all(axis=0))
        light = np.stack([self._share(np.where(seen, band, 0), seen) for band in visible])
        self._unseen = np.isnan(light[0])
        self._tone = tone(light)

    def true_colour(self) -> Image.Image:
        """Return red, green and blue, hatched where nothing was observed."""
        return self._hatched(self._tone, self._unseen)

    def truth(self, mask: Mask) -> Image.Image:
        """Return the labels of one mask: its colour, dark where it is not, hatched where that is not known."""
        return self._one(self._shown.truth, mask)

    def said(self, mask: Mask) -> Image.Image:
        """Return what was said of one mask, drawn as `truth`."""
        return self._one(self._shown.said, mask)

    def all_truth(self, masks: Sequence[Mask]) -> Image.Image:
        """Return the labels of some masks in their colours over the scene in grey."""
        return self._all(self._shown.truth, masks)

    def all_said(self, masks: Sequence[Mask]) -> Image.Image:
        """Return what was said of some masks, drawn as `all_truth`."""
        return self._all(self._shown.said, masks)

    def errors(self, masks: Sequence[Mask]) -> Image.Image:
        """Return the scene in grey with what was missed of some masks, and in stripes what was said wrongly."""
        rows = _rows(masks)
        truth, said = self._shown.truth[rows], self._shown.said[rows]
        known = ((truth != NOT_OBSERVED) & (said != NOT_OBSERVED)).any(axis=0)
        canvas = self._overlaid(np.zeros((len(LAYERS), *self._tone.shape[:2]), np.float32)).astype(np.float32)
        down, across = np.ogrid[: canvas.shape[0], : canvas.shape[1]]
        stripes = (down + across) // _STRIPE % 2 == 0
        missed = ((truth == PRESENT) & (said == ABSENT)).any(axis=0)
        false = ((truth == ABSENT) & (said == PRESENT)).any(axis=0)
        for wrong, colour, where in ((missed, MISSED, np.ones_like(stripes)), (false, FALSE, stripes)):
            share = np.nan_to_num(self._share(wrong, known))
            canvas += (np.array(colour, np.float32) - canvas) * (share * where)[..., None]
        return self._hatched(np.rint(canvas).astype(np.uint8), np.isnan(self._share(known, known)))

    def _one(self, planes: NDArray[np.uint8], mask: Mask) -> Image.Image:
        plane = planes[list(Mask).index(mask)]
        share = self._share(plane == PRESENT, plane != NOT_OBSERVED)
        dark, bright = (np.array(colour, np.float32) for colour in (NOT_THERE, COLOURS[mask]))
        canvas = dark + (bright - dark) * np.nan_to_num(share)[..., None]
        return self._hatched(np.rint(canvas).astype(np.uint8), np.isnan(share))

    def _all(self, planes: NDArray[np.uint8], masks: Sequence[Mask]) -> Image.Image:
        coverage = np.zeros((len(LAYERS), *self._tone.shape[:2]), np.float32)
        unknown = np.ones(self._tone.shape[:2], np.bool_)
        for mask, row in zip(masks, _rows(masks), strict=True):
            share = self._share(planes[row] == PRESENT, planes[row] != NOT_OBSERVED)
            unknown &= np.isnan(share)
            coverage[LAYERS.index(mask.value)] = np.nan_to_num(share)
        return self._hatched(self._overlaid(coverage), unknown)

    def _overlaid(self, coverage: NDArray[np.float32]) -> NDArray[np.uint8]:
        return overlay(self._tone, coverage)

    def _hatched(self, picture: NDArray[np.uint8], blank: NDArray[np.bool_]) -> Image.Image:
        shape = picture.shape[0], picture.shape[1]
        return Image.fromarray(np.where(blank[..., None], hatch(shape), picture))

    def _share(self, part: NDArray[np.bool_] | NDArray[np.float32], whole: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the mean of `part` over `whole` at the size of the pictures; NaN where less than half is whole."""
        counted, every = (
            np.asarray(Image.fromarray(plane.astype(np.float32)).resize(self.size, self._filter))
            for plane in (part * whole, whole)
        )
        share: NDArray[np.float32] = np.divide(counted, every, out=np.full_like(every, np.nan), where=every >= 0.5)  # noqa: PLR2004 - half
        return share


def _rows(masks: Sequence[Mask]) -> list[int]:
    order = list(Mask)
    return [order.index(mask) for mask in masks]
