"""Where the shadow of a cloud can fall: clouds are moved along the sun's beam until they meet what is dark.

Fmask (Zhu & Woodcock 2012) does so for each cloud as a whole, up to 12 km high. Here each block of cloud is
matched together with the cloud within some kilometre, and no farther than the context of a window reaches, so
that the result does not depend on how a scene is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from hlsmask.inference.spectral.blocks import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.sun import Sun

LOWEST: Final = 200.0  # metres; Zhu & Woodcock 2012: clouds are 200 m ...
HIGHEST: Final = 12_000.0  # ... to 12 km up
FARTHEST: Final = 32  # blocks, 3.8 km, from a cloud to its shadow: what a window's context of 64 allows
TOGETHER: Final = 13  # blocks on a side of the square of cloud that is matched together: 1.6 km
SIMILAR: Final = np.float32(0.3)  # Zhu & Woodcock 2012: the least similarity of a cloud's shadow
NEARLY: Final = np.float32(0.8)  # ours: heights that match nearly as well as the best count too
ENOUGH: Final = np.float32(2.5 / TOGETHER**2)  # ours: blocks that must see the ground to be matched
NEAR: Final = 12  # blocks, 1.4 km, from a cloud to its shadow where the sun is not known


def reach(cloud: NDArray[np.bool_], dark: NDArray[np.float32], sun: Sun | None, pixel: float) -> NDArray[np.bool_]:
    """Return which blocks the shadow of a cloud reaches.

    Parameters
    ----------
    cloud
        Shape (rows, columns) of blocks: True where there is cloud.
    dark
        The same shape: how much of a block is dark enough for shadow, 0 to 1.
    sun
        Where the sun stood, or None: then all that is near, to the west of a cloud, is reached. (Landsat and
        Sentinel-2 pass at mid-morning: the sun is in the east.)
    pixel
        Side of a pixel in metres.

    """
    if sun is None:
        size = (2 * NEAR + 1, NEAR + 1)
        near: NDArray[np.bool_] = ndimage.maximum_filter(cloud, size, origin=(0, -(NEAR // 2)), mode="constant")
        return near
    reached = np.zeros_like(cloud)
    if not cloud.any():
        return reached
    moves = _moves(sun, pixel)
    similarity = np.stack([_similarity(cloud, dark, move) for move in moves])
    limit = np.maximum(similarity.max(axis=0) * NEARLY, SIMILAR)
    for move, similar in zip(moves, similarity, strict=True):
        _or_moved(reached, cloud & (similar >= limit), *move)
    spread: NDArray[np.bool_] = ndimage.maximum_filter(reached, 3, mode="constant")
    return spread


def _moves(sun: Sun, pixel: float) -> list[tuple[int, int]]:
    """Return by how many blocks (south, east) shadows lie from clouds, from the lowest cloud to the highest."""
    south, east = (step / (pixel * BLOCK) for step in sun.shadow_step(1.0))
    longest = max(abs(south), abs(east), 1e-9)
    top = min(HIGHEST, FARTHEST / longest)
    steps = max(1, round((top - LOWEST) * longest))
    heights = np.linspace(min(LOWEST, top), top, steps + 1)
    return list(dict.fromkeys((round(south * height), round(east * height)) for height in heights))


def _similarity(cloud: NDArray[np.bool_], dark: NDArray[np.float32], move: tuple[int, int]) -> NDArray[np.float32]:
    """Return for each block which share of the cloud around, moved and over clear ground, lies on what is dark."""
    back = (-move[0], -move[1])
    ground = np.zeros_like(dark)
    match = np.zeros_like(dark)
    into, source = _overlap(cloud.shape, *back)
    ground[into] = cloud[into] & ~cloud[source]
    match[into] = ground[into] * dark[source]
    for axis in (0, 1):
        ground = ndimage.uniform_filter1d(ground, TOGETHER, axis=axis, mode="constant", output=np.float64)
        match = ndimage.uniform_filter1d(match, TOGETHER, axis=axis, mode="constant", output=np.float64)
    share: NDArray[np.float32] = np.where(ground > ENOUGH, match / np.maximum(ground, ENOUGH), 0).astype(np.float32)
    return share


def _or_moved(into: NDArray[np.bool_], mask: NDArray[np.bool_], south: int, east: int) -> None:
    """Set `into` (h, w) where `mask`, moved by `south` rows and `east` columns, is True."""
    to, source = _overlap(into.shape, south, east)
    into[to] |= mask[source]


def _overlap(shape: tuple[int, ...], south: int, east: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the index of what is hit, and of what hits it, when (h, w) is moved by (south, east)."""
    height, width = shape
    rows = slice(max(0, south), max(0, height + min(0, south)))
    cols = slice(max(0, east), max(0, width + min(0, east)))
    from_rows = slice(max(0, -south), max(0, height + min(0, -south)))
    from_cols = slice(max(0, -east), max(0, width + min(0, -east)))
    return (rows, cols), (from_rows, from_cols)
