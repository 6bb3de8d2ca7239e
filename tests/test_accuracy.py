"""The benchmark of accuracy: edges left out, masks grown, paired resamples, muddy chips, peers that are not there."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hlsmask.evaluation.confusion import Confusion

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SNOW = np.array([0.7, 0.7, 0.7, 0.6, 0.1, 0.1], np.float32)
MUD = np.array([0.05, 0.09, 0.12, 0.05, 0.01, 0.01], np.float32)
FIELD = np.array([0.04, 0.08, 0.07, 0.3, 0.2, 0.1], np.float32)


@pytest.fixture
def part(monkeypatch):
    """Import a file of the benchmark, which lies beside the package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: importlib.import_module(f"accuracy_{name}")


def test_two_pixels_on_either_side_of_an_edge_do_not_count(part):
    drawn = np.zeros((1, 9, 12), np.uint8)
    drawn[:, :, 6:] = 1
    drawn[:, :, 11] = 255
    where = part("counting").away_from_edges(drawn)
    assert where.all(axis=1)[0].tolist() == [True] * 4 + [False] * 4 + [True] * 1 + [False] * 3


def test_rims_are_as_wide_on_either_side(part):
    there = np.zeros((5, 12), bool)
    there[:, 6:] = True
    for pixels in part("real").RIMS:
        rim = part("real")._rim(there, pixels)
        assert (rim == rim[0]).all()
        assert np.flatnonzero(rim[0]).tolist() == list(range(6 - pixels, 6 + pixels))


def test_masks_grow_by_one_pixel_to_all_sides_and_not_into_the_next_chip(part):
    masks = np.zeros((2, 5, 5), bool)
    masks[0, 2, 2] = True
    grown = part("counting").grown(masks)
    assert grown[0, 1:4, 1:4].all()
    assert grown.sum() == 9


def test_places_and_blocks_add_up_to_the_whole(part):
    counting = part("counting")
    rng = np.random.default_rng(1)
    said, there, where = rng.random((3, 4, 100, 90)) > 0.5
    whole = counting.counted(said, there, where)
    assert whole.count == where.sum()
    assert counting.total(counting.by_place(said, there, where, np.array([7, 3, 7, 1]))) == whole
    blocks = counting.by_block(said[0], there[0], where[0])
    assert len(blocks) == 4
    assert counting.total(blocks) == counting.counted(said[0], there[0], where[0])


def test_what_is_better_everywhere_is_ahead_in_all_resamples(part):
    good, bad = [Confusion(9, 1, 1, 9)] * 5, [Confusion(5, 5, 5, 5)] * 5
    paired = part("counting").Paired({"good": good, "bad": bad})
    assert paired.ahead("good", "bad") == 1
    assert paired.ahead("bad", "good") == 0
    assert paired.interval("good") == "0.900 to 0.900"


def test_places_are_drawn_whole_and_the_same_for_all(part):
    """One place decides between two contenders: it is in 1 - (1 - 1/n)^n of the resamples, or the two are equal."""
    same = [Confusion(5, 1, 1, 5)] * 3
    first, second = [*same, Confusion(9, 0, 0, 0)], [*same, Confusion(0, 9, 9, 0)]
    paired = part("counting").Paired({"first": first, "second": second})
    assert paired.ahead("second", "first") == 0
    assert paired.ahead("first", "second") == pytest.approx(1 - (3 / 4) ** 4, abs=0.04)
    with pytest.raises(ValueError, match="same"):
        part("counting").Paired({"first": first, "second": same})


def test_muddy_windows_are_chosen_and_those_with_snow_or_clear_water_are_not(part):
    chips = part("chips")
    window = np.broadcast_to(FIELD[:, None, None], (6, 40, 40)).copy()
    muddy, snowy, clear, small = (window.copy() for _ in range(4))
    muddy[:, :, :10] = snowy[:, :, :10] = MUD[:, None, None]
    snowy[:, :, 30:] = SNOW[:, None, None]
    clear[:, :, :10] = (MUD * np.array([1, 1, 0.5, 1, 1, 1], np.float32))[:, None, None]
    small[:, :3, :10] = MUD[:, None, None]
    bands = np.stack([muddy, snowy, clear, small, window])
    passed = np.stack([part("real").passed_by(own) for own in bands])
    assert chips.muddy(bands, passed).tolist() == [True, False, False, False, False]


def test_mirrored_windows_come_back_from_their_middle(part):
    contenders = part("contenders")
    window = np.arange(2 * 5 * 7, dtype=np.float32).reshape(2, 5, 7)
    wide = contenders.mirrored(window, 16)
    assert wide.shape == (2, 16, 16)
    np.testing.assert_array_equal(contenders.middle(wide, (5, 7)), window)


