"""Samples as they are judged: read ahead, in batches, fill left out or, as the paper does, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask.bands import HLS_SCALE
from hlsmask.errors import DatasetError, SampleError
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, Mask
from hlsmask.samples.ahead import read_ahead
from hlsmask.samples.crops import PUBLISHED_SIZE
from hlsmask.samples.sample import reflectance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hlsmask.samples.sample import Sample
    from hlsmask.samples.sequence import Samples

_TERRAIN: Final = list(Mask).index(Mask.TERRAIN_SHADOW)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A sample, or the part of it that is judged."""

    number: int
    """Its place in the data set."""

    id: str
    """Its name."""

    sensor: str
    """`L30`, `S30`, or "" where not known."""

    bands: NDArray[np.float32]
    """Reflectance, shape (6, h, w), NaN where not observed."""

    labels: NDArray[np.uint8]
    """0, 1, or 255 (does not count), shape (5, h, w) in the order of `Mask`."""

    sunlit: NDArray[np.uint8]
    """The published `sun_mask`, shape (h, w): 1 sunlit, 0 not, 255 does not count."""

    fmask: NDArray[np.uint8] | None
    """The Fmask layer of HLS, shape (h, w), or None."""

    scaled: NDArray[np.float32] | None = None
    """The bands as the published code hands them to a network, shape (6, h, w); None where fill does not count."""

    @property
    def fill(self) -> NDArray[np.bool_]:
        """Where nothing was observed, shape (h, w)."""
        return np.asarray(np.isnan(self.bands[0]))

    @property
    def counts_fill(self) -> bool:
        """Whether pixels that were not observed count, as in the paper."""
        return self.scaled is not None

    @classmethod
    def of(cls, number: int, sample: Sample) -> Seen:
        """Return a whole sample, of which what is known counts."""
        terrain = sample.labels[_TERRAIN]
        sunlit = np.where(terrain == NOT_OBSERVED, terrain, terrain ^ PRESENT)
        bands = reflectance(sample.bands)
        return cls(number, sample.record.id, sample.record.sensor, bands, sample.labels, sunlit, sample.fmask)

    @classmethod
    def as_published(cls, number: int, sample: Sample) -> Seen:
        """Return a sample as the published evaluation takes it.

        Fill becomes the least value of the sample, the sample is scaled by one minimum and maximum over all its
        bands, the upper left 512 x 512 pixels are cut out and shifted so that their least value is 0. Labels are 0
        where the bands are fill, and everywhere if all values of the cut are the same: of `sun_mask` too, which then
        says that nothing is sunlit. Labels that are 255 elsewhere do not count.
        """
        whole = Seen.of(number, sample)
        place = np.s_[..., :PUBLISHED_SIZE, :PUBLISHED_SIZE]
        bands, labels, sunlit = whole.bands[place].copy(), whole.labels[place].copy(), whole.sunlit[place].copy()
        fmask = None if whole.fmask is None else whole.fmask[place].copy()
        blank = np.isnan(bands[0])
        if np.isnan(whole.bands).all():
            scaled = np.zeros_like(bands)
        else:
            low, high = np.nanmin(whole.bands), np.nanmax(whole.bands)
            # The original works on integers and divides by max(span, 1).
            scaled = (np.where(blank, low, bands) - low) / np.maximum(high - low, np.float32(HLS_SCALE))
            scaled -= scaled.min()
        if not scaled.any():
            labels[labels != NOT_OBSERVED] = ABSENT
            sunlit[sunlit != NOT_OBSERVED] = ABSENT
        labels[:, blank] = ABSENT
        sunlit[blank] = ABSENT
        return cls(number, whole.id, whole.sensor, bands, labels, sunlit, fmask, scaled)


class Feed:
    """The samples of a data set, batch after batch; threads read ahead."""

    def __init__(
        self,
        samples: Samples,
        *,
        batch_size: int = 12,
        workers: int = 2,
        published: bool = False,
        skip_broken: bool = False,
    ) -> None:
        """Give `samples` in batches of at most `batch_size`; `published` as the paper takes them."""
        self.samples = samples
        self.broken: list[SampleError] = []
        self._batch, self._workers = batch_size, workers
        self._make = Seen.as_published if published else Seen.of
        self._skip = skip_broken

    def __len__(self) -> int:
        """Return how many samples there are, broken ones with them."""
        return len(self.samples)

    def __iter__(self) -> Iterator[list[Seen]]:
        """Give each sample once. Broken ones are noted in `broken` if they are to be skipped.

        Raises
        ------
        SampleError
            If a sample cannot be read, unless such are skipped.
        DatasetError
            If none can be read.
        """
        batch: list[Seen] = []
        self.broken.clear()
        for number, read in read_ahead(self.samples, range(len(self.samples)), workers=self._workers):
            if isinstance(read, SampleError):
                if not self._skip:
                    raise read
                self.broken.append(read)
            else:
                batch.append(self._make(number, read))
            if len(batch) == self._batch:
                yield batch
                batch = []
        if batch:
            yield batch
        if len(self.broken) == len(self.samples):
            raise DatasetError(
                f"{self.samples.path}: not one of {len(self.samples)} samples can be read ({self.broken[0]})"
                if self.broken
                else f"{self.samples.path} holds no samples to judge on"
            )
