"""Statistics are those of numpy over all pixels, however the work is shared; the page says them, whatever they are."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsmask.bands import BANDS, HLS_FILL
from hlsmask.cli.samples.pictures import pictures
from hlsmask.errors import DatasetError, SampleError, UsageError
from hlsmask.masks import Mask
from hlsmask.samples.memory import HeldSamples
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.statistics.charts import percent, short, ticks
from hlsmask.samples.statistics.concerns import concerns
from hlsmask.samples.statistics.coverage import Coverage, Place
from hlsmask.samples.statistics.figures import figures
from hlsmask.samples.statistics.gather import Statistics, gather
from hlsmask.samples.statistics.page import render
from hlsmask.testing.published import write_published

SIZE = 64
COLOURS = dict.fromkeys(Mask, "#123456")
DAY = datetime(2024, 7, 8, 17, 49, 11, tzinfo=UTC)


def make(name, seed=0, *, fill=0.2, **known):
    rng = np.random.default_rng(seed)
    bands = rng.integers(-300, [[[900]], [[4000]], [[9000]], [[12000]], [[17000]], [[32767]]], (6, SIZE, SIZE))
    bands = bands.astype(np.int16)
    bands[:, rng.random((SIZE, SIZE)) < fill] = HLS_FILL
    labels = rng.choice(np.uint8([0, 1, 255]), (5, SIZE, SIZE), p=[0.6, 0.1, 0.3])
    return Sample.of(Record(name, SIZE, **known), bands, labels)


def dataset():
    located = {"sensor": "S30", "platform": "S2A", "tile": "13TDE", "time": DAY, "lon": -105.3, "lat": 40.2}
    other = {
        "sensor": "L30",
        "platform": "L8",
        "tile": "12TWK",
        "time": DAY.replace(month=2),
        "lon": -111.0,
        "lat": 40.1,
    }
    return [
        make("a", 1, split="train", granule="g1", **located),
        make("b", 2, split="train", granule="g1", **{**located, "lat": 40.4}),
        make("c", 3, split="val", granule="g2", **other),
        make("d", 4, split="val", fill=0, **{**other, "lat": 40.3}),
        make("e", 5, fill=1),
    ]


class Breaking(HeldSamples):
    """Samples of which some cannot be read."""

    def __init__(self, samples, broken):
        super().__init__(samples)
        self.broken = broken

    def sample(self, index):
        if index in self.broken:
            raise self.broken[index]
        return super().sample(index)


def same(one: Statistics, other: Statistics) -> bool:
    return json.dumps(figures(one)) == json.dumps(figures(other)) and all(
        (one.splits[split].values == other.splits[split].values).all()
        and (one.splits[split].states == other.splits[split].states).all()
        for split in one.splits
    )


def test_bands_are_as_numpy_has_them():
    samples = dataset()
    total = gather(HeldSamples(samples)).total
    for index in range(len(BANDS)):
        values = np.concatenate([sample.bands[index][sample.bands[index] != HLS_FILL] for sample in samples])
        values = values.astype(np.float64) * 1e-4
        found = total.band(index)
        assert found.count == values.size
        assert found.mean == pytest.approx(values.mean(), rel=1e-12)
        assert found.std == pytest.approx(values.std(), rel=1e-12)
        assert (found.min, found.max) == pytest.approx((values.min(), values.max()), rel=1e-12)
        assert list(found.percentiles) == [2, 25, 50, 75, 98]
        assert list(found.percentiles.values()) == pytest.approx(np.percentile(values, [2, 25, 50, 75, 98]), rel=1e-12)
        assert found.unusual == ((values < 0) | (values > 1.6)).sum()


def test_masks_are_as_numpy_has_them():
    samples = dataset()
    total = gather(HeldSamples(samples)).total
    labels = np.concatenate([sample.labels[:, sample.valid] for sample in samples], axis=1)
    assert total.observed == labels.shape[1]
    assert total.pixels == len(samples) * SIZE * SIZE
    both, known = total.together()
    for at, mask in enumerate(Mask):
        found = total.mask(mask)
        counts = [int((labels[at] == value).sum()) for value in (1, 0, 255)]
        assert [found.present, found.absent, found.unknown] == counts
        assert found.samples == 4
        for other in range(5):
            there, comparable = labels[at] == 1, labels[other] != 255
            assert known[at, other] == (there & comparable).sum()
            assert both[at, other] == (there & (labels[other] == 1)).sum()


def test_splits_are_counted_apart():
    samples = dataset()
    found = gather(HeldSamples(samples)).in_order()
    assert list(found) == ["train", "val", ""]
    for split, counts in found.items():
        alone = gather(HeldSamples([sample for sample in samples if sample.record.split == split]))
        assert (counts.values == alone.total.values).all()
        assert (counts.states == alone.total.states).all()
    assert found[""].empty == 1
    assert found[""].band(0) is None


PARTS = [Statistics.of(sample, index) for index, sample in enumerate(dataset())]


@settings(max_examples=25)
@given(st.permutations(range(5)), st.sets(st.integers(1, 4)))
def test_any_partition_in_any_order_gives_the_same(order, cuts):
    groups = [order[first:last] for first, last in pairwise([0, *sorted(cuts), 5])]
    total = sum((sum((PARTS[at] for at in group), Statistics()) for group in groups), Statistics())
    assert same(total, sum(PARTS, Statistics()))


def test_processes_find_what_one_finds():
    samples = HeldSamples(dataset())
    told = []
    assert same(gather(samples, workers=2, progress=lambda done, total: told.append((done, total))), gather(samples))
    assert told == [(done, 5) for done in range(1, 6)]
    assert same(pickle.loads(pickle.dumps(PARTS[0])), PARTS[0])  # noqa: S301 - our own


def test_every_second_sample_is_read():
    samples = dataset()
    assert same(gather(HeldSamples(samples), every=2), PARTS[0] + PARTS[2] + PARTS[4])


def test_a_broken_sample_is_named_and_the_others_are_counted():
    samples = Breaking(dataset(), {1: SampleError("b.npy lacks sun_mask"), 3: RuntimeError("codec")})
    found = gather(samples)
    assert found.samples == 3
    assert [one.position for one in found.broken] == [1, 3]
    assert found.broken[0].reason == "b.npy lacks sun_mask"
    assert "RuntimeError: codec" in found.broken[1].reason
    assert "2 samples cannot be read" in concerns(found)[0]


def test_what_concerns_the_whole_dataset_is_raised():
    with pytest.raises(DatasetError, match="cut off"):
        gather(Breaking(dataset(), {1: DatasetError("the store was cut off")}))


def test_no_samples_is_one_sentence():
    with pytest.raises(DatasetError, match="memory holds no samples"):
        gather(HeldSamples([]))
    with pytest.raises(UsageError, match="--every is 0"):
        gather(HeldSamples(dataset()), every=0)
    with pytest.raises(UsageError, match="--workers is 0"):
        gather(HeldSamples(dataset()), workers=0)


def test_the_richest_sample_of_a_mask_is_the_first_with_most_of_it():
    samples = [make(name, seed) for name, seed in (("a", 1), ("b", 2), ("c", 2))]
    samples[1].labels[1], samples[2].labels[1] = 1, 1
    found = gather(HeldSamples(samples)).richest[Mask.CLOUD]
    assert (found.position, found.id, found.share) == (1, "b", 1)


def square(split, left, top, *, tile="13TDE", crs="EPSG:32613", lon=-105.0, lat=40.0, size=100):
    return Record("x", size, split, tile=tile, crs=crs, left=left, top=top, lon=lon, lat=lat)


def shared(*records):
    found = sum((Coverage.of(record) for record in records), Coverage()).shared()
    return [(one.first, one.second, one.samples, one.tiles) for one in found]


def test_squares_of_two_splits_that_overlap_are_found():
    train = square("train", 0, 0)
    assert shared(train, square("val", 2990, 0)) == [("train", "val", 1, ("13TDE",))]
    assert shared(train, square("val", 3000, 0)) == []  # they touch
    assert shared(train, square("val", 0, -2990), square("val", 0, -2990)) == [("train", "val", 2, ("13TDE",))]
    assert shared(train, square("train", 0, 0)) == []
    assert shared(train, square("", 0, 0)) == []


def test_squares_of_two_zones_are_compared_on_the_globe():
    train = square("train", None, None, crs="", lon=-108.01)
    near = square("test", None, None, tile="12SYH", crs="", lon=-107.99)
    assert shared(train, near) == [("train", "test", 1, ("12SYH",))]
    assert shared(train, replace(near, lon=-107.95)) == []
    east = square("train", None, None, crs="", lon=179.995, lat=-17.0)
    assert shared(east, replace(east, split="val", lon=-179.995)) == [("train", "val", 1, ("13TDE",))]


def test_coverage_counts_by_what_is_known():
    coverage = gather(HeldSamples(dataset())).coverage
    assert coverage.count("sensor") == {("",): 1, ("L30",): 2, ("S30",): 2}
    assert coverage.count("split", "month") == {("", ""): 1, ("train", "2024-07"): 2, ("val", "2024-02"): 2}
    assert coverage.tiles() == {"": Counter({"": 1}), "12TWK": Counter(val=2), "13TDE": Counter(train=2)}
    assert (coverage.first, coverage.last) == (DAY.replace(month=2), DAY)
    assert coverage.granules == {"g1", "g2"}
    naive = Coverage.of(Record("x", 64, time=DAY.replace(tzinfo=None)))
    assert (naive + coverage).last == DAY
    assert Place("train", "13TDE", "", None, None, -105.3, 40.2, SIZE) in coverage.places


def plain(split, **known):
    """Return a sample in which nothing is remarkable but that it has no snow."""
    sample = make("s", 1, fill=0, split=split, sensor="S30", **known)
    sample.bands[:] = np.abs(sample.bands) // 10 + 1
    sample.labels[:, :, 0] = 1
    sample.labels[3] = 0
    return sample


def test_what_to_look_into():
    empty = make("e", fill=1, split="val", sensor="S30")
    unknown = plain("test", terrain_shadow="shad+cast")
    unknown.labels[0] = 255
    bright = plain("val")
    bright.bands[3, :4] = 20000
    text = "\n".join(concerns(gather(HeldSamples([plain("train"), empty, bright, unknown]))))
    assert "No sample is of L30." in text
    assert "S30." not in text
    assert "There is no snow/ice in train, val, test." in text
    assert "Water is not known in any pixel of test." in text
    assert "1 sample of nothing but fill in val." in text
    assert "nir 6.2 % of observed pixels" in text
    assert "blue" not in text
    assert "shad in 3, shad+cast in 1" in text
    assert "shares ground" not in text
    here = {"lon": 10.0, "lat": 50.0, "tile": "32UPA"}
    text = "\n".join(concerns(gather(HeldSamples([plain("train", **here), plain("val", **here)]))))
    assert "Val shares ground with train in 1 sample (tiles 32UPA)" in text


class Judge(HTMLParser):
    """Closes what was opened; keeps text and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.links, self.ids, self.names = [], [], [], [], Counter()

    def handle_starttag(self, tag, attrs):
        self.names[tag] += 1
        values = dict(attrs)
        assert len(values) == len(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("src", "href", "xlink:href", "action", "srcset") if name in values]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def judged(page):
    judge = Judge()
    judge.feed(page)
    judge.close()
    assert judge.open == []
    assert len(set(judge.ids)) == len(judge.ids)
    assert all(link.startswith("data:image/") for link in judge.links)
    bare = re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", bare)
    assert judge.names["script"] == 0
    return judge


