"""A network as a contender: samples of any size, in batches of what it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.card import Normalization
from hlsmask.errors import CardError
from hlsmask.inference.choose import choose
from hlsmask.inference.hysteresis import supported
from hlsmask.inference.network import NetworkEngine
from hlsmask.inference.options import Options
from hlsmask.masks import Mask
from hlsmask.models.files import TORCH_FILES
from hlsmask.samples.crops import count_parts, grid_window
from hlsmask.windows import Window, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.card import Card
    from hlsmask.evaluation.seen import Seen
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Device, Precision

LARGEST: Final = 1024
"""Rows and columns that a network is given at once, unless its card asks for more: larger samples are cut."""

ENDINGS: Final = (".pth.tar", ".safetensors", ".onnx", *TORCH_FILES)
"""How names of files of weights end."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An engine with its card."""

    name: str
    """What tables call it."""

    card: Card
    """Its card, as its file holds it."""

    engine: Engine
    """What computes."""

    masks: tuple[Mask, ...]
    """Those of its card that are judged, in the order of `Mask`."""

    thresholds: Mapping[Mask, float]
    """Of each mask."""

    sunlit_threshold: float | None = None
    """Of the probability of being sunlit, where its card tells."""

    batch_size: int = 12
    """Windows that it is given at once."""

    scaled: bool = False
    """Whether it is given the bands as the published code scales them."""

    def __call__(self, batch: Sequence[Seen]) -> list[NDArray[Any]]:
        """Return float32 probabilities (masks, h, w) of each sample; samples may differ in size.

        Those of a mask with hysteresis are 0 where no sure pixel is within reach: no threshold finds it there.

        Where fill counts they are NaN at it, unless the bands are given as the published code scales them.
        """
        planes = [self.engine.card.masks.index(mask) for mask in self.masks]
        given = [np.full((len(planes), *seen.bands.shape[1:]), np.nan, np.float32) for seen in batch]
        waiting: dict[int, list[tuple[int, Window, Window]]] = {}
        for at, seen in enumerate(batch):
            for side, read, own in self._windows(seen):
                waiting.setdefault(side, []).append((at, read, own))
        for side, windows in waiting.items():
            for start in range(0, len(windows), self.batch_size):
                part = windows[start : start + self.batch_size]
                taken = np.full((len(part), len(batch[0].bands), side, side), np.nan, np.float32)
                for target, (at, read, _) in zip(taken, part, strict=True):
                    target[:, : read.height, : read.width] = self._bands(batch[at])[:, *read.slices]
                for found, (at, read, own) in zip(self.engine(taken), part, strict=True):
                    rows, cols = own.within(read)
                    given[at][:, *own.slices] = found[planes, rows, cols]
        for seen, found in zip(batch, given, strict=True):
            if seen.counts_fill and not self.scaled:  # which gives fill a value that is then judged
                found[:, seen.fill] = np.nan
            supported(found, self.masks, self.engine.card.hysteresis)
        return given

    def _bands(self, seen: Seen) -> NDArray[np.float32]:
        return seen.bands if not self.scaled or seen.scaled is None else seen.scaled

    def _windows(self, seen: Seen) -> Iterator[tuple[int, Window, Window]]:
        """Give side of what the network is given, what of the sample is read into it, and what of that is kept.

        Windows in which nothing was observed are left out, unless fill counts.
        """
        card, side = self.engine.card, seen.bands.shape[1]
        size = card.size if card.fixed else max(card.size, round_up(LARGEST, card.multiple))
        for part in range(count_parts(side, size)):
            read, own = grid_window(side, size, part)
            if seen.counts_fill or not np.isnan(seen.bands[0][own.slices]).all():
                yield card.size if card.fixed else round_up(read.height, card.multiple), read, own


def open_network(
    path: Path,
    *,
    device: Device = "auto",
    precision: Precision = "auto",
    batch_size: int = 12,
    published: bool = False,
) -> Network:
    """Return the network that lies in a file, or is shipped under a name, with its card's thresholds.

    With `published`, one that scales as the published code does is given what that code gives: scaled by the whole
    sample, then cut.

    Raises
    ------
    ModelError
        If the weights cannot be used.
    CardError
        If it takes elevation.
    UsageError
        If device or precision do not fit the file.
    """
    engine = choose(Options(model=str(path), device=device, precision=precision))
    card = engine.card
    if card.elevation:
        raise CardError(f"{path} takes elevation, which samples do not hold; name a network that does not")
    masks = tuple(mask for mask in Mask if mask in card.masks)
    scaled = published and card.normalization.kind == "published"
    if scaled and isinstance(engine, NetworkEngine):
        engine.card = replace(card, normalization=Normalization())
    told = card.provenance.get("evaluation")
    sunlit = told.get("sunlit_threshold") if isinstance(told, dict) else None
    thresholds = {mask: card.threshold(mask) for mask in masks}
    return Network(stem_of(path), card, engine, masks, thresholds, sunlit, batch_size, scaled)


def stem_of(path: Path) -> str:
    """Return the name of a file of weights without `.safetensors`, `.onnx`, `.pth.tar` and their like."""
    ending = next((ending for ending in ENDINGS if path.name.endswith(ending) and path.name != ending), "")
    return path.name.removesuffix(ending)
