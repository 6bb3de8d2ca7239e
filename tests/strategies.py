"""What hypothesis draws from."""

from hypothesis import strategies as st

from hlsmask.windows import Tiling

tilings = st.builds(
    lambda shape, step, ramp, context, unit: Tiling(
        shape, step + min(ramp, step) + 2 * context, min(ramp, step) + 2 * context, min(ramp, step), unit
    ),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.integers(1, 40),
    st.integers(0, 20),
    st.integers(0, 12),
    st.none() | st.integers(1, 9),
)
"""Scenes cut in every way, with and without ramps, the last tiles as they fall or as large as the others."""