def test_the_page_says_every_split_and_needs_no_network():
    samples = HeldSamples(dataset())
    found = gather(samples)
    shown = pictures(samples, found.richest)
    judge = judged(render(found, title="ours", colours=COLOURS, pictures=shown, note="A note."))
    text = "\n".join(judge.text)
    for words in ("train", "val", "no split", "A note.", "13TDE", "2024-02-08 to 2024-07-08", *(m.title for m in Mask)):
        assert words in text
    assert judge.names["img"] == 2 * len(shown) > 0
    assert judge.names["svg"] == 4
    assert judge.names["svg"] == judge.names["desc"]
    assert f"{found.splits['train'].mask(Mask.WATER).present:,}" in text


def test_the_page_shows_what_it_is_told():
    nasty = "<script>alert('\"&')</script>"
    sample = make(nasty, 1, split=nasty, tile=nasty, sensor=nasty, platform=nasty, lon=1.0, lat=2.0, time=DAY)
    samples = Breaking([sample, sample], {1: SampleError(nasty)})
    found = gather(samples)
    page = render(found, title=nasty, colours=COLOURS, pictures=pictures(samples, found.richest), note=nasty)
    assert "".join(judged(page).text).count(nasty) > 8


@pytest.mark.parametrize(
    "samples",
    [
        [make("one")],
        [make("fill", fill=1)],
        [make("pole", lat=90.0, lon=0.0), make("south", lat=-90.0, lon=180.0)],
        [make("east", lat=-17.0, lon=179.9, split="train"), make("west", lat=-17.0, lon=-179.9, split="val")],
        [make(str(lon), lat=5.0, lon=float(lon), time=DAY) for lon in range(-180, 180, 60)],
    ],
    ids=["one", "fill", "poles", "antimeridian", "world"],
)
def test_a_page_of_little_is_a_page(samples):
    page = render(gather(HeldSamples(samples)), title="little", colours=COLOURS)
    judged(page)
    assert "nan" not in page.lower()
    assert "inf" not in page.lower().replace("info", "")


