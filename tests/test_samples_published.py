"""Samples in the published layout: read as they lie on disk, and nothing in them is run."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy

import hlsmask
import hlsmask.samples
from hlsmask.errors import DatasetError, SampleError
from hlsmask.granules.features import parse_time
from hlsmask.masks import Mask
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.sequence import Samples
from hlsmask.testing import simulate_granule, write_published
from hlsmask.windows import Window

SHADOW = list(Mask).index(Mask.TERRAIN_SHADOW)


def make_sample(name="b072/one", size=96, *, split="train", seed=0, fmask=True, **known):
    rng = np.random.default_rng(seed)
    bands = rng.integers(-300, 9000, (6, size, size)).astype(np.int16)
    bands[:, :, :7] = -9999
    labels = rng.integers(0, 2, (5, size, size)).astype(np.uint8)
    flags = rng.integers(0, 256, (size, size)).astype(np.uint8) if fmask else None
    known = {"platform": "S2A", "sensor": "S30", "tile": "13TDE", "lat": 40.5, "lon": -105.25} | known
    known.setdefault("time", datetime(2024, 7, 8, 17, 49, tzinfo=UTC))
    return Sample.of(Record(name, size, split=split, **known), bands, labels, flags)


def rewrite(path: Path, **changes):
    with np.load(path, allow_pickle=True) as archive:
        layers = {name: archive[name] for name in archive.files}
    layers.update(changes)
    with path.open("wb") as file:
        np.savez(file, **{name: layer for name, layer in layers.items() if layer is not None})


def write_list(path: Path, content, key="fps"):
    with path.open("wb") as file:
        np.savez(file, **{key: np.array(content)})


@pytest.mark.parametrize("objects", [False, True])
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize("fmask_key", ["fmask", "fmask_data"])
def test_a_published_sample_gives_back_what_was_written(tmp_path, dtype, objects, fmask_key):
    written = make_sample()
    write_published(tmp_path, [written], dtype=dtype, objects=objects, fmask_key=fmask_key, compressed=objects)
    samples = hlsmask.samples.open(tmp_path, "train")
    read = samples.sample(0)
    assert read.record == written.record
    np.testing.assert_array_equal(read.bands, written.bands)
    np.testing.assert_array_equal(read.labels, written.labels)
    np.testing.assert_array_equal(read.fmask, written.fmask)
    bands, labels = samples[0]
    assert bands.dtype == np.float32
    assert labels.dtype == np.uint8
    assert np.isnan(bands[:, :, :7]).all(), "fill is no reflectance"
    assert (labels[:, :, :7] == 255).all(), "fill never counts"
    np.testing.assert_allclose(bands[:, :, 7:], written.bands[:, :, 7:] * 0.0001, rtol=1e-6)


def test_sun_mask_is_turned(tmp_path):
    write_published(tmp_path, [make_sample()])
    with np.load(tmp_path / "b072" / "one.npy") as archive:
        sunlit = archive["sun_mask"]
    _, labels = hlsmask.samples.open(tmp_path)[0]
    np.testing.assert_array_equal(labels[SHADOW][:, 7:] == 1, sunlit[:, 7:] == 0)


def test_float_features_may_be_reflectance_and_hold_nan(tmp_path):
    written = make_sample()
    write_published(tmp_path, [written])
    features = (written.bands.transpose(1, 2, 0) * 0.0001).astype(np.float32)
    features[:, :7] = np.nan
    rewrite(tmp_path / "b072" / "one.npy", features=features)
    np.testing.assert_array_equal(hlsmask.samples.open(tmp_path).sample(0).bands, written.bands)


@pytest.mark.parametrize("size", [64, 100, 768])
def test_any_square_size_of_64_or_more_is_read(tmp_path, size):
    write_published(tmp_path, [make_sample(size=size)])
    assert hlsmask.samples.open(tmp_path)[0][0].shape == (6, size, size)


def test_a_window_is_a_part_of_the_sample(tmp_path):
    write_published(tmp_path, [make_sample()])
    samples = hlsmask.samples.open(tmp_path)
    bands, labels = samples[0]
    part, marks = samples.read(0, Window(10, 3, 40, 50))
    np.testing.assert_array_equal(part, bands[:, 10:50, 3:53])
    np.testing.assert_array_equal(marks, labels[:, 10:50, 3:53])


@pytest.mark.parametrize(
    "prefix",
    ["/home/someone/project/data/opera", "/a", "/a/b/c/d/e/f/g/h/i", "C:\\data\\opera", "", "relative/folder"],
)
def test_lists_name_files_of_any_other_machine(tmp_path, prefix):
    write_published(tmp_path, [make_sample(f"b0{at}/x", split="val", seed=at) for at in range(3)], prefix=prefix)
    samples = hlsmask.samples.open(tmp_path, "val")
    assert [samples.record(at).id for at in range(3)] == ["b00/x", "b01/x", "b02/x"]


def test_paths_may_be_pickled_as_paths(tmp_path):
    write_published(tmp_path, [make_sample()])
    write_list(tmp_path / "train.npy", [Path("/home/someone/opera/b072/one.npy")])
    assert len(hlsmask.samples.open(tmp_path, "train")) == 1


def test_strings_may_be_numpy_scalars_in_an_object_array(tmp_path):
    write_published(tmp_path, [make_sample()])
    names = np.empty(1, object)
    names[0] = np.str_("/x/b072/one.npy")
    write_list(tmp_path / "train.npy", names)
    assert len(hlsmask.samples.open(tmp_path, "train")) == 1


def test_no_path_leads_out_of_the_folder(tmp_path):
    inside = tmp_path / "data"
    write_published(inside, [make_sample()])
    write_published(tmp_path, [make_sample("secret", split="")])
    write_list(inside / "train.npy", ["/x/../secret.npy", "/y/../../secret.npy"])
    with pytest.raises(DatasetError, match="2 of 2 files"):
        hlsmask.samples.open(inside, "train")


class Hostile:
    """Would leave a mark on the disk if it were ever unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("wrap", [False, True])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, wrap, run):
    mark = tmp_path / "mark"
    home = write_published(tmp_path / "data", [make_sample(), make_sample("b072/two", split="val", seed=1)])
    if wrap:  # a pickle that claims to be of an object array, but is not
        with (home / "train.npy").open("wb") as file:
            npy.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (1,)})
            pickle.dump(Hostile(mark), file)
    else:
        write_list(home / "train.npy", [Hostile(mark)])
    with pytest.raises(DatasetError, match="refused"):
        hlsmask.samples.open(home, "train")
    code, out, _ = run("samples", "check", home)
    assert code == 1
    assert "refused" in out
    assert "val" in out, "the other list is checked all the same"
    assert not mark.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cloud_mask": np.zeros((95, 96), np.uint8)}, "cloud_mask"),
        ({"features": np.zeros((96, 96, 5), np.float32)}, "features"),
        ({"features": np.zeros((96, 90, 6), np.float32)}, "features"),
        ({"features": np.zeros((60, 60, 6), np.float32)}, "64 or more"),
        ({"water_mask": np.full((96, 96), 3, np.uint8)}, "water holds 3|water_mask holds 3"),
        ({"water_mask": np.full((96, 96), 0.5)}, "water_mask holds 0.5"),
        ({"snowice_mask": None}, "lacks snowice_mask"),
        ({"features": np.full((96, 96, 6), "x")}, "no numbers"),
        ({"fmask_data": np.zeros((9, 9), np.uint8)}, "fmask_data"),
    ],
)
def test_a_broken_sample_is_named_with_what_is_wrong(tmp_path, changes, says):
    home = write_published(tmp_path, [make_sample()])
    rewrite(home / "b072" / "one.npy", **changes)
    with pytest.raises(SampleError, match=says) as raised:
        hlsmask.samples.open(home)[0]
    assert "one.npy" in str(raised.value)


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.99])
def test_a_sample_that_is_cut_off_is_broken(tmp_path, keep):
    home = write_published(tmp_path, [make_sample()])
    path = home / "b072" / "one.npy"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(SampleError, match=r"one\.npy"):
        hlsmask.samples.open(home)[0]


