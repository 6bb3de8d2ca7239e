"""Simulated samples as a user asks for them: parameters, the stream for training, the command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clear_ground import CLOUD, KINDS, SNOW, STILL, TERRAIN, WATER, ground, held
from hlsmask.errors import SampleError, UsageError
from hlsmask.samples.division.footprints import square_of
from hlsmask.samples.division.ground import Ground
from hlsmask.samples.memory import HeldSamples
from hlsmask.samples.sample import Record, Sample
from hlsmask.samples.simulate import SimulatedSamples, Simulation, simulated
from hlsmask.samples.simulate import stream as streams
from hlsmask.samples.simulate.ground import Relief
from hlsmask.samples.simulate.sky import Clouds

ranges = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda ends: (min(ends), max(ends)))


@given(share=st.floats(0, 1), cover=ranges, meaning=st.sampled_from(["shad", "shad+cast"]))
def test_parameters_are_written_down_and_read_back(share, cover, meaning):
    clouds = replace(Clouds(share=share), cumulus=replace(Clouds().cumulus, cover=cover))
    simulation = Simulation(clouds=clouds, relief=Relief(meaning=meaning))
    assert Simulation.from_json(simulation.to_json()) == simulation
    assert Simulation.from_dict(json.loads(simulation.to_json())) == simulation


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"cluods": {}}, "has no parameter 'cluods'; it has ground"),
        ({"clouds": {"share": "much"}}, "simulation.clouds.share is 'much'; use a number"),
        ({"clouds": {"share": 1.5}}, "Clouds.share is 1.5; use a number from 0 to 1"),
        (
            {"clouds": {"cumulus": {"height": [2000, 500]}}},
            "Cumulus.height is .2000.0, 500.0.; use two numbers, least first",
        ),
        ({"light": {"zenith": [10, 89]}}, "Light.zenith"),
        ({"light": {"zenith": 10}}, "use two numbers"),
        ({"relief": {"meaning": "cast"}}, "use shad.cast or shad"),
        ({"snow": 3}, "must be a table"),
        ({"pixel": float("nan")}, "Simulation.pixel"),
        ({"pixel": 10**400}, "simulation.pixel is a whole number too large"),
        ({"clouds": {kind: {"weight": 0} for kind in KINDS[5:]}}, "Clouds.high is 0.25, but all kinds"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tables, words):
    with pytest.raises(UsageError, match=words):
        Simulation.from_dict(tables)


def test_the_stream_is_shared_among_workers_and_comes_again(monkeypatch):
    def numbers(ident: int | None, count: int) -> list[torch.Tensor]:
        info = None if ident is None else type("Info", (), {"id": ident, "num_workers": 2})()
        monkeypatch.setattr(streams, "get_worker_info", lambda: info)
        row = iter(SimulatedSamples(held(), size=64, seed=5, together=3))
        return [next(row)[0].nan_to_num(9) for _ in range(count)]

    alone, first, second = numbers(None, 8), numbers(0, 4), numbers(1, 4)
    for k in range(4):
        assert torch.allclose(alone[2 * k], first[k], atol=2e-5)
        assert torch.allclose(alone[2 * k + 1], second[k], atol=2e-5)


def test_backgrounds_are_mirrored_enlarged_and_passed_over_where_they_show_nothing():
    row = SimulatedSamples(held(size=64), STILL, size=160, seed=1)
    bands, labels, _ = row.batch(range(6))
    assert bands.shape == (6, 6, 160, 160)
    assert torch.equal(bands.isnan().any(1), (labels == 255).all(1))
    wet = (labels[:, WATER] == 1) & ~bands.isnan().any(1)
    assert wet.any()
    assert (bands[:, 3][wet] < 0.2).all()
    nothing = held(size=64)
    for number in range(3):
        nothing.sample(number).bands[:] = -9999
    with pytest.raises(SampleError, match="nothing but fill"):
        SimulatedSamples(nothing, STILL, size=64).batch([0])
    with pytest.raises(UsageError, match="no samples"):
        SimulatedSamples(HeldSamples([]), STILL)


def test_a_patchwork_is_ground_of_two_backgrounds_with_their_labels():
    samples = held(2, 64)
    for number, level in enumerate((1000, 3000)):
        samples.sample(number).bands[:] = level
        samples.sample(number).labels[:] = 0
        samples.sample(number).labels[WATER] = number
    ground = replace(STILL.ground, patchwork=1)
    row = SimulatedSamples(samples, replace(STILL, ground=ground), size=64, seed=5)
    bands, labels, _ = row.batch(range(24))
    second = bands[:, 3] > 0.2
    assert torch.equal(labels[:, WATER] == 1, second)
    shares = second.float().mean((1, 2))
    both = (shares > 0) & (shares < 1)
    assert 6 <= both.sum() <= 18  # in half of the windows both draws are the same background
    assert 0.3 < shares[both].mean() < 0.7
    alone, known, _ = row.batch([7])
    assert torch.allclose(alone[0], bands[7], atol=2e-5)
    assert torch.equal(known[0], labels[7])


def test_a_patchwork_is_not_stored(run, store, tmp_path):
    words = ("samples", "simulate", "--backgrounds", store, "--size", 64, "--ground.patchwork", 0.5)
    code, _, err = run(*words, "--out", tmp_path / "out", "--count", 2, "--device", "cpu")
    assert code == 2
    assert err.count("\n") == 1
    assert "windows of two places" in err
    assert not (tmp_path / "out").exists()
    mixed = replace(STILL, ground=replace(STILL.ground, patchwork=0.5))
    with pytest.raises(UsageError, match="leave it out"):
        next(simulated(SimulatedSamples(held(), mixed, size=64), [0]))


def test_terrain_shadow_of_another_meaning_is_not_taken_for_known():
    bands, labels = ground(1, 64)
    labels[:, TERRAIN, 10:20] = 1
    stored = (bands[0].numpy() * 10000).astype(np.int16)
    one = HeldSamples([Sample.of(Record(id="a", size=64, terrain_shadow="shad"), stored, labels[0].numpy())])
    both = SimulatedSamples(one, STILL, size=64).batch([0, 1])[1][:, TERRAIN]
    assert set(both.unique().tolist()) <= {1, 255}
    alone = replace(STILL, relief=Relief(share=0, meaning="shad"))
    same = SimulatedSamples(one, alone, size=64).batch([0, 1])[1][:, TERRAIN]
    assert 0 in same.unique().tolist()


@pytest.fixture
def store(tmp_path):
    pytest.importorskip("zarr")
    from hlsmask.samples.store import StoreWriter  # noqa: PLC0415 - after the check

    with StoreWriter(tmp_path / "backgrounds") as writer:
        samples = held(split="train", sensor="S30")
        for number in range(len(samples)):
            writer.append(samples.sample(number))
    return tmp_path / "backgrounds"


def test_the_command_writes_a_store_that_opens_and_goes_on(run, store, tmp_path):
    from hlsmask.samples import open as open_samples  # noqa: PLC0415 - needs zarr

    words = ("samples", "simulate", "--backgrounds", store, "--size", 64, "--seed", 3, "--clouds.share", 1)
    for name, counts in (("at_once", (12,)), ("in_two", (5, 12))):
        for count in counts:
            code, out, err = run(*words, "--out", tmp_path / name, "--count", count, "--device", "cpu")
            assert (code, err) == (0, "")
            assert f"{count} samples" in out
    whole, parts = open_samples(tmp_path / "at_once"), open_samples(tmp_path / "in_two")
    names = {parts.record(k).id: k for k in range(12)}
    assert len(whole) == len(parts) == 12
    for number in range(12):
        record = whole.record(number)
        assert (record.source, record.terrain_shadow, record.split) == ("simulated", "shad+cast", "train")
        assert (record.tile, record.sensor, record.size, record.row) == ("13TDE", "S30", 64, None)
        first, second = whole.sample(number), parts.sample(names[record.id])
        assert np.abs(first.bands.astype(int) - second.bands).max() <= 1
        assert (first.labels != second.labels).mean() < 1e-3
    assert any((whole.sample(number).bands[0] == -9999).any() for number in range(12))
    code, _, err = run(*words, "--out", tmp_path / "at_once", "--count", 12, "--snow.share", 1)
    assert code != 0
    assert str(tmp_path / "at_once") in err


def divided(*records: Record, by: str) -> list[str]:
    """Return the group of each record in division."""
    ground = Ground.under(records, by, 25.0)
    return [ground.names[at] for at in ground.groups]


@pytest.mark.parametrize("tile", ["", "13TDE"])
@pytest.mark.parametrize("split", ["", "train"])
@pytest.mark.parametrize("side", [96, 640])
def test_windows_of_a_background_stay_together_in_division(tile, split, side):
    place = {"crs": "EPSG:32613", "left": 500000.0, "top": 4500000.0, "split": split, "tile": tile}
    row = SimulatedSamples(HeldSamples([replace_record(held(1, side), **place)]), STILL, size=64, seed=1)
    records = [sample.record for sample in simulated(row, range(4))]
    assert {record.split for record in records} == {split}
    assert {record.granule for record in records} == {"background:b0"}
    assert {record.tile for record in records} == {tile}
    assert all((record.left, record.top, record.row, record.col) == (None,) * 4 for record in records)
    placed = bool(split)  # else its ground could be anywhere on the larger background
    assert all((square_of(record) is not None) == placed for record in records)
    for by in ("tile", "block"):
        assert len(set(divided(*records, by=by))) == 1
    if placed:
        middle = 500000 + side * 15, 4500000 - side * 15
        square = square_of(records[0])
        assert (square.left + square.side / 2, square.top - square.side / 2) == pytest.approx(middle, abs=0.1)


def test_a_background_of_the_windows_size_keeps_its_place():
    place = {"crs": "EPSG:32613", "left": 500000.0, "top": 4500000.0, "granule": "G"}
    row = SimulatedSamples(HeldSamples([replace_record(held(1, 64), **place)]), STILL, size=64, seed=1)
    record = next(simulated(row, [0])).record
    square = square_of(record)
    assert (square.left, square.top, square.side) == pytest.approx((500000, 4500000, 1920), abs=0.1)
    assert record.granule == "G"


def replace_record(samples: HeldSamples, **values: object) -> Sample:
    sample = samples.sample(0)
    return replace(sample, record=replace(sample.record, **values))


def test_a_store_is_not_gone_on_with_over_backgrounds_that_were_divided_anew(run, tmp_path):
    pytest.importorskip("zarr")
    from hlsmask.samples.store import StoreWriter  # noqa: PLC0415 - after the check

    words = ("samples", "simulate", "--backgrounds", tmp_path / "below", "--out", tmp_path / "out", "--size", 64)
    for split, wanted in (("train", 0), ("test", 2)):
        shutil.rmtree(tmp_path / "below", ignore_errors=True)
        with StoreWriter(tmp_path / "below") as writer:
            writer.append(held(1, split=split).sample(0))
        code, _, err = run(*words, "--count", 2, "--device", "cpu")
        assert code == wanted, err
    assert "divided=" in err


@pytest.mark.parametrize("kind", KINDS)
def test_one_option_of_a_kind_of_cloud_may_be_given_alone(run, store, tmp_path, kind):
    from hlsmask.samples.store.reading import check_version  # noqa: PLC0415 - needs zarr

    words = ("samples", "simulate", "--backgrounds", store, "--out", tmp_path / "out", "--count", 1, "--size", 64)
    code, _, err = run(*words, "--device", "cpu", f"--clouds.{kind}.height", 500, 1500)
    assert (code, err) == (0, "")
    wanted = getattr(Clouds(), kind)
    simulation = Simulation.from_dict(check_version(tmp_path / "out")["options"]["simulation"])
    assert getattr(simulation.clouds, kind) == replace(wanted, height=(500, 1500))


def test_the_contact_sheet_is_a_picture_and_all_that_is_written(run, store, tmp_path):
    sheet = tmp_path / "sheet.png"
    code, out, _ = run(
        "samples",
        "simulate",
        "--backgrounds",
        store,
        "--preview",
        sheet,
        "--windows",
        3,
        "--size",
        64,
        "--device",
        "cpu",
    )
    assert code == 0
    assert str(sheet) in out
    with Image.open(sheet) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[0] > 2 * 64
    assert pixels.shape[1] > 6 * 64
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backgrounds", "sheet.png"]


def test_parameters_come_from_a_file(run, store, tmp_path):
    file = tmp_path / "clear.TOML"
    file.write_text("[clouds]\nshare = 0\nhigh = 0\ncontrails = 0\n[snow]\nshare = 0\nice_alone = 0\n")
    words = ("samples", "simulate", "--backgrounds", store, "--out", tmp_path / "out", "--count", 4, "--size", 64)
    code, _, err = run(*words, "--parameters", file, "--device", "cpu")
    assert (code, err) == (0, "")
    from hlsmask.samples import open as open_samples  # noqa: PLC0415 - needs zarr

    labels = np.stack([pair[1] for pair in open_samples(tmp_path / "out")])
    assert not (labels[:, CLOUD] == 1).any()
    assert not (labels[:, SNOW] == 1).any()
    file.write_text("[clouds]\nshaer = 0\n")
    code, _, err = run(*words, "--parameters", file)
    assert code == 2
    assert "clear.TOML" in err
    assert "shaer" in err
    code, _, err = run(*words, "--parameters", file, "--clouds.share", 0.1)
    assert code == 2
    assert "not both" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--count", 3), "--out STORE"),
        (("--preview", "a.jpg"), "name a .png file"),
        (("--out", "x", "--size", 20), "--size is 20"),
        (("--out", "x", "--count", 0), "--count is 0"),
        (("--out", "x", "--clouds.share", 2), "Clouds.share is 2"),
    ],
)
def test_wrong_calls_are_told(run, tmp_path, words, said):
    code, out, err = run("samples", "simulate", "--backgrounds", tmp_path, *words)
    assert code in {1, 2}
    assert said in " ".join((out + err).split())
    assert not list(tmp_path.iterdir())


def test_a_device_that_is_not_there_is_told(run, store, tmp_path):
    if torch.backends.mps.is_available():
        pytest.skip("it is there")
    code, _, err = run("samples", "simulate", "--backgrounds", store, "--out", tmp_path / "out", "--device", "mps")
    assert code == 2
    assert "this machine has cpu" in err


def test_the_parameters_and_the_help_need_no_torch():
    program = (
        "import sys; import hlsmask.samples.simulate.parameters, hlsmask.cli.samples.simulate; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
