"""Samples as torch takes them: cropped, turned and normalized, the same whichever process does it."""

from __future__ import annotations

from operator import index as as_integer
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from torch.utils.data import Dataset

from hlsmask.bands import BANDS, HLS_FILL, HLS_SCALE
from hlsmask.card import Card, Normalization
from hlsmask.errors import CardError, SampleError, UsageError
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.samples.augment import UNCHANGED, Augmentation, distort
from hlsmask.samples.crops import PUBLISHED_SIZE, Crop, count_parts, fill_up, grid_window, place_window
from hlsmask.samples.sample import reflectance

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from hlsmask.samples.augment import Drawn
    from hlsmask.samples.sequence import Samples
    from hlsmask.windows import Window

    Item = tuple[torch.Tensor, torch.Tensor]


class SampleDataset(Dataset["Item"]):
    """Items (bands, labels) of samples: what a network takes, float32 (bands, h, w), and uint8 (masks, h, w).

    Bands are exactly what prediction makes of the same window: in the card's order, normalized, 0 where nothing was
    observed. Labels are 0, 1, or 255 where not known; 255 belongs in no loss and no score.

    What chance decides for an item depends on seed, epoch and index alone: not on the number of workers, on who asks
    first, nor on any global state. Call `set_epoch` before each loop over the loader; workers that persist see it too.
    Without it, every epoch is the first again.
    """

    def __init__(
        self,
        samples: Samples,
        card: Card | None = None,
        *,
        size: int | None = None,
        crop: Crop = "random",
        augmentation: Augmentation | None = None,
        masks: Iterable[Mask | str] | None = None,
        seed: int = 0,
        skip_broken: bool = False,
    ) -> None:
        """Hand `samples` to torch.

        Parameters
        ----------
        samples
            What `hlsmask.samples.open` gives, or `HeldSamples`.
        card
            The network's card: normalization, order of the bands, masks. Without one: reflectance and all masks.
        size
            Rows and columns of a crop; only its pixels are read. Without one: whole samples (512 if the crop is
            `published`). Samples that are smaller are filled up, below and to the right, with fill and labels of 255.
        crop
            `random`, each epoch in another place; `centre`; `grid`, for evaluation: as many items a sample as it
            takes for every pixel to have its label in exactly one of them, and 255 in the others; `published`: the
            upper left of the sample once it is turned. Published training turns before it cuts, so that its flips
            reach all four corners.
        augmentation
            How samples are varied. None, the default, is for evaluation.
        masks
            Masks whose labels are given, in this order. Without: the card's.
        seed
            From which all chance is drawn, 0 or more.
        skip_broken
            Where a sample cannot be read, give an item of fill, which counts in no loss and no score, and remember it
            in `broken`. Needs a size. Otherwise SampleError ends the epoch.

        Raises
        ------
        UsageError
            If the options do not fit each other or the card.
        CardError
            If the card asks for elevation, which samples do not hold.
        """
        self.samples = samples
        self.card = card or Card("reflectance", tuple(Mask), multiple=1)
        self.crop = crop
        self.size = PUBLISHED_SIZE if size is None and crop == "published" else _whole("size", size)
        self.augmentation = augmentation
        named = (masks,) if isinstance(masks, str) else masks
        self.masks = self.card.masks if named is None else tuple(Mask.parse(name) for name in named)
        self.seed = _whole("seed", seed) or 0
        self.skip_broken = skip_broken
        self._check()
        self._bands = [BANDS.index(band) for band in self.card.bands]
        self._labels = [list(Mask).index(mask) for mask in self.masks]
        self._epoch = shared(torch.zeros((), dtype=torch.int64))
        self._broken = shared(torch.zeros(len(samples), dtype=torch.bool))
        self._parts = self._count() if crop == "grid" else None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up what was pickled; workers forked from this process share its epoch again."""
        self.__dict__.update(state)
        shared(self._epoch)
        shared(self._broken)

    @property
    def epoch(self) -> int:
        """The epoch whose items are given, from 0."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Give the items of another epoch (from 0), in all workers; call it before the loop over the loader begins.

        Raises
        ------
        UsageError
            If it is no whole number of 0 or more.
        """
        number = _whole("epoch", epoch)
        if number is None or number < 0:
            raise UsageError(f"epoch is {epoch}; use 0 or more")
        self._epoch.fill_(number)

    @property
    def broken(self) -> list[int]:
        """Indices of the samples that could not be read so far, by any worker of this process."""
        return [int(at) for at in torch.nonzero(self._broken).flatten()]

    def __len__(self) -> int:
        """Return how many items there are: one a sample, more for a grid."""
        return len(self.samples) if self._parts is None else int(self._parts[-1])

    def __getitem__(self, index: SupportsIndex) -> Item:
        """Return bands and labels of an item.

        Raises
        ------
        SampleError
            If its sample cannot be read, unless broken ones are skipped.
        """
        at = as_integer(index)
        if not -len(self) <= at < len(self):
            raise IndexError(f"item {at} of {len(self)}")
        at %= len(self)
        try:
            return self._item(at)
        except SampleError:
            if not self.skip_broken or self.size is None:
                raise
            self._broken[self._locate(at)[0]] = True
            blank = torch.full((len(self.masks), self.size, self.size), NOT_OBSERVED, dtype=torch.uint8)
            return torch.zeros((len(self._bands), self.size, self.size)), blank

    def place(self, item: int) -> tuple[int, Window | None]:
        """Return the sample of an item, and the pixels of it that it holds in this epoch (None: all of them)."""
        sample, part = self._locate(item)
        spot, drawn, _ = self._chance(item)
        return sample, self._cut(sample, part, spot, drawn)[0]

    def _item(self, item: int) -> Item:
        sample, part = self._locate(item)
        spot, drawn, rng = self._chance(item)
        read, own = self._cut(sample, part, spot, drawn)
        scaling = self.card.normalization
        if self.crop == "published" and scaling.kind == "published" and read is not None:
            bands, labels = self.samples.stored(sample)
            scaling = self._joint(bands, drawn)
            bands, labels = bands[:, *read.slices], labels[:, *read.slices]
        else:
            bands, labels = self.samples.stored(sample, read)
        if read is not None and own is not None and own != read:
            kept = own.within(read)
            labels, given = np.full_like(labels, NOT_OBSERVED), labels
            labels[:, *kept] = given[:, *kept]
        if self.size is not None:
            bands, labels = fill_up(bands, self.size, HLS_FILL), fill_up(labels, self.size, NOT_OBSERVED)
        # One copy of each, of the turned crop: samples may hand out what they hold.
        bands = np.array(drawn.turn(_pick(bands, self._bands)), order="C")
        labels = np.array(drawn.turn(_pick(labels, self._labels)), order="C")
        return torch.from_numpy(self._taken(bands, scaling, drawn, rng)), torch.from_numpy(labels)

    def _locate(self, item: int) -> tuple[int, int]:
        """Return the sample of an item, and which of its parts the item is."""
        if self._parts is None:
            return item, 0
        sample = int(np.searchsorted(self._parts, item, side="right")) - 1
        return sample, item - int(self._parts[sample])

    def _chance(self, item: int) -> tuple[tuple[float, float], Drawn, np.random.Generator]:
        """Return where a random crop lies, what else is drawn, and where noise comes from."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.epoch, item)))
        spot = (float(rng.random()), float(rng.random()))
        return spot, self.augmentation.draw(rng) if self.augmentation else UNCHANGED, rng

    def _cut(
        self, sample: int, part: int, spot: tuple[float, float], drawn: Drawn
    ) -> tuple[Window | None, Window | None]:
        """Return what is read of a sample, and what of that has labels; None for all of it."""
        if self.size is None:
            return None, None
        side = self.samples.size(sample)
        if self.crop == "grid":
            return grid_window(side, self.size, part)
        window = place_window(self.crop, side, self.size, spot, drawn.turn)
        return window, window

    def _taken(
        self, bands: NDArray[np.int16], scaling: Normalization, drawn: Drawn, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return what the network takes for HLS integers in its order."""
        blank = bands[0] == HLS_FILL
        filled = bool(blank.any())
        values = reflectance(bands)
        if self.augmentation and self.augmentation.gain:
            values *= drawn.gains[self._bands, None, None]
        taken = np.zeros_like(values) if filled and blank.all() else scaling(values)
        if filled:
            np.copyto(taken, 0, where=blank)
        taken = distort(taken, drawn, rng)
        if self.card.normalization.kind == "published":
            taken -= taken.min()  # over fill too, noisy as it is by now: as published
            taken /= max(taken.max(), np.float32(1))
        elif filled and drawn.noise:
            np.copyto(taken, 0, where=blank)
        return taken

    def _joint(self, bands: NDArray[np.int16], drawn: Drawn) -> Normalization:
        """Return the published scaling of a whole sample: linear, by the least and the greatest of all its values."""
        bands = _pick(bands, self._bands)
        seen = bands[0] != HLS_FILL
        if not seen.any():
            return self.card.normalization
        reach = np.iinfo(bands.dtype)
        low = bands.min(axis=(1, 2), where=seen, initial=reach.max)
        high = bands.max(axis=(1, 2), where=seen, initial=reach.min)
        ends = np.stack([low, high]).astype(np.float32) * np.float32(HLS_SCALE)
        ends *= drawn.gains[self._bands]
        least, span = ends.min(), max(np.ptp(ends), np.float32(HLS_SCALE))
        return Normalization("linear", (float(least),) * len(self._bands), (float(span),) * len(self._bands))

    def _count(self) -> NDArray[np.int64] | None:
        """Return the first item of each sample, and after them the number of items; None if each sample is one."""
        if self.size is None:
            return None
        first = np.zeros(len(self.samples) + 1, np.int64)
        for at in range(len(self.samples)):
            try:
                first[at + 1] = count_parts(self.samples.size(at), self.size)
            except SampleError:
                if not self.skip_broken:
                    raise
                first[at + 1] = 1  # an item of fill
        return np.asarray(first.cumsum())

    def _check(self) -> None:
        """Raise an error if the options do not fit."""
        card, size = self.card, self.size
        if self.crop not in get_args(Crop):
            raise UsageError(f"crop is {self.crop!r}; use {', '.join(get_args(Crop))}")
        if not self.masks or len(set(self.masks)) != len(self.masks):
            raise UsageError(f"masks are {', '.join(self.masks) or 'none'}; name at least one, and each once")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; use 0 or more")
        if self.augmentation is not None and not isinstance(self.augmentation, Augmentation):
            raise UsageError(f"augmentation is {self.augmentation!r}; use an Augmentation, or None")
        if size is None and self.skip_broken:
            raise UsageError("skip_broken needs a size: a sample that cannot be read has none of its own")
        if size is not None and (size < 1 or size % card.multiple or (card.fixed and size != card.size)):
            wanted = f"{card.size}" if card.fixed else f"a multiple of {card.multiple}"
            raise UsageError(f"size is {size}; {card.name} takes {wanted}")
        if card.elevation:
            raise CardError(f"{card.name} takes elevation, which samples do not hold; use a network that does not")


def _whole(name: str, value: SupportsIndex | None) -> int | None:
    """Return a whole number, or None; raise UsageError for anything else."""
    if value is None:
        return None
    try:
        return as_integer(value)
    except TypeError as error:
        raise UsageError(f"{name} is {value!r}; use a whole number") from error


def shared(tensor: torch.Tensor) -> torch.Tensor:
    """Move a tensor to where processes forked from this one see what is written to it."""
    return tensor.share_memory_()  # type: ignore[no-any-return, no-untyped-call]


def _pick(array: NDArray[Any], rows: list[int]) -> NDArray[Any]:
    """Return some rows of an array, without a copy where it is all of them."""
    return array if rows == list(range(len(array))) else array[rows]
