"""Another card in a file of weights: what reads the file goes by it, and nothing else has changed."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
import safetensors.numpy
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

import hlsmask
from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, MissingPackageError, ModelError, OutputError, UsageError
from hlsmask.inference.choose import choose
from hlsmask.inference.options import Options
from hlsmask.masks import Mask
from hlsmask.models import create, load, save
from hlsmask.models.cards import rewrite
from hlsmask.models.headers import read_header

SURE = {Mask.WATER: 0.0, Mask.CLOUD: 1.0}


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return create("hlsmask_s", masks=[Mask.WATER, Mask.CLOUD]).eval()


@pytest.fixture
def ours(net, tmp_path):
    return save(net, tmp_path / "ours.safetensors")


@pytest.fixture
def judged(net):
    """A card as evaluation makes it, longer than the one that is there."""
    return replace(net.card, thresholds=SURE, provenance={"évaluation": {"scores": [0.123456789] * 99}})


def masks_of(path):
    scene = np.random.default_rng(0).random((6, 64, 64), dtype=np.float32)
    return hlsmask.predict(scene, model=str(path), workers=1)


def test_predict_goes_by_the_new_thresholds(ours, make_network):
    for path in (ours, make_network()):
        for thresholds in (SURE, {Mask.WATER: 1.0, Mask.CLOUD: 0.0}):
            card = replace(choose(Options(model=str(path))).card, thresholds=thresholds)
            rewrite(path, card)
            assert choose(Options(model=str(path))).card == card
            masks = masks_of(path)
            for mask, threshold in thresholds.items():
                assert (masks[mask].values == 1 - threshold).all()


def test_tensors_and_all_else_stay_byte_for_byte(ours, judged):
    before, start = ours.read_bytes(), read_header(ours).end
    tensors = safetensors.numpy.load_file(ours)
    rewrite(ours, judged)
    after, begin = ours.read_bytes(), read_header(ours).end
    assert after[begin:] == before[start:]
    assert begin % 8 == 0
    for name, tensor in safetensors.numpy.load_file(ours).items():
        np.testing.assert_array_equal(tensor, tensors[name], strict=True)
    assert load(ours).card == judged
    rewrite(ours, load(ours).card)
    assert ours.read_bytes() == after


def test_what_others_noted_in_the_file_stays(judged, tmp_path):
    path = tmp_path / "noted.safetensors"
    entries = {"author": "Zoë", METADATA_KEY: replace(judged, thresholds={}).to_json()}
    path.write_bytes(safetensors.numpy.save({"b": np.arange(3), "a": np.zeros((2, 0))}, entries))
    rewrite(path, judged)
    with safe_open(path, framework="np") as file:
        assert file.metadata() == {"author": "Zoë", METADATA_KEY: judged.to_json()}
        assert sorted(file.keys()) == ["a", "b"]
        np.testing.assert_array_equal(file.get_tensor("b"), np.arange(3))


@given(
    shapes=st.dictionaries(st.text(min_size=1, max_size=5), st.lists(st.integers(0, 4), max_size=3), max_size=4),
    told=st.dictionaries(st.text(max_size=8), st.text(max_size=9), max_size=3),
)
def test_any_file_that_the_library_writes_is_read_back_by_it(shapes, told, tmp_path_factory):
    shapes.pop("__metadata__", None)
    tensors = {
        name: np.arange(np.prod(shape, dtype=int), dtype="int16").reshape(shape) for name, shape in shapes.items()
    }
    path = tmp_path_factory.mktemp("any") / "any.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors, {**told, METADATA_KEY: Card("a", (Mask.WATER,)).to_json()}))
    card = Card("another", (Mask.WATER,), version="é" * len(shapes))
    rewrite(path, card)
    with safe_open(path, framework="np") as file:
        assert file.metadata() == {**told, METADATA_KEY: card.to_json()}
        for name in file.keys():  # noqa: SIM118 - no mapping
            np.testing.assert_array_equal(file.get_tensor(name), tensors[name], strict=True)


def test_the_network_of_an_onnx_file_stays(make_network):
    path = make_network()
    before = onnx.load(path)
    rewrite(path, replace(Card("tiny", tuple(Mask)), version="2"))
    after = onnx.load(path)
    assert after.graph == before.graph
    assert (after.ir_version, after.opset_import) == (before.ir_version, before.opset_import)
    onnx.checker.check_model(after)


def test_tensors_in_another_file_stay_there_and_are_not_read(make_network, tmp_path):
    path = make_network()
    model = onnx.load(path)
    onnx.save_model(model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    data = tmp_path / "weights.bin"
    content = data.read_bytes()
    card = choose(Options(model=str(path))).card
    data.rename(tmp_path / "away.bin")
    rewrite(path, replace(card, thresholds=SURE))
    (tmp_path / "away.bin").rename(data)
    assert data.read_bytes() == content
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tiny.onnx", "weights.bin"]
    assert (masks_of(path)["water"].values == 1).all()


def test_a_card_for_other_masks_is_refused(ours, net, make_network):
    swapped = replace(net.card, masks=(Mask.CLOUD, Mask.WATER))
    for path, card in ((ours, swapped), (ours, replace(net.card, masks=tuple(Mask))), (make_network(), net.card)):
        before = path.read_bytes()
        with pytest.raises(CardError, match=r"gives water, cloud.*; a card for .* does not fit"):
            rewrite(path, card)
        assert path.read_bytes() == before


def test_files_that_have_no_card_to_rewrite(make_network, tmp_path, judged, ours):
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes(safetensors.numpy.save({"a": np.zeros(3)}))
    for path in (bare, make_network(with_card=False)):
        with pytest.raises(CardError, match="has no card"):
            rewrite(path, judged)
    with pytest.raises(UsageError, match=r"x\.pth\.tar has no card to rewrite"):
        rewrite(tmp_path / "x.pth.tar", judged)
    for name in ("no.safetensors", "no.onnx"):
        with pytest.raises(ModelError, match="No such file"):
            rewrite(tmp_path / name, judged)
    whole = ours.read_bytes()
    for content in (whole[:-1], whole[:50], b"", b"text of some length", (2).to_bytes(8, "little") + b"[]"):
        ours.write_bytes(content)
        with pytest.raises(ModelError, match=r"ours\.safetensors is cut off or no \.safetensors file"):
            rewrite(ours, judged)
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ModelError, match=r"text\.onnx is cut off or no \.onnx file"):
        rewrite(tmp_path / "text.onnx", judged)


def test_without_the_package_onnx_it_says_what_to_install(make_network, ours, judged, monkeypatch):
    path = make_network()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackageError, match=r'needs onnx.*pip install "hlsmask\[train\]"'):
        rewrite(path, choose(Options(model=str(path))).card)
    rewrite(ours, judged)


def test_safetensors_need_no_package(ours, judged, tmp_path, light):
    rewrite(ours, judged)
    ended = light("models", "show", ours, "--json")
    assert json.loads(ended.stdout)["card"]["thresholds"] == {"water": 0.0, "cloud": 1.0}
    assert list(tmp_path.iterdir()) == [ours]


def test_a_full_disk_leaves_the_file_as_it_was(ours, judged, make_network):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    runs = make_network(replace(judged, thresholds={}))
    for path in (ours, runs):
        before, beside = path.read_bytes(), sorted(path.parent.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
        try:
            with pytest.raises(OutputError, match=rf"{path.name} cannot be written: {os.strerror(errno.EFBIG)}"):
                rewrite(path, judged)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == before
        assert sorted(path.parent.iterdir()) == beside


def test_a_link_stays_one_and_permissions_stay(ours, judged, tmp_path, make_network):
    runs = make_network(replace(judged, thresholds={}))
    (tmp_path / "links").mkdir()
    for path in (ours, runs):
        path.chmod(0o640)
        link = tmp_path / "links" / path.name
        link.symlink_to(path)
        rewrite(link, judged)
        assert link.readlink() == path
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert choose(Options(model=str(path))).card == judged
        assert list((tmp_path / "links").iterdir()) == [link]
        link.unlink()


def test_a_file_that_is_read_only_is_left_as_it_is(ours, judged):
    before = ours.read_bytes()
    ours.chmod(0o444)
    with pytest.raises(OutputError, match=r"ours\.safetensors is read-only"):
        rewrite(ours, judged)
    assert ours.read_bytes() == before


def test_a_folder_that_refuses_leaves_the_file_as_it_was(ours, judged, monkeypatch):
    before = ours.read_bytes()

    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("hlsmask.aside.tempfile.mkdtemp", refuse)
    with pytest.raises(OutputError, match=r"ours\.safetensors cannot be written: Permission denied"):
        rewrite(ours, judged)
    assert ours.read_bytes() == before
