"""The openvino engine gives what onnxruntime gives, is taken by itself where it is installed, and refuses plainly."""

import json
import sys

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hlsmask import weights
from hlsmask.errors import CardError, ModelError, UsageError
from hlsmask.inference.onnx import OnnxEngine
from hlsmask.inference.openvino import OpenVinoEngine
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.inference.spectral import Spectral
from hlsmask.testing import simulate_granule, tiny_granule

openvino = pytest.importorskip("openvino", reason="openvino is not installed: pip install 'hlsmask[openvino]'")

NAME = weights.DEFAULT
VERSION = openvino.__version__.partition("-")[0]


@pytest.fixture
def found(monkeypatch):
    """Let `--engine auto` see that openvino is there."""
    monkeypatch.setattr("hlsmask.inference.openvino.is_installed", lambda: True)


@pytest.fixture(scope="module")
def both():
    """Load the shipped network twice."""
    path = weights.shipped(NAME)
    return OnnxEngine(path, threads=1), OpenVinoEngine(path, threads=1)


def masks_of(engine, bands):
    thresholds = np.array([engine.card.threshold(mask) for mask in engine.card.masks])[:, None, None]
    return engine(bands) > thresholds


@pytest.mark.parametrize("shape", [(256, 256), (96, 160), (32, 32)])
def test_masks_agree_with_onnxruntime(both, shape):
    bands = simulate_granule(256, seed=3, fill=False).bands[None, :, : shape[0], : shape[1]].astype(np.float32) / 1e4
    bands[..., :5, :] = np.nan
    ours, theirs = both[1](bands), both[0](bands)
    assert (masks_of(both[1], bands) == masks_of(both[0], bands)).mean() >= 0.999
    np.testing.assert_allclose(ours, theirs, atol=5e-3)


def test_shapes_may_come_in_any_order(both):
    """One of them has a form of its own, and which it is changes."""
    rng = np.random.default_rng(0)
    for shape in [(1, 64, 64), (1, 96, 64), (1, 96, 64), (2, 64, 64), (1, 96, 64), (1, 64, 64), (1, 64, 64)]:
        bands = rng.random((shape[0], 6, *shape[1:]), np.float32)
        np.testing.assert_allclose(both[1](bands), both[0](bands), atol=5e-3)


def test_masks_agree_on_a_real_scene(both, shared):
    bands = np.load(shared / "s2_cloud_scene.npz")["bands"][None].astype(np.float32)
    agree = (masks_of(both[1], bands) == masks_of(both[0], bands)).mean((0, 2, 3))
    assert agree.min() >= 0.999, agree


def test_what_it_gave_stays_when_it_computes_again(both):
    rng = np.random.default_rng(0)
    first = both[1](rng.random((1, 6, 64, 64), np.float32))
    kept = first.copy()
    both[1](rng.random((1, 6, 64, 64), np.float32))
    np.testing.assert_array_equal(first, kept)


def test_what_is_kept_is_what_it_gives_there_and_bands_stay_as_they_were(both):
    bands = np.random.default_rng(0).random((2, 6, 96, 128), np.float32)
    before, kept = bands.copy(), (slice(32, 64), slice(0, 96))
    for engine in (*both, Spectral()):
        whole = engine(bands)
        np.testing.assert_array_equal(engine(bands, kept), whole[:, :, *kept])
        np.testing.assert_array_equal(bands, before)
        np.testing.assert_array_equal(engine(bands.copy(), kept, overwrite=True), whole[:, :, *kept])


