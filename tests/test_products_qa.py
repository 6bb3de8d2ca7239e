"""The quality byte and clear water say what HLS users read out of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import rasterio

from hlsmask.inference.clear import clear_water
from hlsmask.masks import Mask
from hlsmask.products.qa import colour_table, fmask_byte

DATA = Path(__file__).parents[2] / "shared" / "data"


def every_state():
    """All 3^5 states of five masks, shape (5, 1, 243)."""
    return np.array(list(itertools.product([0, 1, 255], repeat=5)), np.uint8).T[:, None].copy()


def test_each_bit_is_its_mask_and_unknown_leaves_it_clear():
    masks = every_state()
    everywhere = np.ones(masks.shape[1:], bool)
    byte = fmask_byte(masks, everywhere, ~everywhere)
    for mask, bit in {"cloud": 1, "cloud_shadow": 3, "snow_ice": 4, "water": 5}.items():
        np.testing.assert_array_equal(byte >> bit & 1, masks[list(Mask).index(mask)] == 1)
    assert not (byte & 0b11000101).any()


def test_the_ring_holds_neither_cloud_nor_shadow():
    masks = every_state()
    everywhere = np.ones(masks.shape[1:], bool)
    ring = fmask_byte(masks, everywhere, everywhere) >> 2 & 1
    hidden = (masks[1] == 1) | (masks[2] == 1)
    np.testing.assert_array_equal(ring, ~hidden)


def test_fill_wins_over_all_bits():
    masks = every_state()
    valid = np.arange(243)[None] % 2 == 0
    byte = fmask_byte(masks, valid, valid)
    np.testing.assert_array_equal(byte == 255, ~valid)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"\(5, rows, columns\)"):
        fmask_byte(np.zeros((6, 2, 2), np.uint8), np.ones((2, 2), bool), np.ones((2, 2), bool))
    with pytest.raises(ValueError, match="do not fit"):
        fmask_byte(np.zeros((5, 2, 2), np.uint8), np.ones((2, 3), bool), np.ones((2, 2), bool))


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real Fmask layers of ../shared/data")
@pytest.mark.parametrize("name", ["HLS.S30.T13RCN.2024128T173909.v2.0.Fmask.tif"])
def test_a_real_fmask_survives_the_way_through_masks(name):
    with rasterio.open(DATA / name) as file:
        real = file.read(1)
    valid = real != 255
    bits = [real >> bit & 1 for bit in (5, 1, 3, 4)]
    masks = np.stack([*bits, np.zeros_like(real)])
    ours = fmask_byte(masks, valid, (real >> 2 & 1).astype(bool) & valid)
    same = (ours == real & 0b00111110) | ~valid
    seam = (real & 0b0100 > 0) & (real & 0b1010 > 0)  # where the real ring overlaps cloud or shadow
    assert (same | seam).all()
    assert seam.sum() < 0.05 * (real >> 1 & 1).sum()


def test_every_byte_has_a_colour_and_only_fill_is_transparent():
    table = colour_table()
    assert sorted(table) == list(range(256))
    assert [byte for byte, colour in table.items() if colour[3] == 0] == [255]
    assert len({table[1 << bit] for bit in (1, 2, 3, 4, 5)} | {table[0]}) == 6


def test_clear_water_is_water_that_nothing_hides():
    masks = every_state()
    water, hiding = masks[0], masks[1:]
    found = clear_water(masks)
    np.testing.assert_array_equal(found == 255, water == 255)
    np.testing.assert_array_equal(found == 1, (water == 1) & ~(hiding == 1).any(axis=0))


def test_clear_water_keeps_its_distance_and_leaves_its_input_alone():
    masks = np.zeros((5, 1, 4), np.uint8)
    masks[0] = [1, 1, 0, 255]
    before = masks.copy()
    found = clear_water(masks, near=np.array([[False, True, True, True]]))
    assert found.tolist() == [[1, 0, 0, 255]]
    np.testing.assert_array_equal(masks, before)


def test_clear_water_refuses_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(5, rows, columns\)"):
        clear_water(np.zeros((4, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="near"):
        clear_water(np.zeros((5, 2, 2), np.uint8), near=np.ones((1, 2), bool))