def test_a_header_that_promises_more_than_the_file_holds_takes_no_memory(tmp_path):
    home = write_published(tmp_path, [make_sample()])
    with (home / "train.npy").open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "<U99", "fortran_order": False, "shape": (10**12,)})
    with pytest.raises(DatasetError, match="cannot hold"):
        hlsmask.samples.open(home, "train")


def test_missing_files_are_counted_sampled_and_may_be_skipped(tmp_path, run):
    home = write_published(tmp_path, [make_sample(f"b072/s{at}", seed=at) for at in range(6)])
    for at in (0, 1, 3, 5):
        (home / "b072" / f"s{at}.npy").unlink()
    with pytest.raises(DatasetError, match=r"4 of 6 files .*s0\.npy.*s1\.npy.*s3\.npy, \.\.\.") as raised:
        hlsmask.samples.open(home, "train")
    assert "s5" not in str(raised.value)
    assert len(hlsmask.samples.open(home, "train", missing="skip")) == 2
    code, out, _ = run("samples", "check", home)
    assert code == 1
    for at in (0, 1, 3, 5):
        assert f"s{at}.npy is not there" in out
    (home / "b072" / "s2.npy").unlink()
    (home / "b072" / "s4.npy").unlink()
    with pytest.raises(DatasetError, match="6 of 6"):
        hlsmask.samples.open(home, "train", missing="skip")
    code, out, _ = run("samples", "check", home)
    assert code == 1
    assert "names nothing that exists" in out


