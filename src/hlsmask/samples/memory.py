"""Samples that are held in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlsmask.samples.sequence import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from hlsmask.samples.sample import Record, Sample
    from hlsmask.windows import Window


class HeldSamples(Samples):
    """Samples made by a program, or few enough to be kept."""

    def __init__(self, samples: Iterable[Sample], path: Path = Path("memory")) -> None:
        """Hold `samples`; `path` is what errors call the place they come from."""
        self.path = path
        self._samples = tuple(samples)

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self._samples)

    def record(self, index: int) -> Record:
        """Return what is known of a sample but its pixels."""
        return self._samples[index].record

    def sample(self, index: int) -> Sample:
        """Return a whole sample."""
        return self._samples[index]

    def stored(self, index: int, window: Window | None = None) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a sample, or of a window that lies within it."""
        sample = self._samples[index]
        if window is None:
            return sample.bands, sample.labels
        place = (slice(None), slice(window.row, window.bottom), slice(window.col, window.right))
        return sample.bands[place], sample.labels[place]
