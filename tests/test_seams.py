"""How a scene is cut leaves no trace where windows share all that a network sees."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hlsmask.card import Card
from hlsmask.inference.options import Options
from hlsmask.masks import Mask
from hlsmask.testing import simulate_granule, write_bands, write_granule

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CARD = Card("tiny", (Mask.WATER,), output="probabilities", size=64, overlap=32, multiple=8)


@pytest.fixture
def seams(monkeypatch):
    """Import the benchmark, which lies beside the package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("seams")


@pytest.fixture
def scene(tmp_path):
    bands = np.random.default_rng(0).integers(100, 9000, (6, 150, 170)).astype(np.int16)
    return write_bands(tmp_path / "scene.tif", bands, names=None)


def blurs(side):
    """Return the weights of a network that averages the green band of `side` x `side` pixels."""
    weight = np.zeros((1, 6, side, side), np.float32)
    weight[0, 1] = 1 / side**2
    return weight


def test_a_network_that_sees_less_than_the_overlap_has_none(seams, make_network, scene):
    found = seams.compare(scene, (64, 96), Options(model=str(make_network(CARD, weight=blurs(5)))))
    assert found.keys() == {"water"}
    assert (found["water"].same, found["water"].turned) == (1, 0)
    assert found["water"].largest < 1e-6


@pytest.mark.parametrize("windows", [(300, 512), (64, 700)])
def test_windows_leave_no_trace_where_the_card_tells_how_far_a_network_sees(seams, make_network, tmp_path, windows):
    """Nothing is blended then, and an overlap that is too small is raised: the same numbers, but for rounding."""
    bands = np.random.default_rng(1).integers(100, 9000, (6, 900, 840)).astype(np.int16)
    scene = write_bands(tmp_path / "large.tif", bands, names=None)
    network = make_network(replace(CARD, view=16), weight=blurs(33))
    found = seams.compare(scene, windows, Options(model=str(network), overlap=8))
    assert found["water"].largest < 1e-6


def test_a_network_that_sees_more_is_found_out(seams, make_network, scene):
    found = seams.compare(scene, (64, 96), Options(model=str(make_network(CARD, weight=blurs(61)))))
    assert found["water"].same < seams.LEAST
    assert found["water"].largest > seams.MOST


def test_the_default_network_has_none(seams, tmp_path):
    folder = write_granule(simulate_granule(1100, 0), tmp_path)
    found = seams.compare(folder, (512, 1024), Options(engine="onnx"))
    assert max(one.largest for one in found.values()) < 1e-3, found
