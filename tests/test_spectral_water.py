"""The DSWx test, held against a second writing of it: divisions in float64, and the table as it is published."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hlsmask.inference.spectral import DIAG, Spectral, diagnostic, wtr1
from hlsmask.masks import Mask

PUBLISHED = {
    0: "00000 00001 00010 00100 01000",
    1: "01111 10111 11011 11101 11110 11111",
    2: "00111 01011 01101 01110 10011 10101 10110 11001 11010 11100",
    3: "11000",
    4: "00011 00101 00110 01001 01010 01100 10000 10001 10010 10100",
}


def reference(integers):
    """Tests 1 to 5 of DSWx-HLS, as formats.md quotes PROTEUS, in float64."""
    b, g, r, n, s1, s2 = np.clip(integers.astype(np.float64), 1, None)
    mndwi, ndvi = (g - s1) / (g + s1), (n - r) / (n + r)
    mbsrv, mbsrn = g + r, n + s1
    awesh = b + 2.5 * g - 1.5 * mbsrn - 0.25 * s2
    return (
        (mndwi > 0.124) * 1
        + (mbsrv > mbsrn) * 2
        + (awesh > 0.0) * 4
        + ((mndwi > -0.44) & (s1 < 900) & (n < 1500) & (ndvi < 0.7)) * 8
        + ((mndwi > -0.5) & (b < 1000) & (s1 < 3000) & (s2 < 1000) & (n < 2500)) * 16
    )


def reflectance(integers):
    return (integers.astype(np.float64) * 0.0001).astype(np.float32)


@given(arrays(np.int16, (6, 4, 8), elements=st.integers(-3000, 4000) | st.integers(-9998, 20_000)))
def test_every_integer_passes_the_tests_that_it_passes_in_dswx(integers):
    np.testing.assert_array_equal(diagnostic(reflectance(integers)), reference(integers))


@given(st.integers(1, 16), st.sampled_from([(281, 219), (7, 18), (1, 3)]), st.integers(-2, 2), st.integers(1, 6000))
@example(4, (281, 219), 0, 500)  # MNDWI is exactly 0.124: not above it
@example(20, (7, 18), 0, 500)  # exactly -0.44
@example(100, (1, 3), 0, 500)  # exactly -0.5
def test_ratios_on_the_threshold_fall_on_the_right_side(times, ratio, off, nir):
    green, swir1 = ratio[0] * times + off, ratio[1] * times
    integers = np.array([300, green, 400, nir, swir1, 200], np.int16).reshape(6, 1, 1)
    np.testing.assert_array_equal(diagnostic(reflectance(integers)), reference(integers))


@given(st.integers(1, 1100), st.integers(-1, 1))
def test_ndvi_on_the_threshold_falls_on_the_right_side(times, off):
    integers = np.array([300, 500, 3 * times, 17 * times + off, 800, 200], np.int16).reshape(6, 1, 1)
    np.testing.assert_array_equal(diagnostic(reflectance(integers)), reference(integers))


def dim(seed):
    """Reflectance of all classes, too dark for cloud and snow."""
    rng = np.random.default_rng(seed)
    brightest = np.float32([0.1, 0.1, 0.1, 0.3, 0.3, 0.3]).reshape(6, 1, 1)
    return rng.random((6, 64, 64), np.float32) * brightest * rng.random((64, 64), np.float32)


def test_the_table_is_the_published_one():
    assert sum(len(codes.split()) for codes in PUBLISHED.values()) == 32
    for value, codes in PUBLISHED.items():
        assert [int(DIAG[int(code, 2)]) for code in codes.split()] == [value] * len(codes.split())


@pytest.mark.parametrize("partial_water", [False, True])
def test_partial_water_is_water_only_when_asked_for(partial_water):
    bands = dim(seed=0)
    classes = wtr1(diagnostic(bands))
    assert set(np.unique(classes)) == {0, 1, 2, 3, 4}
    engine = Spectral(partial_water=partial_water)
    water = engine(bands[None])[0, 0] > engine.card.threshold("water")
    np.testing.assert_array_equal(water, np.isin(classes, [1, 2, 3, 4] if partial_water else [1, 2]))


def test_water_levels_rank_the_classes_by_confidence():
    bands = dim(seed=1)
    classes, levels = wtr1(diagnostic(bands)), Spectral()(bands[None])[0, 0]
    ranked = [np.unique(levels[classes == value]) for value in (1, 2, 3, 4, 0)]
    assert all(len(level) == 1 for level in ranked)
    assert (np.diff(np.concatenate(ranked)) < 0).all()


def test_what_was_not_observed_passes_no_test():
    assert (diagnostic(np.full((6, 8, 8), np.nan, np.float32)) == 0).all()


@pytest.mark.parametrize("partial_water", [False, True])
def test_water_is_what_dswx_says_also_on_snow_and_cloud(partial_water):
    stored = np.random.default_rng(0).integers(-200, 16_000, (6, 400, 300))
    stored[:, :200] //= 12  # dark ground, where the tests part
    stored[:, 300:] = np.array([8500, 8500, 8200, 7500, 1000, 800])[:, None, None]
    bands = (stored * 0.0001).astype(np.float32)
    engine = Spectral(partial_water=partial_water)
    said = engine(bands[None])[0, 0] > engine.card.threshold(Mask.WATER)
    published = {int(code, 2): level for level, codes in PUBLISHED.items() for code in codes.split()}
    classes = np.vectorize(published.get)(reference(stored))
    assert set(np.unique(classes)) == {0, 1, 2, 3, 4}
    np.testing.assert_array_equal(said, np.isin(classes, [1, 2, 3, 4] if partial_water else [1, 2]))