def stand_in(folder, code):
    """Write a package of the name of ukis-csmask."""
    (folder / "ukis_csmask").mkdir()
    (folder / "ukis_csmask" / "__init__.py").touch()
    (folder / "ukis_csmask" / "mask.py").write_text(code)
    return str(folder)


def test_peers_that_are_not_there_are_told(part, tmp_path, monkeypatch):
    ukis = part("contenders").Ukis
    assert "cannot be run" in ukis(str(tmp_path / "python")).why
    monkeypatch.setenv("PYTHONPATH", stand_in(tmp_path, "raise ImportError\n"))
    assert "pip install 'ukis-csmask[cpu]'" in ukis(sys.executable).why


def test_peers_are_asked_in_their_own_interpreter(part, tmp_path, monkeypatch):
    """A stand-in for ukis-csmask that sees cloud where blue is bright, and shadow where it is dark."""
    code = (
        "import numpy as np\n"
        "class CSmask:\n"
        "    def __init__(self, img, band_order, product_level, providers):\n"
        "        assert img.dtype == np.float32 and img.shape[2] == len(band_order) == 6\n"
        "        blue = img[..., band_order.index('blue')]\n"
        "        self.csm = (1 * (blue > 0.5) + 2 * (blue < 0.1))[..., None]\n"
    )
    monkeypatch.setenv("PYTHONPATH", stand_in(tmp_path, code))
    ukis = part("contenders").Ukis(sys.executable)
    ukis.why = ""  # the stand-in has no version to tell
    bands = np.full((1, 6, 4, 4), 0.3, np.float32)
    bands[0, 0, 0], bands[0, 0, 3], bands[0, 1:, 0, 0] = 0.8, 0.0, np.nan
    masks = ukis(bands, "l1c")
    assert masks.dtype == np.uint8
    assert (masks[0, 1, 0] == 1).all()
    assert (masks[0, 2, 3] == 1).all()
    assert masks[0, 1:3].sum() == 8
    assert (masks[0, [0, 3, 4]] == 255).all()


def test_masks_go_the_way_of_predict(part, make_network):
    network = make_network()
    bands = np.full((2, 6, 40, 40), 0.2, np.float32)
    bands[1] = np.nan
    masks = part("contenders").Masker(str(network))(bands)
    assert set(np.unique(masks[0])) <= {0, 1, 255}
    assert not (masks[0] == 255).all()
    assert (masks[1] == 255).all()


def test_goals_are_told_reached_or_not_and_written(part, tmp_path, capsys):
    report = part("counting").Report()
    report.table(["", "F1"], [["water", "0.9"]])
    report.goal("1. one", "0.9", reached=True)
    report.goal("2. two", "0.1", reached=False)
    report.close(tmp_path / "out.md")
    text = (tmp_path / "out.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    one, two = (line for line in text.splitlines() if line.startswith(("| 1.", "| 2.")))
    assert one.endswith("|     reached |")
    assert two.endswith("| not reached |")


def test_further_scenes_must_hold_bands_and_label(part, tmp_path):
    real = part("real")
    data, others = tmp_path / "data", tmp_path / "others"
    data.mkdir()
    others.mkdir()
    bands, label = np.zeros((6, 8, 8), np.float32), np.full((8, 8), 3, np.uint8)
    np.savez(data / "s2_cloud_scene.npz", bands=bands, label=label)
    np.savez(others / "another.npz", bands=bands, label=label)
    assert list(real.scenes_of(data, others)) == ["s2_cloud_scene", "another"]
    np.savez(others / "broken.npz", bands=bands)
    with pytest.raises(SystemExit, match=r"broken\.npz lacks bands"):
        real.scenes_of(data, others)


def test_ice_is_laid_over_chips_and_scored(part, make_network):
    """Every pixel of ice counts: a network that says nothing finds none of it."""
    chips, simulated, counting = part("chips"), part("simulated"), part("counting")
    stored = np.full((1, 6, 128, 128), 300, np.int16)
    stored[:, 3:] = 60
    own = chips.Chips(
        number=np.zeros(1, int),
        stored=stored,
        bands=stored * np.float32(1e-4),
        byte=np.full((1, 128, 128), 0b0010_0000, np.uint8),
        dem=np.zeros((1, 128, 128), np.float32),
        drawn=np.ones((1, 128, 128), np.uint8),
        place=np.zeros(1, int),
        split=np.array(["test"]),
    )
    assert chips.flat(own).all()
    report = counting.Report()
    simulated.lake_ice(report, own, part("contenders").Masker(str(make_network())), 1)
    ((_, figure, reached),) = report.goals
    assert "called cloud" in figure
    assert not reached
    assert "Simulated" in report.text


def test_without_imagery_the_command_says_where_it_looked(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "accuracy.py"), "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f"there is no real imagery at {tmp_path}" in ended.stderr
