"""What the samples of all benchmarks share: raster files read with errors that name them, one fill for all bands."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.errors import SampleError, UnreadableError
from hlsmask.granules.layers import Layer
from hlsmask.samples.sample import SMALLEST, Sample, same_fill
from hlsmask.samples.sequence import Samples
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Pixels = tuple[NDArray[np.int16], NDArray[np.uint8]]

MSI: Final = (2, 3, 4, 9, 12, 13)
"""Numbers, from 1, of B2, B3, B4, B8A, B11 and B12 among the 13 bands of Sentinel-2 Level-1C: those of HLS S30."""

_HIGHEST: Final = np.iinfo(np.int16).max


class HandmadeSamples(Samples):
    """Samples of a benchmark; what a reader adds is where their files lie and what their classes mean."""

    @abstractmethod
    def pixels(self, index: int, window: Window) -> Pixels:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a window, fill not yet the same in all."""

    def sample(self, index: int) -> Sample:
        """Return a whole sample."""
        bands, labels = self.stored(index)
        return Sample(self.record(index), bands, labels)

    def stored(self, index: int, window: Window | None = None) -> Pixels:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a sample, or of a window that lies within it."""
        if window is None:
            size = self.size(index)
            window = Window(0, 0, size, size)
        return same_fill(*self.pixels(index, window))


@contextmanager
def opened(href: Path | str) -> Iterator[Layer]:
    """Open a raster file; what goes wrong with it in the block becomes a SampleError."""
    try:
        layer = Layer(str(href))
        try:
            yield layer
        finally:
            layer.close()
    except UnreadableError as error:
        raise SampleError(str(error)) from error


def read(href: Path | str, indexes: tuple[int, ...], window: Window, shape: tuple[int, int]) -> NDArray[Any]:
    """Return the bands `indexes` (from 1) of a window, as stored, shape (band, row, column).

    Raises
    ------
    SampleError
        If the file cannot be read, has too few bands, or another shape than `shape` (rows, columns).
    """
    with opened(href) as layer:
        if layer.dataset.count < max(indexes):
            raise SampleError(f"{href} has {layer.dataset.count} bands; {max(indexes)} or more are needed")
        if np.dtype(kind := layer.dataset.dtypes[0]).kind not in "iu":
            raise SampleError(f"{href} holds {kind} numbers; use the whole numbers that are distributed")
        if tuple(layer.dataset.shape) != shape:
            raise SampleError(
                f"{href} has {layer.dataset.shape[0]} x {layer.dataset.shape[1]} pixels and what belongs to it "
                f"{shape[0]} x {shape[1]}; image and labels must be of one size"
            )
        return layer.read(indexes, window)


def square(href: Path | str, layer: Layer) -> int:
    """Return rows and columns of an open file that must be a square of 64 or more."""
    rows, columns = layer.dataset.shape
    if rows != columns or rows < SMALLEST:
        raise SampleError(f"{href} has {rows} x {columns} pixels; use a square of {SMALLEST} or more")
    return int(rows)


def top_of_atmosphere(numbers: NDArray[Any]) -> NDArray[np.int16]:
    """Return HLS integers for Sentinel-2 Level-1C numbers, which are reflectance x 10,000 too.

    Without the offset of processing baselines from 04.00 on: the pages of these benchmarks name a scale and no offset.
    """
    whole: NDArray[np.int16] = np.minimum(numbers, _HIGHEST).astype(np.int16)
    return whole