def test_what_is_no_dataset_is_said(tmp_path):
    with pytest.raises(DatasetError, match="no samples"):
        hlsmask.samples.open(tmp_path)
    with pytest.raises(DatasetError, match="no folder"):
        hlsmask.samples.open(tmp_path / "nowhere")
    write_published(tmp_path, [make_sample()])
    with pytest.raises(DatasetError, match=r"no val\.npy"):
        hlsmask.samples.open(tmp_path, "val")
    write_list(tmp_path / "val.npy", ["x"], key="files")
    with pytest.raises(DatasetError, match="lacks 'fps'; it has files"):
        hlsmask.samples.open(tmp_path, "val")
    write_list(tmp_path / "val.npy", np.array([], dtype=str))
    with pytest.raises(DatasetError, match="lists no samples"):
        hlsmask.samples.open(tmp_path, "val")


def test_check_tells_of_all_that_is_wrong_and_counts_the_rest(tmp_path, run):
    parts = [*("train",) * 4, "val", "test"]
    home = write_published(tmp_path, [make_sample(f"b072/s{at}", split=parts[at], seed=at) for at in range(6)])
    code, out, _ = run("samples", "check", home)
    assert code == 0
    assert "all can be used" in out
    rewrite(home / "b072" / "s1.npy", cloud_mask=np.zeros((9, 9), np.uint8))
    (home / "b072" / "s2.npy").unlink()
    with np.load(home / "train.npy") as lists:
        names = lists["fps"]
    write_list(home / "test.npy", [names[0]])
    code, out, _ = run("samples", "check", home, "--json")
    assert code == 1
    found = json.loads(out)
    assert {finding["kind"] for finding in found["findings"]} == {"missing", "broken", "twice"}
    assert found["splits"]["train"] | {"pixels": 0} == {
        "listed": 4, "usable": 2, "missing": 1, "broken": 1, "sizes": {"96": 2}, "with_fmask": 2, "pixels": 0,
    }  # fmt: skip
    water = found["splits"]["val"]["pixels"]["water"]
    expected = make_sample(split="val", seed=4).labels[0]
    assert water == {
        "present": int((expected == 1).sum()),
        "absent": int((expected == 0).sum()),
        "not_known": int((expected == 255).sum()),
    }


def test_it_is_a_sequence_for_any_index(tmp_path):
    write_published(tmp_path, [make_sample(f"s{at}", seed=at) for at in range(3)])
    samples = hlsmask.samples.open(tmp_path)
    assert isinstance(samples, Samples)
    np.testing.assert_array_equal(samples[-1][1], samples[2][1])
    assert [labels.shape for _, labels in samples[:2]] == [(5, 96, 96)] * 2
    with pytest.raises(IndexError):
        samples[3]
    again = pickle.loads(pickle.dumps(samples))  # noqa: S301 - our own
    np.testing.assert_array_equal(again[0][0], samples[0][0])


def test_predict_takes_a_published_sample_as_a_source(tmp_path, run):
    granule = simulate_granule(96, 3)
    record = Record("b072/x", 96, split="train", time=granule.time)
    home = write_published(tmp_path, [Sample.of(record, granule.bands, granule.truth)], objects=True)
    bands = np.where(granule.bands == -9999, np.nan, granule.bands * np.float32(0.0001)).astype(np.float32)
    ours = hlsmask.predict(home / "b072" / "x.npy", model="spectral")
    same = hlsmask.predict(bands, model="spectral")
    np.testing.assert_array_equal(ours.cloud, same.cloud)
    np.testing.assert_array_equal(ours.water, same.water)
    code, out, err = run("predict", home / "b072" / "x.npy", home / "train.npy", "--out", tmp_path / "masks")
    assert code == 1
    assert "x: water" in out
    assert "train.npy lacks 'features'; it has fps" in err
    item = json.loads((tmp_path / "masks" / "x" / "x.json").read_text())
    assert item["properties"]["datetime"].startswith(f"{granule.time:%Y-%m-%dT%H:%M:%S}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20240708T174911Z", (2024, 7, 8, 17, 49, 11)),
        ("20240708", (2024, 7, 8)),
        ("2024190T174911", (2024, 7, 8, 17, 49, 11)),
        ("2023101", (2023, 4, 11)),  # not the first of October
        ("2024-07-08", (2024, 7, 8)),
        ("2024-07-08T19:49:11+02:00", (2024, 7, 8, 17, 49, 11)),
        ("2024400", None),
        ("July", None),
        ("", None),
    ],
)
def test_dates_in_the_usual_spellings(text, expected):
    assert parse_time(text) == (None if expected is None else datetime(*expected, tzinfo=UTC))


