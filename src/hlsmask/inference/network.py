"""What all engines that run a network share: bands as its card asks for them, probabilities as it names them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from hlsmask.bands import BANDS
from hlsmask.errors import CardError, HlsmaskError, ModelError, first_line
from hlsmask.inference.doubling import SCALE, doubled
from hlsmask.inference.engine import WHOLE, cut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.card import Card
    from hlsmask.sun import Sun


_PART: Final = 1 << 17
"""Numbers that are turned into probabilities in one go: half a megabyte, which stays in a core's own cache."""


class NetworkEngine(ABC):
    """A network and its card. What computes it is for the subclasses to say.

    It computes one call at a time, on all cores, so that what it holds in between is there once. Threads that call it
    at once scale their bands and read the next ones meanwhile.
    """

    parallel: Final = True

    def __init__(self, card: Card, sha256: str, *, halved: bool = False, cuts: bool = False) -> None:
        """Keep the network's card, and the hash of its weights.

        Where it is `halved`, rows and columns of what `compute` gives are half as many, and doubled here. Where it
        `cuts`, `compute` gives little more than what is kept.
        """
        self.card = card
        self.sha256 = sha256
        self.halved = halved
        self.cuts = cuts
        self._order = [BANDS.index(band) for band in card.bands]
        self._computing = Lock()

    @property
    def blends(self) -> bool:
        """Whether windows are blended: not where they share all that a pixel depends on."""
        return not self.card.seamless

    @property
    @abstractmethod
    def name(self) -> str:
        """Name and version of what computes."""

    @abstractmethod
    def compute(
        self, taken: NDArray[np.float32], kept: tuple[range, range]
    ) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return what the network gives, in an array of its own, for what it takes (n, bands, h, w).

        `kept` are the rows and columns that are of use. With it comes which row and column of the window are the first
        of what it gives: 0 and 0 unless it `cuts`.
        """

    def for_scene(self, sun: Sun | None, *, elevation: bool, pixel: float) -> Self:
        """Return the engine itself: a network is the same for every scene.

        Raises
        ------
        CardError
            If it needs elevation and there is none.
        """
        del sun, pixel
        if self.card.elevation and not elevation:
            raise CardError(f"{self.card.name} needs the ground's elevation: name a DEM with --dem")
        return self

    def __call__(
        self, bands: NDArray[np.float32], kept: tuple[slice, slice] = WHOLE, *, overwrite: bool = False
    ) -> NDArray[np.float32]:
        """Return probabilities (n, masks, h, w) for float32 reflectance (n, 6 or 7, h, w); NaN = not observed."""
        taken = self._taken(bands, overwrite=overwrite)
        rows, columns = (range(*part.indices(length)) for part, length in zip(kept, bands.shape[2:], strict=True))
        try:
            with self._computing:
                given, (top, left) = self.compute(taken, (rows, columns))
        except HlsmaskError:
            raise
        except Exception as error:  # onnxruntime's exceptions share no public base, nor do torch's
            window = "a window of {} x {}".format(*bands.shape[2:])
            raise ModelError(f"{self.card.name} failed on {window}: {first_line(error)}") from error
        fits = self.cuts or given.shape == self._given(bands.shape)
        place = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
        part = (doubled if self.halved else cut)(given, place) if fits else given
        if not fits or part.shape != (len(bands), len(self.card.masks), len(rows), len(columns)):
            raise CardError(f"{self.card.name} gave {given.shape} for a window of {bands.shape}")
        part = part.astype(np.float32, copy=False)
        return _sigmoid(part) if self.card.output == "logits" else part

    def _given(self, taken: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what `compute` gives for an array of the shape `taken`."""
        scale = SCALE if self.halved else 1
        return taken[0], len(self.card.masks), taken[2] // scale, taken[3] // scale

    def _taken(self, bands: NDArray[np.float32], *, overwrite: bool) -> NDArray[np.float32]:
        """Return what the network takes, 0 where nothing was observed."""
        given = bands[:, : len(BANDS)]
        spectral = given if self._order == list(range(len(BANDS))) else bands[:, self._order]
        if self.card.normalization.kind == "published" and np.isnan(spectral).all():
            taken = np.zeros_like(spectral)  # there is no brightest pixel to scale by
        else:
            taken = self.card.normalize(spectral, missing=0, out=spectral if overwrite else None)
        if self.card.elevation:
            taken = np.concatenate([taken, np.nan_to_num(bands[:, len(BANDS) :])], axis=1)
        return taken


def check_shapes(
    card: Card, inputs: Sequence[Sequence[object]], outputs: Sequence[Sequence[object]], path: Path
) -> None:
    """See whether a file of `path` takes and gives what its card says; a size that is no number fits any.

    Raises
    ------
    CardError
        If it does not.
    """
    wanted, shape = len(card.bands) + card.elevation, inputs[0]
    if len(inputs) != 1 or len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != wanted):  # noqa: PLR2004
        raise CardError(f"{path} takes {shape}, but its card says (n, {wanted}, rows, columns)")
    masks, shape = len(card.masks), outputs[0]
    if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != masks):  # noqa: PLR2004
        raise CardError(f"{path} gives {shape}, but its card says (n, {masks}, rows, columns)")


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits into probabilities where they lie, part by part."""
    flat = logits.reshape(-1)
    with np.errstate(over="ignore"):  # exp of a large number: the probability is 0
        for start in range(0, flat.size, _PART):
            part = flat[start : start + _PART]
            np.negative(part, out=part)
            np.exp(part, out=part)
            part += np.float32(1)
            np.reciprocal(part, out=part)
    return flat.reshape(logits.shape)
