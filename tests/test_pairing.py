"""A granule gets the product that was made from it, and no other."""

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlsmask.bands import Sensor
from hlsmask.errors import UsageError
from hlsmask.granules.dswx import Product
from hlsmask.granules.hls import Granule
from hlsmask.samples.building.pairing import TOLERANCE, Pair, alone, pair, why_lonely

NOON = datetime(2024, 7, 8, 17, 49, 11, tzinfo=UTC)
DAY = timedelta(days=1)


def granule(tile="13TDE", time=NOON, sensor=Sensor.S30):
    return Granule(sensor, tile, time)


def product(tile="13TDE", time=NOON, platform="S2B", *, after=DAY, version="1.0"):
    return Product(tile, time, time + after, platform, version)


def test_real_names_of_a_pair_agree_to_the_second():
    one = Granule.parse("HLS.L30.T12SVG.2023101T180222.v2.0")
    other = Product.parse("OPERA_L3_DSWx-HLS_T12SVG_20230411T180222Z_20230414T030945Z_L8_30_v1.0")
    assert pair([one], [other]).pairs == (Pair(one, other),)
    assert pair([one], [other], timedelta(0)).pairs == (Pair(one, other),)


@pytest.mark.parametrize(
    "other",
    [
        product("13TEE"),
        product(time=NOON + TOLERANCE + timedelta(seconds=1)),
        product(time=NOON - DAY),
        product(platform="L8"),
        product(platform="L9"),
    ],
)
def test_another_tile_time_or_sensor_is_no_pair(other):
    found = pair([granule()], [other])
    assert (found.pairs, found.lonely_granules, found.lonely_products) == ((), (granule(),), (other,))


@pytest.mark.parametrize("platform", ["S2A", "S2B", "S2C"])
def test_all_satellites_of_a_sensor_count(platform):
    assert pair([granule()], [product(platform=platform)]).pairs
    landsat = granule(sensor=Sensor.L30)
    assert {pair([landsat], [product(platform=name)]).pairs[0].product.platform for name in ("L8", "L9")} == {
        "L8",
        "L9",
    }


def test_the_newest_production_counts_then_the_highest_version():
    first, again = product(), product(after=400 * DAY, version="1.1")
    found = pair([granule()], [again, first])
    assert found.pairs == (Pair(granule(), again),)
    assert (found.superseded, found.lonely_products) == ((first,), ())
    same = [product(version=version) for version in ("1.9", "1.10", "1.2")]
    assert pair([granule()], same).pairs[0].product.version == "1.10"


def test_the_nearest_in_time_belong_together():
    times = [NOON, NOON + timedelta(seconds=40)]
    granules = [granule(time=time) for time in times]
    products = [product(time=time + timedelta(seconds=15)) for time in times]
    assert [each.product for each in pair(granules, products).pairs] == products


seconds = st.integers(-100, 100).map(lambda value: NOON + timedelta(seconds=value))
tiles = st.sampled_from(["13TDE", "13TEE"])
granules = st.builds(granule, tiles, seconds, st.sampled_from(Sensor))
products = st.builds(
    product,
    tiles,
    seconds,
    st.sampled_from(["L8", "S2A"]),
    after=st.sampled_from([DAY, 2 * DAY]),
    version=st.just("1.0"),
)


@given(st.lists(granules, max_size=6), st.lists(products, max_size=8), st.integers(0, 90), st.integers(0, 9))
def test_nothing_is_paired_twice_or_lost_and_order_does_not_matter(some, others, tolerance, seed):
    tolerance = timedelta(seconds=tolerance)
    found = pair(some, others, tolerance)
    for each in found.pairs:
        assert (each.granule.tile, each.granule.sensor) == (each.product.tile, each.product.sensor)
        assert abs(each.granule.time - each.product.time) <= tolerance
    used = [each.granule for each in found.pairs] + list(found.lonely_granules)
    assert {*map(str, used)} == {*map(str, some)}
    assert len({*map(str, used)}) == len(used)
    told = [each.product for each in found.pairs] + list(found.lonely_products) + list(found.superseded)
    assert {*map(str, told)} == {*map(str, others)}
    assert len({*map(str, told)}) == len(told)
    for lonely in found.lonely_granules:  # what is left on both sides does not fit
        for left in found.lonely_products:
            fits = (lonely.tile, lonely.sensor) == (left.tile, left.sensor)
            assert not fits or abs(lonely.time - left.time) > tolerance
    shuffle = random.Random(seed).sample  # noqa: S311 - an order, no secret
    assert pair(shuffle(some, len(some)), shuffle(others, len(others)), tolerance) == found


def test_pairs_come_in_the_order_of_tile_and_time():
    granules = [granule("13TEE"), granule(time=NOON + DAY), granule()]
    assert [each.granule for each in alone([*granules, granules[0]]).pairs] == granules[::-1]


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([], "none is of tile 13TDE"),
        ([product("13TEE")], "none is of tile 13TDE"),
        ([product(platform="L9")], "those of tile 13TDE are not of S30"),
        ([product(time=NOON + 5 * DAY), product(time=NOON + 9 * DAY)], r"OPERA\S+20240713\S+, is 5 days away"),
    ],
)
def test_a_lonely_granule_is_told_why(others, words):
    assert re.search(words, why_lonely(granule(), others))


def test_a_tolerance_below_zero_is_refused():
    with pytest.raises(UsageError, match="0 seconds or more"):
        pair([], [], timedelta(seconds=-1))


def test_a_granule_that_is_there_twice_counts_once():
    here = replace(granule(), hrefs={"B02": "here"})
    assert len(pair([granule(), here], [product()]).pairs) == 1
