"""Samples in a row, wherever they lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from hlsmask.samples.sample import reflectance

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from hlsmask.samples.sample import Record, Sample
    from hlsmask.windows import Window

    Pair = tuple[NDArray[np.float32], NDArray[np.uint8]]


class Samples(Sequence["Pair"], ABC):
    """A sequence of (bands, labels): what `hlsmask.samples.open` gives, whatever lies on disk.

    Bands are float32 reflectance (6, h, w), NaN where nothing was observed; labels are uint8 (5, h, w), 0, 1 or 255
    (not known; fill always is), in the order of `Mask`. It can be pickled and handed to other processes.
    """

    path: Path
    """Where the samples lie."""

    missing: tuple[tuple[str, str], ...] = ()
    """Split and path, as listed, of samples whose files are not there."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many samples there are."""

    @abstractmethod
    def record(self, index: int) -> Record:
        """Return what is known of a sample but its pixels (index 0 to len - 1); a broken one raises SampleError."""

    def size(self, index: int) -> int:
        """Return rows and columns of a sample."""
        return self.record(index).size

    @abstractmethod
    def sample(self, index: int) -> Sample:
        """Return a whole sample, with its record and, where there is one, its Fmask layer.

        Raises
        ------
        SampleError
            If it cannot be read, or is broken.
        """

    @abstractmethod
    def stored(self, index: int, window: Window | None = None) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a sample, or of a window that lies within it.

        Raises
        ------
        SampleError
            If it cannot be read, or is broken.
        """

    def read(self, index: int, window: Window | None = None) -> Pair:
        """Return bands and labels of a sample, or of a window that lies within it."""
        bands, labels = self.stored(index, window)
        return reflectance(bands), labels

    @overload
    def __getitem__(self, index: int) -> Pair: ...

    @overload
    def __getitem__(self, index: slice) -> list[Pair]: ...

    def __getitem__(self, index: int | slice) -> Pair | list[Pair]:
        if isinstance(index, slice):
            return [self.read(at) for at in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return self.read(index % len(self))
