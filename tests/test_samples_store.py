"""The compact store: exact, resumable, readable by others, and honest about what is lost."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import hlsmask.samples
from hlsmask.errors import DatasetError, OutputError, SampleError, UsageError
from hlsmask.masks import Mask
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.store import StoreWriter, layout, manifest, reading
from hlsmask.testing import write_published
from hlsmask.windows import Window


def make_sample(name="one", size=64, *, seed=0, fmask=True, **known):
    rng = np.random.default_rng(seed)
    bands = (rng.integers(0, 4000, (1, size, size)) + rng.integers(-300, 300, (6, size, size))).astype(np.int16)
    bands[:, :3] = -9999
    labels = rng.choice(np.array([0, 1, 255], np.uint8), (5, size, size))
    flags = rng.integers(0, 256, (size, size)).astype(np.uint8) if fmask else None
    return Sample.of(Record(name, size, **known), bands, labels, flags)


def write(path, samples, **options):
    with StoreWriter(path, **options) as writer:
        for sample in samples:
            writer.append(sample)
    return path


@pytest.fixture
def small_files(monkeypatch):
    """Let a file hold three samples of 64 x 64."""
    monkeypatch.setattr(layout, "SHARD_BYTES", 3 * 6 * 64 * 64 * 2)


def same(read, written):
    assert read.record == written.record
    np.testing.assert_array_equal(read.bands, written.bands)
    np.testing.assert_array_equal(read.labels, written.labels)
    assert (read.fmask is None) == (written.fmask is None)
    if written.fmask is not None:
        np.testing.assert_array_equal(read.fmask, written.fmask)


@pytest.mark.usefixtures("small_files")
def test_what_is_written_is_read_whatever_the_size(tmp_path):
    known = {
        "split": "val", "granule": "HLS.S30.T13TDE.2024190T174911.v2.0", "sensor": "S30", "platform": "S2B",
        "tile": "13TDE", "time": datetime(2024, 7, 8, 17, 49, 11, tzinfo=UTC), "row": 64, "col": 0,
        "crs": "EPSG:32613", "left": 399960.0, "top": 4500000.0, "lon": -105.1, "lat": 40.6,
        "terrain_shadow": "shad+cast", "source": "simulated",
    }  # fmt: skip
    written = [make_sample(f"s{at}", seed=at, fmask=at % 3 > 0) for at in range(5)]
    written += [make_sample("large", 300, seed=7), make_sample("known", seed=8, **known)]
    samples = hlsmask.samples.open(write(tmp_path / "store", written))
    assert len(samples) == 7
    by_name = {sample.record.id: sample for sample in written}
    for at in range(7):
        same(samples.sample(at), by_name[samples.record(at).id])


@given(arrays(np.int16, (6, 4, 4), elements=st.integers(-32768, 32767)))
def test_differences_of_bands_are_exact_for_all_integers(bands):
    np.testing.assert_array_equal(layout.from_differences(layout.to_differences(bands)), bands)


@given(st.integers(64, 5000))
def test_chunks_cover_a_sample_in_nearly_equal_parts(size):
    side = layout.chunk_side(size)
    parts = -(-size // side)
    assert side <= layout.CHUNK
    assert (parts - 1) * side < size <= parts * side
    assert layout.per_shard(size) >= 1


def test_a_window_is_a_part_of_the_sample(tmp_path):
    samples = hlsmask.samples.open(write(tmp_path / "store", [make_sample(size=300)]))
    bands, labels = samples[0]
    part, marks = samples.read(0, Window(37, 120, 200, 131))
    np.testing.assert_array_equal(part, bands[:, 37:237, 120:251])
    np.testing.assert_array_equal(marks, labels[:, 37:237, 120:251])


@given(st.data())
def test_any_window_is_what_zarr_reads(tmp_path_factory, data):
    size = data.draw(st.sampled_from([64, 257, 300, 600]))
    store = tmp_path_factory.getbasetemp() / f"window-{size}"
    if not store.exists():
        write(store, [make_sample(f"s{at}", size, seed=at) for at in range(2)])
    top, left = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    window = Window(top, left, data.draw(st.integers(1, size - top)), data.draw(st.integers(1, size - left)))
    _, labels = hlsmask.samples.open(store).stored(1, window)
    there = zarr.open_group(store, mode="r")[f"size-{size}/labels"][1]
    np.testing.assert_array_equal(labels, there[:, top : window.bottom, left : window.right])


def test_samples_of_fill_and_of_nothing_known_are_kept(tmp_path):
    blank = np.full((6, 64, 64), -9999, np.int16)
    nothing = np.full((5, 64, 64), 255, np.uint8)
    written = Sample.of(Record("blank", 64), blank, nothing, np.full((64, 64), 255, np.uint8))
    same(hlsmask.samples.open(write(tmp_path / "store", [written])).sample(0), written)


def test_splits_are_read_apart(tmp_path):
    written = [make_sample(f"s{at}", seed=at, split=("train", "val", "")[at % 3]) for at in range(7)]
    store = write(tmp_path / "store", written)
    assert [len(hlsmask.samples.open(store, split)) for split in ("train", "val", None)] == [3, 2, 7]
    with pytest.raises(DatasetError, match="no samples in the split 'test'; it has none, train, val"):
        hlsmask.samples.open(store, "test")
    with pytest.raises(UsageError, match="no split 'dev'"):
        hlsmask.samples.open(store, "dev")


def test_others_can_read_it(tmp_path):
    written = make_sample(seed=3, tile="13TDE")
    store = write(tmp_path / "store", [written], options={"labels": "dswx"})
    group = zarr.open_group(store, mode="r")
    with pytest.warns(UserWarning, match="not in the Zarr version 3 specification"):
        kept = group["size-64/differences"]
    bands = np.asarray(kept[0])
    for band, base in kept.attrs["differences_from"].items():
        names = kept.attrs["bands"]
        bands[names.index(band)] += bands[names.index(base)]
    np.testing.assert_array_equal(bands, written.bands)
    np.testing.assert_array_equal(group["size-64/labels"][0], written.labels)
    table = pq.read_table(store / "manifest.parquet")
    row = table.to_pylist()[0]
    assert row["tile"] == "13TDE"
    assert row["valid"] == 61 * 64
    for at, mask in enumerate(Mask):
        assert row[f"{mask}_present"] == (written.labels[at] == 1).sum()
        assert row[f"{mask}_known"] == (written.labels[at] != 255).sum()
    notes = json.loads(table.schema.metadata[b"hlsmask"])
    assert notes["schema"] == 1
    assert notes["options"] == {"labels": "dswx"}


def test_the_content_hash_is_of_the_content_alone(tmp_path):
    samples = [make_sample(f"s{at}", seed=at) for at in range(3)]
    one = hlsmask.samples.open(write(tmp_path / "one", samples)).notes["content"]
    two = hlsmask.samples.open(write(tmp_path / "two", samples[::-1], options={"a": 1})).notes["content"]
    other = make_sample("s2", seed=2)
    other.labels[0, 9, 9] ^= 1
    three = hlsmask.samples.open(write(tmp_path / "three", [*samples[:2], other])).notes["content"]
    assert one == two
    assert one != three


@pytest.mark.usefixtures("small_files")
def test_what_was_cut_off_goes_on(tmp_path, run):
    samples = [make_sample(f"s{at}", seed=at, split="train") for at in range(8)]
    home = write_published(tmp_path / "published", samples)
    writer = StoreWriter(tmp_path / "store", options={"command": "convert", "from": "published", "split": "all"})
    for sample in samples[:5]:
        writer.append(sample)
    writer.close()  # as when the process dies: three are written, two were held
    with pytest.raises(DatasetError, match="cut off while it was written: 3 samples"):
        hlsmask.samples.open(tmp_path / "store")
    assert run("samples", "check", tmp_path / "store")[0] == 1
    code, out, _ = run("samples", "convert", home, "--out", tmp_path / "store")
    assert code == 0
    assert "8 samples" in out
    assert "3 were there already" in out
    whole = hlsmask.samples.open(tmp_path / "store")
    assert sorted(whole.record(at).id for at in range(8)) == [f"s{at}" for at in range(8)]
    code, out, _ = run("samples", "check", tmp_path / "store")
    assert code == 0
    assert not (tmp_path / "store" / "parts").exists()


@pytest.mark.usefixtures("small_files")
def test_a_finished_store_takes_more(tmp_path):
    store = write(tmp_path / "store", [make_sample(f"s{at}", seed=at) for at in range(4)])
    write(store, [make_sample("more", seed=9)])
    samples = hlsmask.samples.open(store)
    assert len(samples) == 5
    same(samples.sample(4), make_sample("more", seed=9))
    same(samples.sample(3), make_sample("s3", seed=3))


def test_a_store_made_otherwise_is_not_gone_on_with(tmp_path):
    write(tmp_path / "store", [make_sample()], options={"size": 64, "labels": "dswx"})
    with pytest.raises(UsageError, match="was made with size=64"):
        StoreWriter(tmp_path / "store", options={"size": 128, "labels": "dswx"})
    with pytest.raises(UsageError, match="is there already"):
        StoreWriter(tmp_path / "store", resume=False)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("do not lose")
    with pytest.raises(UsageError, match="no store of samples"):
        StoreWriter(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "do not lose"


def test_two_cannot_write_at_once(tmp_path):
    with StoreWriter(tmp_path / "store") as writer:
        with pytest.raises(DatasetError, match="being written by another process"):
            StoreWriter(tmp_path / "store")
        writer.append(make_sample())
        with pytest.raises(SampleError, match="already"):
            writer.append(make_sample())
    assert len(hlsmask.samples.open(tmp_path / "store")) == 1


def test_a_disk_that_gives_back_something_else_is_noticed(tmp_path, monkeypatch):
    def bad(stored):
        stored[0, 9, 9] += 1
        return stored

    monkeypatch.setattr("hlsmask.samples.store.writing.from_differences", bad)
    with (
        pytest.raises(OutputError, match="does not give back what was written of one"),
        StoreWriter(tmp_path / "s") as w,
    ):
        w.append(make_sample())
    with pytest.raises(DatasetError, match="cut off"):
        hlsmask.samples.open(tmp_path / "s")


@pytest.mark.usefixtures("small_files")
def test_what_is_lost_is_named(tmp_path, run):
    written = [make_sample(f"s{at}", seed=at) for at in range(6)]
    store = write(tmp_path / "store", written)
    (store / "size-64/differences/c/1/0/0/0").unlink()
    samples = hlsmask.samples.open(store)
    same(samples.sample(0), written[0])
    with pytest.raises(SampleError, match=r"sample s3 .* is lost"):
        samples[3]
    code, out, _ = run("samples", "check", store)
    assert code == 1
    assert [f"s{at}" in out for at in range(6)] == [False] * 3 + [True] * 3


def test_flipped_bytes_are_found(tmp_path, run):
    store = write(tmp_path / "store", [make_sample()])
    file = store / "size-64/labels/c/0/0/0/0"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    code, out, _ = run("samples", "check", store)
    assert code == 1
    assert "one" in out


@pytest.mark.parametrize("lost", ["manifest.parquet", "zarr.json"])
def test_a_store_that_lost_a_part_says_so(tmp_path, lost, run):
    store = write(tmp_path / "store", [make_sample()])
    (store / lost).unlink()
    with pytest.raises(DatasetError, match="store"):
        hlsmask.samples.open(store)[0]
    code, _, err = run("samples", "check", store)
    assert code == 1
    assert len((err or "x").splitlines()) == 1


def test_a_manifest_that_is_cut_off_or_of_later_make_is_refused(tmp_path):
    store = write(tmp_path / "store", [make_sample()])
    table = manifest.read_manifest(store)
    later = json.dumps({"schema": 99}).encode()
    manifest.write_manifest(store, table.replace_schema_metadata({b"hlsmask": later}))
    with pytest.raises(DatasetError, match="schema version 99"):
        hlsmask.samples.open(store)
    manifest.write_manifest(store, table.replace_schema_metadata({}))
    with pytest.raises(DatasetError, match="says no schema version"):
        hlsmask.samples.open(store)
    manifest.write_manifest(store, table.drop_columns(["tile"]))
    with pytest.raises(DatasetError, match="is no manifest"):
        hlsmask.samples.open(store)
    content = (store / "manifest.parquet").read_bytes()
    (store / "manifest.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=r"manifest\.parquet cannot be read"):
        hlsmask.samples.open(store)


def test_an_open_store_can_be_handed_to_others(tmp_path):
    samples = hlsmask.samples.open(write(tmp_path / "store", [make_sample()]))
    first = samples[0]
    again = pickle.loads(pickle.dumps(samples))  # noqa: S301 - our own
    np.testing.assert_array_equal(again[0][0], first[0])
    assert isinstance(again, reading.StoreSamples)


def test_conversion_leaves_out_what_is_broken_and_says_so(tmp_path, run):
    home = write_published(tmp_path / "data", [make_sample(f"s{at}", seed=at, split="train") for at in range(3)])
    (home / "s1.npy").write_bytes(b"PK broken")
    code, out, err = run("samples", "convert", home, "--out", tmp_path / "store")
    assert code == 1
    assert "s1.npy" in err
    assert "2 samples" in out
    assert len(hlsmask.samples.open(tmp_path / "store", "train")) == 2
    (home / "s0.npy").unlink()
    code, _, err = run("samples", "convert", home, "--out", tmp_path / "other")
    assert code == 1
    assert "1 of 3 files" in err
    assert not (tmp_path / "other").exists()
    for at in (0, 2):
        (home / f"s{at}.npy").write_bytes(b"")
    code, _, err = run("samples", "convert", home, "--out", tmp_path / "third")
    assert code == 1
    assert "none of the 3 samples" in err
    assert not (tmp_path / "third").exists()


def test_a_part_of_a_store_can_be_copied(tmp_path, run):
    store = write(tmp_path / "store", [make_sample(f"s{at}", seed=at, split="train") for at in range(2)])
    write(store, [replace_split(make_sample("s2", seed=2), "val")])
    assert run("samples", "convert", store, "--out", tmp_path / "val", "--split", "val")[0] == 0
    samples = hlsmask.samples.open(tmp_path / "val", "val")
    same(samples.sample(0), replace_split(make_sample("s2", seed=2), "val"))


def replace_split(sample, split):
    return Sample(replace(sample.record, split=split), sample.bands, sample.labels, sample.fmask)


def test_a_conversion_does_not_go_on_with_other_samples(tmp_path, run):
    home = write_published(tmp_path / "data", [make_sample(f"s{at}", seed=at, split="train") for at in range(3)])
    assert run("samples", "convert", home, "--out", tmp_path / "store")[0] == 0
    write_published(home, [make_sample(f"s{at}", seed=at, split="train") for at in range(4)])
    assert run("samples", "convert", home, "--out", tmp_path / "store")[0] == 0
    assert len(hlsmask.samples.open(tmp_path / "store")) == 4
    write_published(home, [make_sample("s1", seed=9, split="train")])
    write_published(home, [make_sample(f"s{at}", seed=9 * at, split="train") for at in range(2)])
    code, _, err = run("samples", "convert", home, "--out", tmp_path / "store")
    assert code == 1
    assert "1 samples" in err
    assert "s1" in err
    (home / "train.npy").unlink()
    write_published(home, [make_sample("s0", seed=0, split="val")])
    code, _, err = run("samples", "convert", home, "--out", tmp_path / "store")
    assert code == 1
    assert "another split (s0)" in err


def test_a_sample_in_two_lists_is_told_each_time(tmp_path, run):
    home = write_published(tmp_path / "data", [make_sample(f"s{at}", seed=at, split="train") for at in range(2)])
    write_published(home, [make_sample("s1", seed=1, split="val")])
    for _ in range(2):
        code, _, err = run("samples", "convert", home, "--out", tmp_path / "store")
        assert code == 1
        assert "s1 is in train.npy and val.npy; it is kept in the first" in err
    assert len(hlsmask.samples.open(tmp_path / "store", "train")) == 2


def test_flipped_bits_of_bands_are_noticed_when_they_are_read(tmp_path):
    store = write(tmp_path / "store", [make_sample()])
    file = store / "size-64/differences/c/0/0/0/0"
    content = bytearray(file.read_bytes())
    content[500] ^= 1
    file.write_bytes(content)
    with pytest.raises(SampleError, match="checksum"):
        hlsmask.samples.open(store)[0]


def test_a_folder_of_the_users_own_stays(tmp_path, run):
    (tmp_path / "data").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "data" / "broken.npy").write_bytes(b"PK")
    assert run("samples", "convert", tmp_path / "data", "--out", tmp_path / "mine")[0] == 1
    assert list((tmp_path / "mine").iterdir()) == []
