"""Block means of a scene and its masks, gathered while the scene streams by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hlsmask.bands import BANDS, Band
from hlsmask.masks import NOT_OBSERVED, PRESENT
from hlsmask.products.palette import LAYERS
from hlsmask.windows import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RGB = [BANDS.index(band) for band in (Band.RED, Band.GREEN, Band.BLUE)]


class BlockMeans:
    """Means of true colour and masks over square blocks; its memory does not grow with the scene.

    The blocks' side is the least power of two that makes the picture no longer than `longest`. Windows may
    come in any order and lie anywhere, each pixel once; those aligned to `stride` are cheapest.
    """

    def __init__(self, shape: tuple[int, int], longest: int = 1024) -> None:
        if min(shape) < 1 or longest < 1:
            raise ValueError(f"no picture of {shape} pixels, {longest} at most on a side")
        self._extent = shape
        self.stride = 1
        """Rows and columns of the scene that make one of the picture."""
        while -(-max(shape) // self.stride) > longest:
            self.stride *= 2
        rows, columns = (-(-n // self.stride) for n in shape)
        self.shape = rows, columns
        """Rows and columns of the picture."""
        counts = np.min_scalar_type(self.stride**2)  # bytes up to blocks of 8 x 8
        self._light = np.zeros((3, rows, columns), np.float32)
        self._lit = np.zeros((rows, columns), counts)
        self._present = np.zeros((len(LAYERS), rows, columns), counts)
        self._known = np.zeros((len(LAYERS), rows, columns), counts)

    def add_bands(self, window: Window, bands: NDArray[np.float32]) -> None:
        """Take in reflectance, shape (6, row, column), of `window` of the scene; all NaN where not observed.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        self._check(window, bands.shape, len(BANDS))
        lit = np.isfinite(bands[_RGB[0]])
        whole = lit.all()
        for band, index in enumerate(_RGB):
            light = bands[index] if whole else np.where(lit, bands[index], np.float32(0))
            self._add(self._light[band], window, light)
        self._add(self._lit, window, lit.view(np.uint8))

    def add_masks(self, window: Window, masks: NDArray[np.uint8]) -> None:
        """Take in masks, shape (6, row, column), 0, 1 or 255, the last `clear_water`, of `window` of the scene.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        self._check(window, masks.shape, len(LAYERS))
        for layer in range(len(LAYERS)):
            self._add(self._present[layer], window, (masks[layer] == PRESENT).view(np.uint8))
            self._add(self._known[layer], window, (masks[layer] != NOT_OBSERVED).view(np.uint8))

    def true_colour(self) -> NDArray[np.float32]:
        """Return reflectance of red, green and blue, shape (3, row, column), NaN where nothing was observed."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means: NDArray[np.float32] = np.divide(self._light, self._lit, dtype=np.float32)
        return means

    def unseen(self) -> float:
        """Return the share of the scene, 0 to 1, that no observed pixel was given for."""
        return 1 - float(self._lit.sum(dtype=np.float64)) / (self._extent[0] * self._extent[1])

    def coverage(self) -> NDArray[np.float32]:
        """Return the covered share of what is known, shape (6, row, column), 0 where nothing is known."""
        share: NDArray[np.float32] = np.divide(self._present, np.maximum(self._known, 1), dtype=np.float32)
        return share

    def _check(self, window: Window, shape: tuple[int, ...], layers: int) -> None:
        if shape != (layers, *window.shape) or window & Window.of(self._extent) != window:
            raise ValueError(f"{shape} does not fit {layers} layers of {window} in a scene of {self._extent}")

    def _add(self, into: NDArray[Any], window: Window, layer: NDArray[Any]) -> None:
        """Add the sums over blocks of `layer`: float32 reflectance, or bytes of 0 and 1 to what counts them."""
        if not layer.size:
            return
        step = self.stride
        top, left = window.row % step, window.col % step
        padding = ((top, -window.bottom % step), (left, -window.right % step))
        if any(map(any, padding)):
            layer = np.pad(layer, padding)
        narrow = layer.dtype == np.uint8 and step < NOT_OBSERVED  # sums of rows still fit into bytes
        rows: NDArray[Any] = layer[0::step].astype(np.uint8 if narrow else into.dtype)
        for offset in range(1, step):
            rows += layer[offset::step]
        sums = rows[:, 0::step].astype(into.dtype)
        for offset in range(1, step):
            sums += rows[:, offset::step]
        row, col = window.row // step, window.col // step
        into[row : row + sums.shape[0], col : col + sums.shape[1]] += sums
