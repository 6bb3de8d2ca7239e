"""One scene, one engine, one set of options: what the Python door and the products both start from."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from hlsmask.errors import EmptySceneError
from hlsmask.granules.elevation import Elevation
from hlsmask.inference.choose import choose
from hlsmask.inference.decide import decide
from hlsmask.inference.options import MOST_BUFFER
from hlsmask.inference.stream import stream, tiling_for
from hlsmask.inference.swaths import WIDEST, swaths
from hlsmask.masks import Mask
from hlsmask.raster import pixel_metres
from hlsmask.windows import round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from hlsmask.granules.scene import Scene
    from hlsmask.inference.decide import Decided
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Options
    from hlsmask.inference.swaths import Swath
    from hlsmask.windows import Window

_HLS_PIXEL = 30.0


def open_engine(options: Options) -> Engine:
    """Return the engine that `options` name.

    Raises
    ------
    ModelError
        If the weights cannot be used.
    UsageError
        If engine and model do not go together, or windows do not fit the model.
    """
    engine = choose(options)
    huge = (1 << 20, 1 << 20)  # larger than any window: does the tiling work out?
    tiling_for(huge, engine.card, blends=engine.blends, window=options.window, overlap=options.overlap)
    return engine


class Masking:
    """A scene being masked; a context that closes what it opened."""

    widest = WIDEST
    """Columns that are masked in one go."""

    def __init__(self, scene: Scene, engine: Engine, options: Options) -> None:
        """Fit `engine` to `scene` as `options` say. The scene is closed with this.

        Raises
        ------
        SourceError
            If the DEM does not fit the scene.
        UsageError
            If windows or masks do not fit the model.
        """
        self.scene = scene
        self.options = options
        self._closing = ExitStack()
        self._closing.callback(scene.close)
        try:
            self._ground = None
            if options.dem is not None:
                self._ground = Elevation(options.dem, scene.geobox)
                self._closing.callback(self._ground.close)
            sun = scene.origin.sun
            self.engine = engine.for_scene(
                sun if sun is None else sun.on_grid(scene.geobox.transform),
                elevation=self._ground is not None,
                pixel=pixel_metres(scene.geobox) or _HLS_PIXEL,
            )
            self.thresholds = options.thresholds(self.engine.card)
        except BaseException:
            self._closing.close()
            raise

    @property
    def unknown(self) -> dict[Mask, str]:
        """The masks that will be 255 throughout although they were asked for, and why."""
        reasons = {}
        for mask in self.options.asked():
            if mask not in self.engine.card.masks:
                reasons[mask] = f"{self.engine.card.name} does not give it"
        if self.engine.card.name == "spectral" and Mask.TERRAIN_SHADOW in self.options.asked():
            if self._ground is None:
                reasons[Mask.TERRAIN_SHADOW] = "it needs the ground's elevation, and no DEM was named (--dem)"
            elif self.scene.origin.sun is None:
                reasons[Mask.TERRAIN_SHADOW] = "it needs the sun's place, and the scene does not tell it (SZA, SAA)"
        return reasons

    def rows(
        self,
        on_read: Callable[[Window, NDArray[np.float32]], None] | None = None,
        on_cell: Callable[[Window, NDArray[np.float32]], None] | None = None,
    ) -> Iterator[Decided]:
        """Yield finished rows of masks, see `decide`; of very wide scenes swath by swath.

        `on_read` sees the reflectance (6, row, column) and `on_cell` the probabilities (masks, row, column) of
        every window as they pass, each pixel once.

        Raises
        ------
        EmptySceneError
            At the end, if not one pixel was observed.
        """
        any_observed = False
        card = self.engine.card
        margin = round_up(card.overlap + card.reach + MOST_BUFFER, card.multiple)
        for swath in swaths(self.scene, margin, self.widest):
            shape = swath.reach.shape
            cells = self._cells(swath, _seen_by(on_read, swath), _seen_by(on_cell, swath))
            decided = decide(
                cells, shape, card.masks, self.thresholds, hysteresis=card.hysteresis, buffer=self.options.buffer
            )
            for rows in decided:
                kept, index = swath.kept(rows.window)
                if kept.width:
                    any_observed = any_observed or bool(rows.observed[index].any())
                    yield rows.part(kept, index)
        if not any_observed:
            raise EmptySceneError(
                f"{self.scene.origin.id} holds no pixel that was observed: all of it is fill, NaN or zero"
            )

    def _cells(
        self,
        swath: Swath,
        on_read: Callable[[Window, NDArray[np.float32]], None] | None,
        on_cell: Callable[[Window, NDArray[np.float32]], None] | None,
    ) -> Iterator[tuple[Window, NDArray[np.float32]]]:
        """Yield finished cells of a swath and their probabilities, see `stream`."""
        ground, options = self._ground, self.options
        for window, probabilities in stream(
            swath,
            self.engine,
            window=options.window,
            overlap=options.overlap,
            elevation=None if ground is None else lambda window: ground.read(swath.placed(window)),
            workers=options.workers,
            on_read=on_read,
        ):
            if on_cell is not None:
                on_cell(window, probabilities)
            yield window, probabilities

    def close(self) -> None:
        """Close the scene and the DEM."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _seen_by(
    watcher: Callable[[Window, NDArray[np.float32]], None] | None, swath: Swath
) -> Callable[[Window, NDArray[np.float32]], None] | None:
    """Return `watcher` as it is to be called for windows of a swath: with what is kept of them, where that lies."""
    if watcher is None:
        return None

    def watch(window: Window, layers: NDArray[np.float32]) -> None:
        kept, index = swath.kept(window)
        if kept.width:
            watcher(kept, layers[:, *index])

    return watch
