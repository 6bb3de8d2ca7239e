"""Results of one day laid side by side on a tile: where they overlap, the first that saw a pixel shows it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from hlsmask.errors import SourceError
from hlsmask.hrefs import is_local
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask
from hlsmask.products.palette import LAYERS
from hlsmask.view.layers import Kind
from hlsmask.view.reading import RGB, read_classes, read_light
from hlsmask.view.recent import Recent
from hlsmask.view.tile import SIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.view.result import Result
    from hlsmask.view.scenes import Scenes
    from hlsmask.view.tile import Tile
    from hlsmask.windows import Window

Stamp: TypeAlias = tuple[int, ...]
"""When files were changed, in nanoseconds; 0 = not there."""

_MASKS, _OTHERS = 192, 24
"""Tiles that are kept: of masks, a quarter of a megabyte each, and of the other kinds, three at most."""

_NOWHERE: Final = (0.0, 90.0, 0.0, 90.0)

_BLANK: Final = {
    Kind.MASK: (len(LAYERS), np.uint8(NOT_OBSERVED)),
    Kind.PROBABILITY: (len(Mask), np.uint8(NOT_OBSERVED)),
    Kind.TRUE_COLOUR: (len(RGB), np.float32(np.nan)),
}
"""Layers of each kind, and what stands where nothing was seen."""

_BITS: Final = [1 << at for at in range(len(LAYERS))]


class Mosaics:
    """Draws results side by side; threads may do so at once."""

    def __init__(self, scenes: Scenes) -> None:
        """Begin with nothing drawn; `scenes` finds reflectance."""
        self.scenes = scenes
        self._kept: dict[Kind, Recent[NDArray[Any]]] = {
            kind: Recent(_MASKS if kind is Kind.MASK else _OTHERS) for kind in Kind
        }
        self._troubles: dict[tuple[str, Kind, Stamp], str] = {}

    def masks(self, results: Sequence[Result], tile: Tile) -> NDArray[np.uint8]:
        """Return the masks of results on a tile, shape (512, 512): bit i is set where layer i is present.

        Raises
        ------
        SourceError
            If a result cannot be drawn; asked again, the others are.
        """

        def draw() -> NDArray[np.uint8]:
            packed = np.zeros((SIDE, SIDE), np.uint8)
            for bit, layer in zip(_BITS, self._laid(results, tile, Kind.MASK), strict=True):
                packed |= (layer == PRESENT).view(np.uint8) * np.uint8(bit)
            return packed

        return self._keep(results, tile, Kind.MASK, draw)

    def probabilities(self, results: Sequence[Result], tile: Tile) -> NDArray[np.uint8]:
        """Return stored probabilities on a tile, shape (5, 512, 512): value / 200, 255 where there is none.

        Raises
        ------
        SourceError
            As for `masks`.
        """
        return self._keep(results, tile, Kind.PROBABILITY, lambda: self._laid(results, tile, Kind.PROBABILITY))

    def light(self, results: Sequence[Result], tile: Tile) -> NDArray[np.float32]:
        """Return red, green and blue reflectance on a tile, shape (3, 512, 512), NaN where there is none.

        Raises
        ------
        SourceError
            As for `masks`.
        """
        return self._keep(results, tile, Kind.TRUE_COLOUR, lambda: self._laid(results, tile, Kind.TRUE_COLOUR))

    def stamp(self, result: Result, kind: Kind) -> Stamp:
        """Return when the files were changed that a kind of layer is drawn from; 0 = not there."""
        if kind is Kind.TRUE_COLOUR:
            try:
                return tuple(map(_changed, self.scenes.files(result)))
            except SourceError:
                return (0,)
        return (_changed(result.masks if kind is Kind.MASK else result.probabilities),)

    def trouble(self, result: Result, kind: Kind) -> str:
        """Return why a kind of layer of a result cannot be drawn, once a tile has found it; else nothing."""
        return self._troubles.get((result.id, kind, self.stamp(result, kind)), "")

    def try_again(self) -> None:
        """Forget what could not be drawn: a server may answer by now, a disk be there again."""
        self._troubles.clear()

    def _laid(self, results: Sequence[Result], tile: Tile, kind: Kind) -> NDArray[Any]:
        """Return what is read of results (layer, row, column), each where none before it saw anything."""
        count, nothing = _BLANK[kind]
        drawn = np.full((count, SIDE, SIDE), nothing)
        for result in results:
            stamp, part = self.stamp(result, kind), tile.part(result.bbox or _NOWHERE)
            if all(stamp) and all(part.shape) and (result.id, kind, stamp) not in self._troubles:
                with self._noting(result, kind, stamp):
                    found = self._read(result, tile, part, kind)
                there = drawn[:, *part.slices]
                empty = np.isnan(there[0]) if kind is Kind.TRUE_COLOUR else (there == NOT_OBSERVED).all(axis=0)
                there[:, empty] = found[:, empty]
        return drawn

    def _read(self, result: Result, tile: Tile, part: Window, kind: Kind) -> NDArray[Any]:
        if kind is Kind.TRUE_COLOUR:
            return read_light(self.scenes.bands(result), tile, part)
        return read_classes(result.masks if kind is Kind.MASK else result.probabilities, tile, part)

    def _keep(
        self, results: Sequence[Result], tile: Tile, kind: Kind, draw: Callable[[], NDArray[Any]]
    ) -> NDArray[Any]:
        what = tuple((each.id, self.stamp(each, kind), self.trouble(each, kind)) for each in results)
        return self._kept[kind].get((tile, what), draw)

    @contextmanager
    def _noting(self, result: Result, kind: Kind, stamp: Stamp) -> Iterator[None]:
        """Note what goes wrong, so that the next try leaves it out."""
        try:
            yield
        except SourceError as error:
            self._troubles[result.id, kind, stamp] = str(error)
            raise


def _changed(path: Path | str) -> int:
    """Return when a file was changed; 1 of one elsewhere, which is taken to stay as it is; 0 where there is none."""
    if isinstance(path, str) and not is_local(path):
        return 1
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - a path of either kind
    except OSError:
        return 0