def test_samples_across_the_antimeridian_lie_side_by_side():
    near = [make("east", lat=-17.0, lon=179.9), make("west", lat=-17.0, lon=-179.9)]
    page = render(gather(HeldSamples(near)), title="near", colours=COLOURS)
    across = [float(x) for x in re.findall(r'<rect x="([\d.]+)"[^>]*class="place', page)]
    assert len(across) == 2
    assert 50 < across[0] < across[1] < 430
    assert "179.9° E" in page
    assert "179.9° W" in page


def test_thousands_of_places_are_drawn_as_a_bounded_number_of_marks():
    rng = np.random.default_rng(0)
    counts = {Place("", "", "", None, None, *rng.uniform(-80, 80, 2), 64): 1 for _ in range(20_000)}
    found = replace(PARTS[4], coverage=replace(PARTS[4].coverage, places=Counter(counts)))
    assert 300 < render(found, title="many", colours=COLOURS).count('class="place') <= 3000


def test_numbers_as_a_person_reads_them():
    shares = [None, 0, 1, 0.123, 0.0123, 0.00123, 0.0000123, 0.000001, 0.99999]
    said = ["-", "0 %", "100 %", "12.3 %", "1.2 %", "0.12 %", "0.0012 %", "< 0.001 %", "> 99.9 %"]
    assert [percent(share) for share in shares] == said
    assert [short(number) for number in (7, 999, 1234, 12_345, 3_400_000)] == ["7", "999", "1.2k", "12k", "3.4M"]


