"""A scene becomes probabilities, window by window: read ahead, compute, blend, give what is finished."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsmask.errors import UsageError
from hlsmask.inference.blend import Blend
from hlsmask.inference.decide import ROWS
from hlsmask.windows import Tiling, round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from hlsmask.card import Card
    from hlsmask.granules.scene import Scene
    from hlsmask.inference.engine import Engine
    from hlsmask.windows import Tile, Window


_LEAST_STEP = 256
"""Pixels by which windows advance at least, however much they overlap."""


_WIDE = 8192
"""Rows of masks are held until they fill the blocks of the files, which takes memory where a scene is wide. In scenes
of more columns than this, cells are as high as a block, or a quarter more than windows share where that is more, so
that little is left over: masks are the same."""


_LOWER = 8
"""Where nobody says how large windows of a network are to be, they are lower than wide by one part in so many: those of
a granule are six rows in place of five, which take less memory, and a little more time."""


def tiling_for(
    shape: tuple[int, int], card: Card, *, blends: bool, window: int | None = None, overlap: int | None = None
) -> Tiling:
    """Return how a scene of `shape` is cut for an engine with `card`.

    `window` and `overlap` are rounded up so that every window begins at a multiple of `card.multiple`. Half of
    the overlap is blended where the engine `blends`. Else all of it is context, and both are raised to what the
    engine must see, so that its masks do not depend on them; windows are then of one shape, for which engines prepare
    themselves, and no larger than so many must be.

    Raises
    ------
    UsageError
        If they do not fit the card, or each other.
    """
    unit = card.multiple
    size = round_up(window or card.size, unit)
    if blends:
        share = round_up(min(card.overlap, size // 2) if overlap is None else overlap, 4 * unit)
    else:
        share = round_up(max(card.overlap, overlap or 0), 4 * unit)
        if window is None and shape[1] > _WIDE and not card.fixed:
            size = min(size, share + max(ROWS, round_up(share + share // 4, unit)))
        size = max(size, share + round_up(_LEAST_STEP, unit))
    ramp = share // 2 if blends else 0
    lower = 0
    if card.seamless and window is None and shape[1] <= _WIDE and not card.fixed:
        lower = min(size // _LOWER // unit * unit, size - share - round_up(_LEAST_STEP, unit))
    if card.fixed and size != card.size:
        raise UsageError(f"--window is {window}; {card.name} takes windows of {card.size} alone")
    if share >= size or ramp > size - share:
        raise UsageError(
            f"--overlap {overlap or share} does not fit --window {window or size} "
            f"(rounded up to {share} and {size}); use a larger window or a smaller overlap"
        )
    return Tiling(shape, size, share, ramp, None if blends or card.fixed else unit, lower)


def stream(
    scene: Scene,
    engine: Engine,
    *,
    window: int | None = None,
    overlap: int | None = None,
    elevation: Callable[[Window], NDArray[np.float32]] | None = None,
    workers: int | None = None,
    on_read: Callable[[Window, NDArray[np.float32]], None] | None = None,
) -> Iterator[tuple[Window, NDArray[np.float32]]]:
    """Yield finished cells of a scene, row by row of cells: where they are and the probabilities there.

    Probabilities are float32 (masks, row, column) in the order of `engine.card.masks`, 0 to 1, NaN where not
    observed or not known. Every pixel comes exactly once. Memory is bounded by a few windows, whatever the
    scene's size. `elevation` gives metres (row, column) for a window. `on_read` is called with each cell and its
    reflectance (6, row, column): in the threads that read, one call at a time, in any order.

    Raises
    ------
    SourceError
        If the scene cannot be read.
    """
    card = engine.card
    shape = (int(scene.geobox.height), int(scene.geobox.width))
    tiling = tiling_for(shape, card, blends=engine.blends, window=window, overlap=overlap)
    blend = Blend(tiling, len(card.masks))
    threads = workers or os.cpu_count() or 1
    looking = Lock()

    def read(tile: Tile) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        raster = scene.read(tile.read)
        if on_read is not None:
            with looking:
                on_read(tile.keep, raster.data[:, *tile.keep.within(tile.read)])
        if card.elevation and elevation is not None:
            return np.concatenate([raster.data, elevation(tile.read)[None]]), raster.valid
        return raster.data, raster.valid

    def run(tile: Tile, planes: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        height, width = valid.shape
        # Where nothing is blended the margins have done their work then: they are let go of.
        kept = (slice(height), slice(width)) if tiling.ramp else tile.keep.within(tile.read)
        if not valid.any():  # half of many a granule
            return np.full((len(card.masks), *valid[kept].shape), np.nan, np.float32)
        probabilities = engine(_filled_up(planes, card)[None], kept, overwrite=True)[0]
        return _blanked(probabilities, valid[kept])

    def both(tile: Tile) -> NDArray[np.float32]:
        return run(tile, *read(tile))

    # Engines that threads may share run in the readers' threads; others here, on all cores, while those read.
    with ThreadPoolExecutor(threads, thread_name_prefix="hlsmask") as pool:
        ahead: deque[Future[Any]] = deque()
        try:
            for number, tile in enumerate(tiling):
                while len(ahead) < threads and number + len(ahead) < len(tiling):
                    ahead.append(pool.submit(both if engine.parallel else read, tiling[number + len(ahead)]))
                done = ahead.popleft().result()
                probabilities = done if engine.parallel else run(tile, *done)
                yield blend.feed(tile, probabilities)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _filled_up(planes: NDArray[np.float32], card: Card) -> NDArray[np.float32]:
    """Return a window (band, row, column) of a size that the network takes, NaN below and to the right of it."""
    height, width = planes.shape[1:]
    unit = card.multiple
    rows, cols = (card.size, card.size) if card.fixed else (round_up(height, unit), round_up(width, unit))
    if (rows, cols) == (height, width):
        return planes
    return np.pad(planes, ((0, 0), (0, rows - height), (0, cols - width)), constant_values=np.float32(np.nan))


def _blanked(probabilities: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return probabilities (masks, row, column), NaN in place where nothing was observed."""
    if not valid.all():
        np.copyto(probabilities, np.float32(np.nan), where=~valid)
    return probabilities
