"""Logits are doubled as torch and onnxruntime double them, whatever part of them is kept."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from hlsmask.inference.doubling import doubled


@st.composite
def parts(draw):
    """Draw the sides of an array, and what is kept of it when it is doubled."""
    sides = draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    kept = []
    for side in sides:
        start = draw(st.integers(0, 2 * side - 1))
        kept.append(slice(start, draw(st.integers(start + 1, 2 * side))))
    return sides, tuple(kept)


@given(drawn=parts(), seed=st.integers(0, 99))
def test_a_part_is_what_torch_gives_there(drawn, seed):
    sides, kept = drawn
    small = np.random.default_rng(seed).normal(0, 9, (2, 3, *sides)).astype(np.float32)
    before = small.copy()
    whole = torch.nn.functional.interpolate(torch.from_numpy(small), scale_factor=2.0, mode="bilinear").numpy()
    ours = doubled(small, kept)
    np.testing.assert_allclose(ours, whole[:, :, *kept], atol=1e-5)
    np.testing.assert_array_equal(ours, doubled(small, (slice(None), slice(None)))[:, :, *kept])  # to the last bit
    np.testing.assert_array_equal(small, before)
    assert ours.flags.c_contiguous
    assert not np.shares_memory(ours, small)
