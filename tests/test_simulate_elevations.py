"""Relief that is cut from real elevations, and files that hold none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
import torch
from rasterio.transform import from_origin

from clear_ground import STILL, ground
from hlsmask.errors import UsageError
from hlsmask.samples.simulate import Simulator
from hlsmask.samples.simulate.dice import Dice
from hlsmask.samples.simulate.elevations import Elevations, open_elevations
from hlsmask.samples.simulate.ground import Relief

CPU = torch.device("cpu")


def told_apart(rows, cols):
    """Return ground whose every pixel tells its row and column: a step down is 1000 m, one to the right is 1 m."""
    return 1000 * np.arange(rows, dtype=np.float32)[:, None] + np.arange(cols, dtype=np.float32)


def cut_from(pieces, shape, count=200):
    dice = Dice([(5, number) for number in range(count)])
    dice.turn("elevations")
    return Elevations(torch.from_numpy(pieces)).cut(dice, np.arange(count), shape).numpy()


@pytest.mark.parametrize("shape", [(20, 20), (24, 17), (100, 60)])
def test_windows_are_pieces_of_the_ground_turned_every_way(shape):
    windows = cut_from(np.stack([told_apart(32, 40), told_apart(32, 40) * 3]), shape)
    assert (windows.min((1, 2)) == 0).all()
    ways, pieces = set(), set()
    for window in windows:
        down, right = np.diff(window[:, 0]), np.diff(window[0])
        assert (window == window[:1] + window[:, :1] - window[0, 0]).all()  # of one piece, all of it
        across = set(np.abs(right)) <= {0, 1000, 3000}
        rise = 3 if 3000 in np.abs([*down, *right]) else 1
        steps = {0: down, 1: right}[int(across)]  # those of 1000 m: at a mirror's line none
        assert set(np.abs(steps)) <= {0, 1000 * rise}
        assert set(np.abs(down if across else right)) <= {0, rise}
        ways.add((across, down[0] > 0, right[0] > 0))
        pieces.add(rise)
    assert pieces == {1, 3}
    assert len(ways) == 8 or max(shape) > 32  # where ground goes to and fro, the first step may be none


def test_a_window_as_large_as_the_ground_is_the_ground():
    piece = told_apart(16, 16)
    whole = sorted(piece.ravel())
    assert all(sorted(window.ravel()) == whole for window in cut_from(piece[None], (16, 16), 20))


def hills(tmp_path, *, share=1.0, real=1.0, factor=(2.0, 2.0)):
    metres = 200 * np.random.default_rng(1).random((3, 40, 48)).astype(np.float32)
    np.save(tmp_path / "hills.npy", metres)
    relief = Relief(share=share, dem=str(tmp_path / "hills.npy"), real=real, exaggeration=factor)
    return metres, replace(STILL, relief=relief)


def test_heights_are_those_of_the_file_exaggerated(tmp_path):
    metres, simulation = hills(tmp_path)
    bands, labels = ground(6, 32, water=0)
    _, known, parts = Simulator(simulation).render(bands, labels, seed=1)
    assert list(parts.shading.rows) == list(range(6))
    steps = np.concatenate([np.diff(metres, axis=axis).ravel() for axis in (1, 2)])
    for window in parts.shading.elevation.numpy():
        made = np.diff(window, axis=0).ravel() / 2
        assert np.abs(np.abs(made)[:, None] - np.abs(steps)[None]).min(1).max() < 1e-3
    assert (known[:, 4] == 1).any()


def test_windows_without_it_are_as_if_there_were_no_file(tmp_path):
    _, simulation = hills(tmp_path, real=0.5)
    bands, labels = ground(12, 64)
    mixed, _, parts = Simulator(simulation).render(bands, labels, seed=2)
    drawn, _, fields = Simulator(replace(simulation, relief=replace(simulation.relief, dem=""))).render(
        bands, labels, seed=2
    )
    same = (parts.shading.elevation == fields.shading.elevation).flatten(1).all(1)
    assert 2 <= int(same.sum()) <= 10
    assert torch.equal(mixed[same], drawn[same])


def test_relief_is_level_over_water_there_too(tmp_path):
    _, simulation = hills(tmp_path)
    bands, labels = ground(4)
    _, _, parts = Simulator(simulation).render(bands, labels, seed=3)
    assert (parts.shading.elevation[labels[:, 0] == 1] == 0).all()


def test_a_window_is_the_same_in_any_batch(tmp_path):
    _, simulation = hills(tmp_path, share=0.7, real=0.5)
    simulator = Simulator(simulation)
    bands, labels = ground(8, 64)
    seeds = [(4, number) for number in range(8)]
    whole = simulator(bands, labels, seed=seeds)
    for part in (slice(0, 3), slice(3, 8), slice(6, 7)):
        alone = simulator(bands[part], labels[part], seed=seeds[part])
        assert torch.allclose(alone[0], whole[0][part], atol=1e-6, equal_nan=True)
        assert torch.equal(alone[1], whole[1][part])


def write_dem(path, metres, pixel=30.0, **profile):
    count, rows, cols = metres.shape
    place = {"transform": from_origin(500_000, 4_000_000, pixel, pixel), "crs": "EPSG:32613"}
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=cols, count=count, dtype=metres.dtype, **(place | profile)
    ) as file:
        file.write(metres)
    return str(path)


def test_a_raster_is_read_and_what_it_lacks_is_low(tmp_path):
    metres = np.random.default_rng(2).integers(100, 900, (2, 20, 30)).astype(np.int16)
    metres[1, 3:6] = -32768
    path = write_dem(tmp_path / "dem.tif", metres, nodata=-32768)
    read = open_elevations(path, 30.0, CPU).metres.numpy()
    assert read.dtype == np.float32
    assert (read[0] == metres[0]).all()
    assert (read[1, 3:6] == metres[1][metres[1] > 0].min()).all()
    degrees = {"crs": "EPSG:4326", "transform": from_origin(11, 48, 1 / 3600, 1 / 3600)}
    assert len(open_elevations(write_dem(tmp_path / "arc.tif", metres, **degrees), 30.0, CPU)) == 2


def test_an_array_of_one_piece_is_read(tmp_path):
    np.save(tmp_path / "one.npy", np.full((16, 20), 7, np.uint8))
    assert open_elevations(str(tmp_path / "one.npy"), 30.0, CPU).metres.shape == (1, 16, 20)


def saved(array):
    return lambda path: np.save(path, array, allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("none.npy", lambda _: None, "cannot be read as elevations"),
        ("none.tif", lambda _: None, "cannot be read as elevations"),
        ("text.npy", lambda path: path.write_text("hello"), "cannot be read as elevations"),
        ("text.tif", lambda path: path.write_text("hello"), "cannot be read as elevations"),
        ("empty.npy", lambda path: path.touch(), "cannot be read as elevations"),
        ("objects.npy", saved(np.array([{}])), "cannot be read as elevations"),
        ("line.npy", saved(np.zeros(40)), r"of shape \(40,\), no elevations"),
        ("words.npy", saved(np.full((20, 20), "a")), "no elevations"),
        ("small.npy", saved(np.zeros((3, 15, 40))), "16 rows and columns or more"),
        ("no.npy", saved(np.zeros((0, 20, 20))), "no elevations"),
        ("nan.npy", saved(np.stack([np.zeros((20, 20)), np.full((20, 20), np.nan)])), "piece 2 of 2 is empty"),
        ("coarse.tif", lambda path: write_dem(path, np.zeros((1, 20, 20), np.float32), 90.0), "has pixels of 90 m"),
    ],
)
def test_what_holds_no_elevations_is_refused(tmp_path, name, write, said):
    write(tmp_path / name)
    relief = Relief(dem=str(tmp_path / name))
    with pytest.raises(UsageError, match=said):
        Simulator(replace(STILL, relief=relief))
    Simulator(replace(STILL, relief=replace(relief, real=0.0)))  # it is not asked for
