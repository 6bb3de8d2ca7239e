"""What people lay out: fields of different crops, streets and roofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlsmask.testing.fields import noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.testing.fields import Field

    Numbers = NDArray[np.int64]


def draw(table: NDArray[np.float32], *keys: Numbers) -> Field:
    """Return a random number of `table` for every combination of `keys`, the same for the same combination."""
    mixed = np.zeros_like(keys[0])
    for key, factor in zip(keys, (73856093, 19349663, 83492791), strict=False):
        mixed ^= key * factor
    mixed ^= mixed >> 13
    return np.asarray(table[(mixed * 1540483477 >> 7) & (table.size - 1)])


def parcels(shape: tuple[int, int], rng: np.random.Generator, size: float) -> tuple[Field, Field, Field]:
    """Lay out fields about `size` pixels across.

    Returns
    -------
    tuple
        Two random numbers of the field that each pixel lies in (0 to 1), and how close its edge is (0 inside, 1 on
        the boundary); float32 of shape `shape`.
    """
    table = rng.random(1 << 16, dtype=np.float32)
    warp = noise(shape, rng, 3.4, longest=40 * size + 200, shortest=24)
    first, second, rim = (np.empty(shape, np.float32) for _ in range(3))
    turns = rng.uniform(0, np.pi / 2, 3)
    squares = rng.random() < 0.4  # noqa: PLR2004 - a share
    region = noise(shape, rng, 3.0, longest=90 * size, shortest=24)
    for start in range(0, shape[0], 256):
        part = slice(start, start + 256)
        rows, cols = np.mgrid[start : start + warp[part].shape[0], 0 : shape[1]].astype(np.float32)
        which = np.digitize(region[part], (-0.45, 0.5))
        turn = turns[which].astype(np.float32)
        if squares:
            turn = np.full_like(turn, 0.06)
        bend = warp[part] * np.float32(0.0 if squares else 1.4 * size)
        u = (cols * np.cos(turn) + rows * np.sin(turn) + bend) / np.float32(1.7 * size)
        v = (rows * np.cos(turn) - cols * np.sin(turn) + 0.6 * bend) / np.float32(size)
        i = np.floor(u).astype(np.int64)
        v = v + 7 * draw(table, i, which)
        v = v * (0.6 + 0.9 * draw(table, i, which + 9))
        j = np.floor(v).astype(np.int64)
        narrow = draw(table, i, j, which) < 0.45  # noqa: PLR2004 - a share
        u2 = u * (1 + 2 * narrow)
        i2 = np.floor(u2).astype(np.int64)
        first[part] = draw(table, i2 + 1009, j, which)
        second[part] = draw(table, i2 + 5003, j + 77, which)
        across = np.minimum(u2 - i2, i2 + 1 - u2) * 1.7 * size / (1 + 2 * narrow)
        edge = np.minimum(across, np.minimum(v - j, j + 1 - v) * size)
        rim[part] = np.clip(1.0 - edge, 0, 1)
    return first, second, rim


def streets(shape: tuple[int, int], rng: np.random.Generator) -> tuple[Field, Field]:
    """Return a town's streets (0 to 1) and a random number for each roof (0 to 1), float32 of shape `shape`."""
    table = rng.random(1 << 16, dtype=np.float32)
    turn = rng.uniform(0, np.pi / 2)
    road, roof = np.empty(shape, np.float32), np.empty(shape, np.float32)
    bend = noise(shape, rng, 3.4, longest=300, shortest=24)
    for start in range(0, shape[0], 256):
        part = slice(start, start + 256)
        rows, cols = np.mgrid[start : start + bend[part].shape[0], 0 : shape[1]].astype(np.float32)
        u = cols * np.float32(np.cos(turn)) + rows * np.float32(np.sin(turn)) + 3 * bend[part]
        v = rows * np.float32(np.cos(turn)) - cols * np.float32(np.sin(turn)) - 2 * bend[part]
        block = np.minimum(np.abs((u + 3) % 6.3 - 3.1), np.abs((v + 3) % 8.7 - 4.3))
        main = np.minimum(np.abs(u % 41 - 20), np.abs(v % 53 - 26))
        road[part] = np.maximum(0.55 * np.clip(0.9 - block, 0, 1), np.clip(1.3 - main, 0, 1))
        i, j = np.floor(u / 1.6).astype(np.int64), np.floor(v / 1.6).astype(np.int64)
        roof[part] = draw(table, i, j)
    return road, roof
