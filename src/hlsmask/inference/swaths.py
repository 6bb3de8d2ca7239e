"""Very wide scenes are masked swath by swath, so that memory does not grow with their width either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odc.geo.geobox import GeoBox

    from hlsmask.granules.scene import Origin, Scene
    from hlsmask.raster import Raster

WIDEST: Final = 16_384
"""Columns of a swath: a mosaic of four granules side by side is still one."""


@dataclass(frozen=True, slots=True)
class Swath:
    """All rows of some columns of a scene: a scene of their own."""

    scene: Scene
    """The whole scene."""

    reach: Window
    """The swath's place in the scene, margins included."""

    keep: Window
    """What is kept of it, in the scene."""

    @property
    def origin(self) -> Origin:
        """Where the whole scene comes from."""
        return self.scene.origin

    @property
    def geobox(self) -> GeoBox:
        """Where the swath lies."""
        return self.scene.geobox[self.reach.slices]

    def read(self, window: Window) -> Raster:
        """Return the reflectance of a window of the swath."""
        return self.scene.read(self.placed(window))

    def placed(self, window: Window) -> Window:
        """Return where a window of the swath lies in the scene."""
        return Window(window.row + self.reach.row, window.col + self.reach.col, window.height, window.width)

    def kept(self, window: Window) -> tuple[Window, tuple[slice, slice]]:
        """Return what is kept of a window of the swath: its place in the scene, and its index in the window."""
        placed = self.placed(window)
        kept = placed & self.keep
        if not kept.width:
            return kept, (slice(0), slice(0))
        return kept, kept.within(placed)

    def close(self) -> None:
        """Do nothing: the whole scene stays open."""


def swaths(scene: Scene, margin: int, widest: int = WIDEST) -> Iterator[Swath]:
    """Yield the swaths of a scene: at most `widest` columns that are kept, and `margin` more on either side."""
    whole = Window.of((int(scene.geobox.height), int(scene.geobox.width)))
    for col in range(0, whole.width, widest):
        keep = Window(0, col, whole.height, widest) & whole
        yield Swath(scene, Window(0, col - margin, whole.height, keep.width + 2 * margin) & whole, keep)
