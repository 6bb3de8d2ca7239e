"""How a scene is cut leaves no trace where a network sees no farther than its windows overlap."""

import importlib
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


def test_a_network_that_sees_more_is_found_out(seams, make_network, scene):
    found = seams.compare(scene, (64, 96), Options(model=str(make_network(CARD, weight=blurs(61)))))
    assert found["water"].same < seams.LEAST
    assert found["water"].largest > seams.MOST


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True,
    reason="hlsmask_s sees 350 pixels far and uses what it sees; windows share 128 (docs/speed.md, Seams)",
)
def test_the_default_network_has_none(seams, tmp_path):
    folder = write_granule(simulate_granule(2048, 0), tmp_path)
    found = seams.compare(folder, (512, 1024), Options(engine="onnx"))
    assert min(one.same for one in found.values()) >= seams.LEAST, found