@pytest.mark.parametrize(
    ("strides", "told", "halved"),
    [
        ([2, 2], {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, True),
        ([2, 2], {"mode": "linear", "coordinate_transformation_mode": "align_corners"}, False),
        ([2, 2], {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}, False),
        ([2, 2], {"mode": "nearest", "coordinate_transformation_mode": "half_pixel"}, False),
        ([1, 2], {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, False),
        ([4, 4], {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, False),
    ],
    ids=str,
)
def test_logits_may_be_brought_to_full_size_in_any_way(make_network, strides, told, halved):
    """What is left to us of it is what onnxruntime does there."""
    path = make_network(weight=np.random.default_rng(1).normal(0, 1, (5, 6, 3, 3)))
    model = onnx.load(path)
    (conv,) = model.graph.node
    conv.output[0] = "small"
    conv.attribute.append(helper.make_attribute("strides", strides))
    factors = np.array([1, 1, *strides], np.float32)
    model.graph.initializer.append(numpy_helper.from_array(factors, "factors"))
    model.graph.node.append(helper.make_node("Resize", ["small", "", "factors"], ["masks"], **told))
    onnx.save(model, path)
    ours, theirs = OpenVinoEngine(path, threads=1), OnnxEngine(path, threads=1)
    assert ours.halved == halved
    bands = np.random.default_rng(0).random((2, 6, 48, 64), np.float32)
    for kept in [(slice(None), slice(None)), (slice(8, 31), slice(5, 64))]:
        np.testing.assert_allclose(ours(bands, kept), theirs(bands, kept), atol=1e-4)


@pytest.mark.usefixtures("found")
def test_it_is_taken_by_itself_and_the_item_names_it(run, tmp_path):
    folder = tiny_granule(tmp_path)
    code, _, err = run("predict", folder, "--out", tmp_path / "out")
    assert code == 0, err
    told = json.loads((tmp_path / "out" / folder.name / f"{folder.name}.json").read_text())["properties"]
    assert told["hlsmask:engine"] == f"openvino {VERSION}"
    assert told["processing:software"] == {"hlsmask": told["processing:software"]["hlsmask"], "openvino": VERSION}


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "openvino"),
        ({"device": "cpu"}, "openvino"),
        ({"model": NAME, "engine": "openvino"}, "openvino"),
        ({"engine": "onnx"}, "onnxruntime"),
        ({"engine": "torch", "device": "cpu"}, "torch"),
    ],
    ids=str,
)
def test_what_is_asked_for_decides_what_runs(options, name):
    assert open_engine(Options(**options)).name.split()[0] == name


@pytest.mark.usefixtures("found")
def test_a_gpu_goes_before_it(monkeypatch, make_network):
    monkeypatch.setattr("hlsmask.inference.onnx.has_gpu", lambda: True)
    monkeypatch.setattr("hlsmask.inference.onnx._providers", lambda _: ["CPUExecutionProvider"])
    assert open_engine(Options(model=str(make_network()))).name.split()[0] == "onnxruntime"
    assert open_engine(Options(model=str(make_network()), device="cpu")).name.split()[0] == "openvino"


@pytest.mark.usefixtures("found")
def test_what_it_cannot_run_onnxruntime_runs(monkeypatch, make_network):
    def refuse(*_, **__):
        raise RuntimeError("no such operation")

    monkeypatch.setattr(openvino.Core, "read_model", refuse)
    path = str(make_network())
    assert open_engine(Options(model=path)).name.split()[0] == "onnxruntime"
    with pytest.raises(ModelError, match=r"tiny\.onnx is no network that openvino can run: no such operation"):
        open_engine(Options(model=path, engine="openvino"))


def test_what_it_cannot_do_is_refused(monkeypatch, make_network, tmp_path):
    path = make_network()
    with pytest.raises(UsageError, match="leave out --device cuda"):
        OpenVinoEngine(path, device="cuda")
    with pytest.raises(CardError, match="has no card"):
        OpenVinoEngine(make_network(with_card=False))
    with pytest.raises(CardError, match=r"takes \[None, 7, None, None\]"):
        OpenVinoEngine(make_network(inputs=7))
    with pytest.raises(ModelError, match="cannot be read"):
        OpenVinoEngine(tmp_path / "nowhere.onnx")
    with pytest.raises(UsageError, match="--engine openvino cannot run"):
        open_engine(Options(model="net.safetensors", engine="openvino"))
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r'needs openvino: pip install "hlsmask\[openvino\]"'):
        open_engine(Options(model=str(make_network()), engine="openvino"))
