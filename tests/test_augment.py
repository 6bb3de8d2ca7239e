"""What augmentation does to a sample, judged by numpy's own turns and by plain matrices."""

from collections import Counter

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from hlsmask.errors import UsageError
from hlsmask.samples import Augmentation
from hlsmask.samples.augment import TURNS, UNCHANGED, Turn, distort, mix


def draws(augmentation, count=400):
    return [augmentation.draw(np.random.default_rng(seed)) for seed in range(count)]


def some_bands(side=16):
    return np.random.default_rng(0).random((6, side, side), np.float32)


# ---------------------------------------------------------------- turns


def test_the_turns_are_the_eight_of_a_square():
    square = np.arange(12).reshape(1, 3, 4)[..., :3]
    ours = {turn(square).tobytes() for turn in TURNS}
    numpys = {
        np.rot90(flipped, quarter, axes=(1, 2)).tobytes()
        for quarter in range(4)
        for flipped in (square, square[..., ::-1])
    }
    assert ours == numpys
    assert len(ours) == 8


def test_a_turn_copies_nothing():
    square = some_bands()
    assert all(np.shares_memory(turn(square), square) for turn in TURNS)


@given(st.sampled_from(TURNS), st.integers(1, 30), st.data())
def test_the_corner_is_what_a_turned_square_has_upper_left(turn, side, data):
    size = data.draw(st.integers(1, side))
    square = np.arange(side * side).reshape(side, side)
    row, col = turn.corner(size, side)
    cut = turn(square[row : row + size, col : col + size])
    np.testing.assert_array_equal(cut, turn(square)[:size, :size])


@pytest.mark.parametrize(("turns", "wanted"), [("all", set(TURNS)), ("flips", set(TURNS[:4])), ("none", {Turn()})])
def test_all_turns_asked_for_come_equally_often(turns, wanted):
    counted = Counter(drawn.turn for drawn in draws(Augmentation(turns=turns)))
    assert set(counted) == wanted
    assert min(counted.values()) > 400 / len(wanted) / 2


# ---------------------------------------------------------------- gain, mixing, noise


def test_by_default_samples_are_turned_alone():
    bands = some_bands()
    for drawn in draws(Augmentation(), 20):
        assert (drawn.gains == 1).all()
        np.testing.assert_array_equal(distort(bands.copy(), drawn, np.random.default_rng()), bands)


def test_gains_fill_their_range_a_band_each():
    gains = np.array([drawn.gains for drawn in draws(Augmentation(gain=0.15))])
    assert gains.shape == (400, 6)
    assert (np.abs(gains.min(axis=0) - 0.85) < 0.01).all()
    assert (np.abs(gains.max(axis=0) - 1.15) < 0.01).all()
    assert np.abs(np.corrcoef(gains.T) - np.eye(6)).max() < 0.2, "each band has a gain of its own"


def test_mixing_is_the_unit_matrix_convolved_with_three_shares():
    shares = np.array([0.2, 1.1, 0.05], np.float32)
    matrix = scipy.ndimage.correlate1d(np.eye(6), shares.astype(float), axis=0, mode="constant")
    bands = some_bands()
    mixed = mix(bands, shares)
    np.testing.assert_allclose(mixed, np.tensordot(matrix, bands, axes=1), rtol=1e-6)
    sums = mix(np.ones((6, 1, 1), np.float32), shares).ravel()
    np.testing.assert_allclose(sums, [1.15, *[1.35] * 4, 1.3], rtol=1e-6)


def test_the_published_draws_lie_where_they_are_published():
    drawn = draws(Augmentation.published())
    mixing = np.array([each.mixing for each in drawn]) - (0, 1, 0)
    noise = np.array([each.noise for each in drawn])
    assert mixing.min() >= 0
    assert (mixing.max(axis=0) < 0.25).all()
    assert (mixing.max(axis=0) > 0.24).all()
    assert 0 <= noise.min() < 0.002
    assert 0.038 < noise.max() < 0.04
    assert not any(each.turn.transposed for each in drawn), "flips alone"


def test_noise_has_the_deviation_that_was_drawn():
    drawn = UNCHANGED._replace(noise=0.03)
    noise = distort(np.zeros((6, 200, 200), np.float32), drawn, np.random.default_rng(1))
    assert noise.dtype == np.float32
    assert abs(noise.std() - 0.03) < 0.0002
    assert abs(noise.mean()) < 0.0003


def test_one_option_does_not_change_what_is_drawn_for_another():
    plain, rich = (a.draw(np.random.default_rng(5)) for a in (Augmentation(gain=0.1), Augmentation.published()))
    assert rich.turn[1:] == plain.turn[1:]
    np.testing.assert_allclose(rich.mixing, Augmentation(mixing=0.25, noise=1.0).draw(np.random.default_rng(5)).mixing)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"turns": "twice"}, "flips"),
        ({"gain": 1.0}, "gain"),
        ({"mixing": -0.1}, "mixing"),
        ({"noise": np.nan}, "noise"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, word):
    with pytest.raises(UsageError, match=word):
        Augmentation(**options)
