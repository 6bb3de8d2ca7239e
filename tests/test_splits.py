"""No ground is in two splits, and the splits are what was asked for, as far as tiles and blocks allow."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from hlsmask.errors import DatasetError, UsageError
from hlsmask.samples.division.footprints import PIXEL, block_of, overlapping, square_of
from hlsmask.samples.division.shares import Shares
from hlsmask.samples.division.splits import assign
from hlsmask.samples.sample import SPLITS, Record

DEGREES = {crs: Transformer.from_crs(crs, "OGC:CRS84", always_xy=True) for crs in ("EPSG:32601", "EPSG:32660")}


def degrees(crs):
    return DEGREES.setdefault(crs, Transformer.from_crs(crs, "OGC:CRS84", always_xy=True))


def record(name, tile, left, top, *, zone=13, south=False, size=256, split="", **more):
    crs = f"EPSG:{(32700 if south else 32600) + zone}"
    return Record(name, size, split, tile=tile, crs=crs, left=float(left), top=float(top), **more)


def granule(tile, left, top, *, zone=13, size=768, starts=(0, 768, 1536, 2304, 2892), days=1, **more):
    """Return the records of an HLS tile (3660 x 3660 pixels) that is cut so that its edges are covered."""
    return [
        record(f"{tile}.{day}.{row}.{col}", tile, left + col * PIXEL, top - row * PIXEL, zone=zone, size=size, **more)
        for day in range(days)
        for row in starts
        for col in starts
    ]


def ground_in_two_splits(records, splits, rng, each=6):
    """Return two samples of different splits that hold one place: PROJ says so of places tried at random.

    Those tried lie anywhere in each sample, and in its corners; a metre at the edges does not count.
    """
    records = [replace(one, split=split) for one, split in zip(records, splits, strict=True) if split]
    places = [np.empty((0, 2))]
    for one in records:
        shares = np.concatenate([rng.random((each, 2)), [(0, 0), (0, 1), (1, 0), (1, 1)]])
        across, down = (0.0005 + 0.999 * shares).T * one.size * PIXEL
        places.append(np.transpose(degrees(one.crs).transform(one.left + across, one.top - down)))
    owner = np.arange(len(records)).repeat(each + 4)
    lon, lat = np.concatenate(places).T
    for crs in {one.crs for one in records}:
        x, y = degrees(crs).transform(lon, lat, direction="INVERSE")
        for other in (one for one in records if one.crs == crs):
            side = other.size * PIXEL
            right, down = x - other.left, other.top - y
            inside = (right > 1) & (right < side - 1) & (down > 1) & (down < side - 1)
            for at in set(owner[inside].tolist()):
                if records[at].split != other.split:
                    return records[at], other
    return None


@st.composite
def scattered(draw):
    """Samples of several sizes, crowded around the seam of two zones: at the equator, in the north, at 180 degrees."""
    west, latitude = draw(st.sampled_from([(13, 40.0), (60, -17.0), (31, 0.1), (60, 65.0)]))
    zones = (west, west % 60 + 1)
    seam = (west * 6 - 180 + 180) % 360 - 180
    records = []
    for at in range(draw(st.integers(4, 16))):
        zone = draw(st.sampled_from(zones))
        place = record(str(at), "", 0, 0, zone=zone, south=latitude < 0)
        x, y = degrees(place.crs).transform(seam, latitude, direction="INVERSE")
        tile = f"{zone:02}ABC"[: draw(st.sampled_from([0, 5]))]
        right, up = draw(st.integers(-90, 90)), draw(st.integers(-90, 90))
        size = draw(st.sampled_from([64, 256, 768]))
        records.append(replace(place, size=size, tile=tile, left=x + 900 * right, top=y + 900 * up, granule=str(at)))
    return records


everywhere = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)


@everywhere
@given(scattered(), st.sampled_from(["tile", "block"]), st.integers(0, 3), st.sampled_from([10.0, 30.0, 100.0]))
def test_no_place_lies_in_two_splits(records, by, seed, block_km):
    shares = Shares(0.3, 0.2, block_km, seed)
    try:
        division = assign(records, by=by, shares=shares)
    except DatasetError:
        return  # fewer tiles or blocks than splits
    assert ground_in_two_splits(records, division.splits, np.random.default_rng(seed)) is None


@everywhere
@given(scattered(), st.lists(st.sampled_from(["", "", *SPLITS]), min_size=16, max_size=16), st.integers(0, 3))
def test_what_joins_kept_splits_shares_no_ground_with_another(records, before, seed):
    records = [replace(one, split=split) for one, split in zip(records, before, strict=False)]
    if not any(one.split for one in records):
        return
    division = assign(records, by="block", shares=Shares(0.3, 0.2, 20, seed))
    for one, split in zip(records, division.splits, strict=True):
        assert split == one.split or not one.split
    assert division.kept == sum(bool(one.split) for one in records)
    new = [not one.split for one in records]
    rng = np.random.default_rng(seed)
    clash = ground_in_two_splits(records, division.splits, rng)
    while clash is not None:  # lists that were kept may clash among themselves
        assert not any(new[int(one.id)] for one in clash)
        division = replace(
            division, splits=tuple("" if str(at) == clash[0].id else split for at, split in enumerate(division.splits))
        )
        clash = ground_in_two_splits(records, division.splits, rng)


@everywhere
@given(scattered(), st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_order_of_samples_does_not_matter(records, random, seed):
    counts = np.random.default_rng(seed).integers(0, 1000, (len(records), 5))
    order = list(range(len(records)))
    random.shuffle(order)
    shares = Shares(0.3, 0.2, 20, seed)
    try:
        splits = assign(records, counts, counts + 7, by="block", shares=shares).splits
    except DatasetError:
        return
    shuffled = assign([records[at] for at in order], counts[order], counts[order] + 7, by="block", shares=shares).splits
    assert shuffled == tuple(splits[at] for at in order)


@given(st.lists(st.integers(1, 12), min_size=3, max_size=40), st.integers(0, 99))
def test_shares_are_met_as_far_as_tiles_allow(sizes, seed):
    records = [
        record(f"{tile}.{at}", f"{tile:02}", 200_000 * tile, 4e6)
        for tile, size in enumerate(sizes)
        for at in range(size)
    ]
    shares = Shares(0.2, 0.1, seed=seed)
    division = assign(records, shares=shares)
    largest = max(sizes) / sum(sizes)
    assert division.left_out == 0
    assert division.groups == len(sizes)
    for split, share in shares.asked.items():
        assert division.reached[split] > 0
        assert abs(division.reached[split] - share) <= 2 * largest + 1e-9
    by_tile = {}
    for one, split in zip(records, division.splits, strict=True):
        assert by_tile.setdefault(one.tile, split) == split


def test_masks_are_divided_evenly_too():
    rng = np.random.default_rng(1)
    tiles = 60
    records = [record(f"{at}", f"{at:02}", 200_000 * at, 4e6) for at in range(tiles)]
    present = np.zeros((tiles, 5), np.int64)
    for mask in range(5):
        present[rng.choice(tiles, 12, replace=False), mask] = rng.integers(500, 1500, 12)
    known = np.full((tiles, 5), 10_000)
    for seed in range(3):
        blind = assign(records, shares=Shares(0.2, 0.2, seed=seed)).splits
        seeing = assign(records, present, known, shares=Shares(0.2, 0.2, seed=seed))
        worst = []
        for splits in (blind, seeing.splits):
            held = np.array([[present[np.array(splits) == split, mask].sum() for split in SPLITS] for mask in range(5)])
            worst.append(np.abs(held / held.sum(axis=1, keepdims=True) - (0.6, 0.2, 0.2)).max())
        assert worst[1] < 0.06 < worst[0]
        assert seeing.reached == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.05)


def test_seeds_differ_and_repeat():
    records = [record(f"{at}", f"{at:02}", 200_000 * at, 4e6) for at in range(40)]
    answers = [assign(records, shares=Shares(seed=seed)).splits for seed in (0, 0, 1, 2)]
    assert answers[0] == answers[1]
    assert len(set(answers)) == 3


def test_regions_of_touching_tiles_are_kept_together_where_the_shares_allow():
    records = []
    for region in range(10):
        left = 399_960 + 1_000_000 * region
        records += granule(f"{region:02}AAA", left, 4_500_000) + granule(f"{region:02}BAA", left + 100_000, 4_500_000)
    division = assign(records)
    assert (division.apart, division.left_out, division.groups) == (False, 0, 10)
    assert division.reached == pytest.approx({"train": 0.8, "val": 0.1, "test": 0.1})
    for region in range(10):
        assert len({*division.splits[50 * region : 50 * region + 50]}) == 1


def test_one_region_of_touching_tiles_is_cut_and_its_seams_are_left_out():
    records = [
        one
        for east in range(5)
        for south in range(4)
        for one in granule(f"13{east}{south}A", 299_960 + 100_000 * east, 4_500_000 - 100_000 * south, days=2)
    ]
    division = assign(records)
    assert division.apart
    assert 0 < division.left_out < 0.25 * len(records)
    assert division.left_out == division.splits.count("")
    assert min(division.reached.values()) > 0.05
    first_day = [".0." in one.id for one in records]
    assert division.splits[:25] == division.splits[25:50]
    seen = [(one, split) for one, split, first in zip(records, division.splits, first_day, strict=True) if first]
    assert ground_in_two_splits(*zip(*seen, strict=True), np.random.default_rng(0)) is None


def test_blocks_of_one_tile_do_without_loss_where_samples_lie_side_by_side():
    records = granule("13TDE", 399_960, 4_500_000, size=256, starts=range(0, 3585, 256), days=2)
    division = assign(records, by="block", shares=Shares(block_km=20))
    assert (division.left_out, division.apart) == (0, False)
    assert division.reached == pytest.approx({"train": 0.8, "val": 0.1, "test": 0.1}, abs=0.05)


def test_tiles_of_neighbouring_zones_lie_on_the_same_ground():
    west = record("west", "13TGE", 0, 0, zone=13)
    x, y = degrees("EPSG:32613").transform(-102.0, 40.0, direction="INVERSE")
    west = replace(west, left=x - 3000, top=y + 3000)
    x, y = degrees("EPSG:32614").transform(-102.0, 40.0, direction="INVERSE")
    east = record("east", "14TKK", x - 3000, y + 3000, zone=14)
    far = [record(f"far {at}", f"{at:02}TAA", 400_000, 3_000_000 + 200_000 * at) for at in range(4)]
    assert overlapping([square_of(west), square_of(east)]).tolist() == [[0, 1]]
    for seed in range(8):
        splits = assign([west, east, *far], shares=Shares(0.2, 0.2, seed=seed)).splits
        assert splits[0] == splits[1] != ""


def test_neighbours_that_share_an_edge_share_no_ground():
    squares = [square_of(one) for one in granule("13TDE", 399_960, 4_500_000, starts=(0, 768, 1536))]
    assert overlapping(squares).tolist() == []
    covered = [square_of(one) for one in granule("13TDE", 399_960, 4_500_000)]
    last = {at for at in range(25) if at // 5 == 4 or at % 5 == 4}
    shared = overlapping(covered)
    assert {at for pair in shared.tolist() for at in pair} == last | {
        at for at in range(25) if at // 5 == 3 or at % 5 == 3
    }
    assert all(last & set(pair) for pair in shared.tolist())


@given(st.floats(-180, 180), st.floats(-90, 90), st.sampled_from([5.0, 50.0, 1000.0]))
def test_blocks_are_of_one_area_and_hold_their_place(lon, lat, km):
    name = block_of(lon, lat, km)
    assert name == block_of(lon + 360, lat, km)
    step = km / 111.2 / 50
    if abs(lat) < 80:
        names = {block_of(lon, lat + at * step, km) for at in range(51)}
        assert 2 <= len(names) <= 3
        stretched = step / np.cos(np.radians(lat))
        assert 1 <= len({block_of(lon + at * stretched, lat, km) for at in range(51)}) <= 3


def test_samples_without_location_go_with_their_tile_or_granule():
    records = [Record(f"{at}", 256, tile=f"{at % 5:02}AAA") for at in range(40)]
    records += [Record(f"g{at}", 256, granule=f"HLS.{at % 5}") for at in range(40)]
    records += [Record(f"alone {at}", 256) for at in range(10)]
    for by in ("tile", "block"):
        division = assign(records, by=by, shares=Shares(0.2, 0.2))
        assert division.groups == 20
        assert len(set(zip([one.tile for one in records[:40]], division.splits[:40], strict=True))) == 5
        assert len(set(zip([one.granule for one in records[40:80]], division.splits[40:80], strict=True))) == 5


def test_a_sample_that_knows_its_middle_alone_lies_where_it_lay():
    whole = granule("13TDE", 399_960, 4_500_000)
    squares = [square_of(one) for one in whole]
    for one, square in zip(whole, squares, strict=True):
        half = one.size * PIXEL / 2
        lon, lat = degrees(one.crs).transform(one.left + half, one.top - half)
        found = square_of(Record(one.id, one.size, tile=one.tile, lon=lon, lat=lat))
        assert (found.left, found.top) == pytest.approx((square.left, square.top), abs=0.01)
        assert square_of(Record(one.id, one.size, lon=lon, lat=lat)).crs == one.crs


@pytest.mark.parametrize("by", ["tile", "block"])
@pytest.mark.parametrize(
    "odd",
    [
        {"top": float("nan")},
        {"left": float("inf")},
        {"left": 1e300},
        {"left": -1e9, "top": 1e9},
        {"crs": "", "lon": -105.0, "lat": 95.0},
        {"crs": "", "lon": 500.0, "lat": 40.0},
        {"crs": "", "lon": float("nan"), "lat": 40.0},
        {"crs": "", "lon": -105.0, "lat": 40.0, "tile": "99ZZZ"},
        {"crs": "", "lon": 75.0, "lat": 0.0, "tile": "13TDE"},
        {"crs": "EPSG:4978"},
        {"crs": "EPSG:5773"},
    ],
)
def test_odd_locations_are_none(odd, by):
    records = granule("13TDE", 399_960, 4_500_000)
    other = granule("13TGE", 899_960, 4_500_000)
    last = granule("13TZE", 1_399_960, 4_500_000)
    records = [*records, *other, *last, replace(records[0], id="odd", **odd)]
    division = assign(records, by=by, shares=Shares(0.2, 0.2, block_km=20))
    assert len(division.splits) == len(records)


def test_splits_that_exist_are_kept_and_their_faults_told():
    records = [replace(one, split="train") for one in granule("13TDE", 399_960, 4_500_000)]
    records[0] = replace(records[0], split="test")
    records.append(replace(records[0], id="the same ground", split="train"))
    fresh = replace(records[0], id="new", split="", time=datetime(2024, 1, 1, tzinfo=UTC))
    division = assign([*records, fresh])
    assert division.splits[:-1] == tuple(one.split for one in records)
    assert division.splits[-1] == ""  # its ground is in train and in test
    assert (division.kept, division.left_out, division.shared) == (26, 1, 2)


@pytest.mark.parametrize(
    ("records", "by", "words"),
    [
        ([], "tile", "no samples"),
        (granule("13TDE", 399_960, 4_500_000), "tile", r"1 tile cannot be divided .* divide by block"),
        (granule("13TDE", 399_960, 4_500_000)[:2], "block", r"1 block of 1000 km, too few .* smaller --block-km"),
        ([record("a", "", 0, 0, zone=99)], "tile", "EPSG:32699"),
    ],
)
def test_what_cannot_be_divided_says_why(records, by, words):
    with pytest.raises(DatasetError, match=words):
        assign(records, by=by, shares=Shares(block_km=1000))


@pytest.mark.parametrize("wrong", [{"val": 1.0}, {"test": -0.1}, {"val": 0.5, "test": 0.5}, {"block_km": 0.0}])
def test_shares_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError, match="--"):
        Shares(**wrong)