@pytest.mark.parametrize("kind", ["S", "list", "nested"])
def test_lists_in_odd_but_plausible_arrays(tmp_path, kind):
    home = write_published(tmp_path, [make_sample(), make_sample("b072/two", seed=1)])
    names = ["/x/y/b072/one.npy", "/x/y/b072/two.npy"]
    content = np.array([name.encode() for name in names])
    if kind != "S":
        content = np.empty((), object)
        content[()] = names if kind == "list" else tuple(names)
    write_list(home / "train.npy", content)
    assert len(hlsmask.samples.open(home, "train")) == 2


def test_a_missing_file_is_not_another_of_the_same_name(tmp_path):
    home = write_published(tmp_path, [make_sample(name, seed=at) for at, name in enumerate(("s", "b0/s", "b1/s"))])
    write_list(home / "train.npy", ["/1/2/3/4/5/s.npy", "/q/w/e/r/t/b1/s.npy", "/q/b0/s.npy", "/q/w/e/b2/s.npy"])
    with pytest.raises(DatasetError, match=r"2 of 4 files .*5/s\.npy.*b2/s\.npy"):
        hlsmask.samples.open(home, "train")
    samples = hlsmask.samples.open(home, "train", missing="skip")
    assert [samples.record(at).id for at in range(2)] == ["b1/s", "b0/s"]
    write_list(home / "train.npy", ["/1/2/3/s.npy"])
    assert hlsmask.samples.open(home, "train").record(0).id == "s"


def test_names_that_no_file_can_have_are_missing(tmp_path):
    home = write_published(tmp_path, [make_sample()])
    write_list(home / "train.npy", ["/x/b072/one.npy", f"/x/b072/{'n' * 300}.npy"])
    with pytest.raises(DatasetError, match="1 of 2 files"):
        hlsmask.samples.open(home, "train")


def test_folders_may_be_links(tmp_path):
    write_published(tmp_path / "disk", [make_sample("b0/one", split="")])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "b0").symlink_to(tmp_path / "disk" / "b0")
    (tmp_path / "data" / "b0" / "loop").symlink_to(tmp_path / "data")
    assert len(hlsmask.samples.open(tmp_path / "data")) == 1


@pytest.mark.parametrize(
    "content",
    [b"\x80\x04Nr\xff\xff\xff\x7f.", b"\x80\x04\x8e" + (2**50).to_bytes(8, "little"), b"\x80\x04\x96" + b"\xff" * 8],
)
def test_a_few_bytes_take_no_large_memory(tmp_path, content):
    home = write_published(tmp_path, [make_sample()])
    with (home / "train.npy").open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (1,)})
        file.write(content)
    with pytest.raises(DatasetError, match=r"train\.npy"):
        hlsmask.samples.open(home, "train")


@given(st.integers(0, 10**9), st.integers(0, 255))
def test_whatever_byte_is_wrong_the_others_go_on(tmp_path_factory, place, byte):
    home = tmp_path_factory.mktemp("data")
    write_published(home, [make_sample(size=64), make_sample("b072/two", 64, seed=1)])
    path = home / "b072" / "one.npy"
    content = bytearray(path.read_bytes())
    content[place % 400] = byte  # in the headers, where it hurts
    path.write_bytes(content)
    samples = hlsmask.samples.open(home)
    try:
        samples[0]
    except SampleError as error:
        assert "one.npy" in str(error)  # noqa: PT017 - it may be harmless too
    assert samples[1][0].shape == (6, 64, 64)


def test_what_is_said_of_odd_arguments(tmp_path, run):
    home = write_published(tmp_path / "da[red]ta", [make_sample()])
    code, out, _ = run("samples", "check", home)
    assert code == 0
    assert "da[red]ta" in out
    assert run("samples", "check", home, "--workers", "0")[0] == 2
    code, _, err = run("samples", "convert", home, "--out", home)
    assert code == 2
    assert "into itself" in err
    code, _, err = run("samples", "check", tmp_path / "nowhere")
    assert code == 1
    assert "is no folder" in err


@pytest.mark.parametrize(
    ("satellite", "platform", "sensor"),
    [
        ("L8", "L8", "L30"),
        ("S2B", "S2B", "S30"),
        ("Sentinel-2A", "S2A", "S30"),
        ("Landsat-9", "L9", "L30"),
        ("S30", "", "S30"),
        ("", "", ""),
    ],
)
def test_satellites_by_their_usual_names(tmp_path, satellite, platform, sensor):
    home = write_published(tmp_path, [make_sample(platform=satellite)])
    record = hlsmask.samples.open(home).record(0)
    assert (record.platform, record.sensor) == (platform, sensor)
