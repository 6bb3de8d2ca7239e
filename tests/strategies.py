"""What hypothesis draws from."""

from hypothesis import strategies as st

from hlsmask.windows import Tiling

tilings = st.builds(
    lambda shape, step, ramp, context: Tiling(
        shape, step + min(ramp, step) + 2 * context, min(ramp, step) + 2 * context, min(ramp, step)
    ),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.integers(1, 40),
    st.integers(0, 20),
    st.integers(0, 12),
) | st.builds(
    lambda shape, unit, step, context, lower: Tiling(
        shape, unit * (step + 2 * context), 2 * unit * context, 0, unit, unit * min(lower, step - 1)
    ),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.integers(1, 9),
    st.integers(1, 6),
    st.integers(0, 2),
    st.integers(0, 3),
)
"""Scenes cut in every way, with and without ramps, and to measure, square and lower than wide."""