@given(st.floats(-2, 2), st.floats(1e-6, 5), st.integers(3, 8))
def test_ticks_are_round_and_within(low, span, about):
    found = ticks(low, low + span, about)
    assert 1 <= len(found) <= about + 2
    assert all(low - 1e-6 <= value <= low + span + 1e-6 for value in found)


def test_the_command_writes_a_page_and_figures(run, tmp_path):
    folder = write_published(tmp_path / "data", [sample for sample in dataset() if sample.record.split])
    code, out, err = run("samples", "stats", folder, "--out", tmp_path / "page.html", "--json", tmp_path / "f.json")
    assert (code, err) == (0, "")
    assert "4 samples" in out
    assert "terrain shadow" in out
    judge = judged((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert judge.names["img"] > 0
    found = json.loads((tmp_path / "f.json").read_text())
    assert found["samples"] == 4
    assert set(found["splits"]) == {"train", "val"}
    want = gather(HeldSamples([sample for sample in dataset() if sample.record.split])).total
    assert found["all"]["masks"]["cloud"]["present"] == want.mask(Mask.CLOUD).present
    assert found["all"]["bands"]["red"]["mean"] == pytest.approx(want.band(2).mean, abs=1e-8)


def test_the_command_counts_one_split_or_a_part(run, tmp_path):
    folder = write_published(tmp_path / "data", [sample for sample in dataset() if sample.record.split])
    page = tmp_path / "page.html"
    code, out, _ = run("samples", "stats", folder, "--split", "val", "--every", 2, "--out", page)
    assert code == 0
    assert "1 sample," in out
    assert "One sample in 2 was read: 1 of 2." in page.read_text(encoding="utf-8")


def test_the_command_names_what_is_broken_and_goes_on(run, tmp_path):
    folder = write_published(tmp_path / "data", [sample for sample in dataset() if sample.record.split])
    (folder / "b.npy").write_bytes(b"no archive")
    (folder / "d.npy").unlink()
    page = tmp_path / "page.html"
    code, out, err = run("samples", "stats", folder, "--out", page)
    assert code == 1
    assert "2 samples" in out
    assert "b.npy" in err
    assert "the lists name 1 sample that is not there, such as" in err
    assert "b.npy" in page.read_text(encoding="utf-8")


def test_the_command_without_samples_writes_nothing(run, tmp_path):
    page = tmp_path / "page.html"
    for folder in (tmp_path / "none", tmp_path):
        code, _, err = run("samples", "stats", folder, "--out", page)
        assert code == 1
        assert err.count("\n") == 1
    folder = write_published(tmp_path / "data", dataset()[:1])
    (folder / "a.npy").write_bytes(b"no archive")
    code, _, err = run("samples", "stats", folder, "--out", page)
    assert code == 1
    assert "no sample of 1 can be read" in err
    assert run("samples", "stats", folder, "--split", "half", "--out", page)[0] == 2
    assert run("samples", "stats", folder, "--every", "0", "--out", page)[0] == 2
    assert not page.exists()


def test_the_command_reads_a_store(run, tmp_path):
    pytest.importorskip("zarr")
    from hlsmask.samples.store import StoreWriter  # noqa: PLC0415 - needs zarr

    with StoreWriter(tmp_path / "store") as store:
        for sample in dataset():
            store.append(sample)
    code, _, err = run("samples", "stats", tmp_path / "store", "--out", tmp_path / "p.html", "--json", tmp_path / "f")
    assert (code, err) == (0, "")
    found = json.loads(Path(tmp_path / "f").read_text())
    want = figures(gather(HeldSamples(dataset())))
    assert {name: found[name] for name in ("all", "splits", "coverage")} == json.loads(
        json.dumps({name: want[name] for name in ("all", "splits", "coverage")})
    )
