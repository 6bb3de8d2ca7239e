"""A network that is told what is kept of a window gives that alone, as it gives it of the whole."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from hlsmask import models, weights
from hlsmask.errors import CardError
from hlsmask.inference.onnx import OnnxEngine
from hlsmask.inference.openvino import OpenVinoEngine
from hlsmask.models.kept import KEPT

WINDOWS = [
    (slice(128, 256), slice(128, 240)),  # in the middle, as windows of a scene have it
    (slice(0, 256), slice(112, 368)),  # at the scene's edges
    (slice(0, 384), slice(0, 368)),  # all of it
    (slice(131, 202), slice(5, 77)),  # no multiples of 16
    (slice(15, 17), slice(352, 368)),
]


@pytest.fixture(scope="module")
def net():
    """Return the default network: its weights make the most of what they see."""
    return models.load("hlsmask_s").eval()


@pytest.fixture(scope="module")
def path(net, tmp_path_factory):
    return models.export(net, tmp_path_factory.mktemp("margins") / "net.onnx")


@pytest.fixture(scope="module")
def bands():
    """Return ground with bright, sharp things all over it, so that every layer has something to see."""
    rng = np.random.default_rng(0)
    coarse = rng.random((1, 6, 24, 23), np.float32).repeat(16, 2).repeat(16, 3)
    return coarse * rng.random((1, 1, 384, 368), np.float32)


@pytest.mark.parametrize("kept", WINDOWS, ids=str)
def test_what_is_kept_is_what_the_whole_window_has_there(path, bands, kept):
    engine = OnnxEngine(path, threads=1)
    assert engine.cuts
    np.testing.assert_allclose(engine(bands, kept), engine(bands)[:, :, *kept], atol=1e-5)


def test_who_does_not_ask_gets_all(net, path, bands):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["bands"]
    taken = net.card.normalize(bands)
    (given,) = session.run(None, {"bands": taken})
    (asked,) = session.run(None, {"bands": taken, KEPT: np.array([0, 0, *bands.shape[2:]])})
    assert given.shape == (1, 5, *bands.shape[2:])
    np.testing.assert_array_equal(asked, given)


def test_less_is_computed(path, bands):
    model = onnx.load(path)
    between = [node.output[0] for node in model.graph.node if node.op_type == "Conv"]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in between)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    kept = np.array([128, 128, 256, 240])
    whole, part = (session.run(between, {"bands": bands, **asked}) for asked in ({}, {KEPT: kept}))
    sizes = dict(zip(between, ((a.size, b.size) for a, b in zip(whole, part, strict=True)), strict=True))
    assert sum(b for _, b in sizes.values()) < 0.7 * sum(a for a, _ in sizes.values())
    assert sizes[between[-1]] == (5 * 192 * 184, 5 * 80 * 72)


@pytest.mark.parametrize("narrow", [1, 4])
def test_margins_are_no_wider_than_they_must_be(monkeypatch, net, bands, tmp_path, narrow):
    """With a block less of either margin, what is kept is no longer what it was."""
    less = {None: None, 1: 1, 4: 4} | {narrow: narrow - 1}
    cuts = tuple(replace(one, margin=less[one.margin], within=less[one.within]) for one in net.backbone.cuts)
    monkeypatch.setattr(type(net.backbone), "cuts", cuts)
    engine = OnnxEngine(models.export(net, tmp_path / "net.onnx"), threads=1)
    kept = WINDOWS[0]
    assert np.abs(engine(bands, kept) - engine(bands)[:, :, *kept]).max() > 1e-4


def test_openvino_reads_the_same_file(path, bands):
    ours, theirs = OpenVinoEngine(path, threads=1), OnnxEngine(path, threads=1)
    assert ours.halved
    for kept in WINDOWS:
        np.testing.assert_allclose(ours(bands, kept), theirs(bands, kept), atol=1e-3)


def test_openvino_computes_less_too(path, bands):
    engine = OpenVinoEngine(path, threads=1)
    (given, (top, left)) = engine.compute(engine.card.normalize(bands), (range(128, 256), range(128, 240)))
    assert given.shape == (1, 5, 80, 72)  # of half the size, and a block of 16 pixels around
    assert (top, left) == (112, 112)


@pytest.mark.parametrize("engine", [OnnxEngine, OpenVinoEngine])
def test_the_network_that_is_shipped_leaves_margins_out(engine):
    assert engine(weights.shipped("hlsmask_s"), threads=1).cuts


def test_a_network_that_gives_too_little_is_refused(monkeypatch, path, bands):
    engine = OnnxEngine(path, threads=1)
    enough = engine.compute
    monkeypatch.setattr(engine, "compute", lambda *asked: (enough(*asked)[0][..., :-1], (128, 128)))
    with pytest.raises(CardError, match=r"gave \(1, 5, 128, 111\) for a window of \(1, 6, 384, 368\)"):
        engine(bands, WINDOWS[0])
