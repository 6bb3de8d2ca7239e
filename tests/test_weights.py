"""The shipped network: what its files hold, and that its name stands for them wherever weights are asked for."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from hlsmask import weights
from hlsmask.bands import BANDS
from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import ModelError, UsageError
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.masks import Mask
from hlsmask.models import NETWORKS, load, save
from hlsmask.models.files import sha256_of
from hlsmask.models.headers import read_header, tensors_sha256
from hlsmask.samples import Record, Sample
from hlsmask.testing import tiny_granule, write_published
from hlsmask.training.config import chosen
from hlsmask.training.options import Data, Network
from hlsmask.training.options import Options as Training
from hlsmask.training.starting import start

NAME = weights.DEFAULT
MOST = 6_000_000
"""Bytes that the files may take in the wheel."""


@pytest.fixture
def gone(monkeypatch, tmp_path):
    """Make the shipped files vanish, as from a broken install."""
    monkeypatch.setattr(weights, "_FOLDER", tmp_path / "hlsmask" / "weights")


@pytest.fixture
def data(tmp_path):
    """Write samples of the published layout, half of them to test on."""
    rng = np.random.default_rng(0)

    def make(number):
        bands = rng.integers(1, 5000, (6, 64, 64)).astype(np.int16)
        labels = rng.integers(0, 2, (5, 64, 64)).astype(np.uint8)
        return Sample.of(Record(f"b072/{number}", 64, split=("val", "test")[number % 2]), bands, labels)

    return write_published(tmp_path / "data", [make(number) for number in range(2)])


# ---------------------------------------------------------------- what is shipped


@pytest.mark.parametrize("name", weights.NAMES)
def test_the_files_are_small_and_their_cards_are_one(name):
    to_run, to_train = weights.shipped(name), weights.shipped(name, weights.TO_TRAIN)
    assert to_run.stat().st_size + to_train.stat().st_size <= MOST
    entries = onnxruntime.InferenceSession(to_run, providers=["CPUExecutionProvider"]).get_modelmeta()
    assert entries.custom_metadata_map[METADATA_KEY] == read_header(to_train).metadata[METADATA_KEY]


@pytest.mark.parametrize("name", weights.NAMES)
def test_the_card_says_what_one_must_know(name):
    path = weights.shipped(name, weights.TO_TRAIN)
    card = Card.from_json(read_header(path).metadata[METADATA_KEY])
    network = NETWORKS[name]
    assert (card.name, card.backbone, card.head) == (name, network.backbone, network.head)
    assert (card.bands, card.masks, card.elevation) == (BANDS, tuple(Mask), False)
    assert card.normalization == network.normalization
    assert set(card.thresholds) == set(Mask)
    assert card.definitions[Mask.TERRAIN_SHADOW] in ("shad", "shad+cast")
    assert card.version != "0"
    told = card.provenance
    assert all(told[key] for key in ("recipe", "data", "scores"))
    assert date.fromisoformat(told["date"])
    assert told["tensors_sha256"] == tensors_sha256(path)


@pytest.mark.parametrize("name", weights.NAMES)
def test_both_files_compute_the_same(name):
    net = load(name)
    bands = np.random.default_rng(0).random((1, 6, 96, 64), np.float32) * 0.5
    taken = net.card.normalize(bands)
    with torch.no_grad():
        wanted = net(torch.from_numpy(taken)).numpy()
    session = onnxruntime.InferenceSession(weights.shipped(name), providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {"bands": taken})
    np.testing.assert_allclose(given, wanted, atol=1e-3)


def test_names_and_paths_are_told_apart(tmp_path):
    assert weights.file_of(NAME) == weights.shipped(NAME)
    assert weights.file_of(NAME, weights.TO_TRAIN).suffix == ".safetensors"
    for path in (f"./{NAME}", tmp_path / NAME, f"{NAME}.onnx"):
        assert str(weights.file_of(path)).endswith(str(path).removeprefix("./"))
        assert not weights.is_shipped(path)
    with pytest.raises(ModelError, match="no weights of 'resnet' come with hlsmask; those of hlsmask_s do"):
        weights.shipped("resnet")


@pytest.mark.usefixtures("gone")
def test_a_broken_install_says_so_in_one_sentence(run, tmp_path):
    folder = tiny_granule(tmp_path)
    for words in (
        ("predict", folder, "--out", tmp_path / "out"),
        ("predict", folder, "--out", tmp_path / "out", "--engine", "torch"),
        ("demo", "--out", tmp_path / "demo"),
        ("models", "show", NAME),
        ("models", "export", NAME, "--out", tmp_path / "x.onnx"),
    ):
        code, out, err = run(*words)
        assert (code, out, len(err.splitlines())) == (1, "", 1)
        assert "is missing: install hlsmask anew" in err
    assert run("models", "list")[0] == 0
    assert run("predict", folder, "--out", tmp_path / "out", "--model", "spectral")[0] == 0


# ---------------------------------------------------------------- which engine runs it


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "onnxruntime"),
        ({"model": NAME, "engine": "onnx"}, "onnxruntime"),
        ({"precision": "float32"}, "onnxruntime"),
        ({"engine": "torch", "device": "cpu"}, "torch"),
        ({"precision": "bfloat16", "device": "cpu"}, "torch"),
        ({"model": "spectral"}, "spectral"),
        ({"engine": "spectral"}, "spectral"),
        ({"engine": "spectral", "partial_water": True, "dem": "dem.tif"}, "spectral"),
    ],
    ids=str,
)
def test_what_is_asked_for_decides_what_runs(options, name):
    engine = open_engine(Options(**options))
    assert engine.name.split()[0] == name
    assert engine.card.name == ("spectral" if name == "spectral" else NAME)


def test_a_network_that_takes_elevation_may_be_given_it(make_network):
    card = Card("tall", (Mask.WATER,), output="probabilities", elevation=True, size=64, overlap=32, multiple=8)
    path = make_network(card, inputs=7)
    assert open_engine(Options(model=str(path), dem="dem.tif")).card == card
    with pytest.raises(UsageError, match=r"tiny\.onnx does not"):
        open_engine(Options(model=str(make_network()), dem="dem.tif"))


# ---------------------------------------------------------------- the command line knows the name


def test_results_of_another_model_are_made_again_and_the_item_names_ours(run, tmp_path):
    folder = tiny_granule(tmp_path)
    out = tmp_path / "out"
    assert "in place of" not in run("predict", folder, "--out", out, "--model", "spectral")[1]
    printed = run("predict", folder, "--out", out)[1]
    assert "in place of those of spectral 1)" in printed
    assert "255 (not known)" not in printed
    assert "already there" in run("predict", folder, "--out", out)[1]
    assert "in place of" not in run("predict", folder, "--out", out, "--buffer", 1)[1]
    told = json.loads((out / folder.name / f"{folder.name}.json").read_text())["properties"]
    card = load(NAME).card
    assert (told["hlsmask:model"], told["hlsmask:model_version"]) == (card.name, card.version)
    assert told["hlsmask:weights_sha256"] == sha256_of(weights.shipped(NAME))
    assert told["hlsmask:engine"] == f"onnxruntime {onnxruntime.__version__}"
    assert told["processing:software"].keys() == {"hlsmask", "onnxruntime"}
    assert told["hlsmask:thresholds"] == {mask.value: card.threshold(mask) for mask in Mask}
    assert told["hlsmask:hysteresis"] == {mask.value: asdict(rule) for mask, rule in card.hysteresis.items()} != {}


def test_list_and_show_tell_of_it(run, light):
    code, out, _ = run("models", "list")
    assert code == 0
    assert f"trained weights of {NAME} come with hlsmask" in " ".join(out.split())
    told = json.loads(run("models", "list", "--json")[1])["networks"]
    assert [network["backbone"] for network in told if network["shipped"]] == list(weights.NAMES)

    ended = light("models", "show", NAME)
    assert (ended.returncode, ended.stderr) == (0, "")
    text = " ".join(ended.stdout.split())
    card = load(NAME).card
    for ending in (weights.TO_RUN, weights.TO_TRAIN):
        assert sha256_of(weights.shipped(NAME, ending)) in text
    for part in (f"version {card.version}", "thresholds water", "recipe:", "data:", "scores:", card.provenance["date"]):
        assert part in text
    files = json.loads(run("models", "show", NAME, "--json")[1])["weights"]
    assert [Card.from_json(json.dumps(file["card"])) for file in files] == [card, card]
    assert json.loads(run("models", "show", "segnet", "--json")[1])["weights"] == []


def test_weights_of_another_name_are_not_there(run, tmp_path):
    code, _, err = run("models", "export", "hlsmask_m", "--out", tmp_path / "y.onnx")
    assert code == 1
    assert "hlsmask_s, which comes with hlsmask" in err


def test_it_is_judged_and_compared_by_its_name_and_stays_as_it_is(run, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = [sha256_of(weights.shipped(NAME, ending)) for ending in (weights.TO_RUN, weights.TO_TRAIN)]
    code, out, err = run("evaluate", "--data-dir", data, "--checkpoint", NAME, "--compare", "spectral")
    assert (code, err) == (0, "")
    assert "stays as it is" in out
    assert f"{NAME}: water: F1" in out
    assert {f"{NAME}.csv", f"{NAME}.html"} <= {path.name for path in tmp_path.iterdir()}
    assert before == [sha256_of(weights.shipped(NAME, ending)) for ending in (weights.TO_RUN, weights.TO_TRAIN)]

    (tmp_path / "run").mkdir()
    other = save(load(NAME), tmp_path / "run" / f"{NAME}.safetensors")
    code, out, err = run("evaluate", "--data-dir", data, "--checkpoint", other, "--compare", NAME, "--keep-card")
    assert (code, err) == (0, "")
    assert f"weights/{NAME}: water: F1" in out
    for same in (NAME, weights.shipped(NAME)):
        code, _, err = run("evaluate", "--data-dir", data, "--checkpoint", NAME, "--compare", same)
        assert (code, "the same file" in err) == (2, True)
    _, _, err = run("evaluate", "--data-dir", data, "--checkpoint", NAME, "--compare", "x")
    assert "ukis-csmask, hlsmask_s, or a" in err


def test_training_starts_from_it_by_its_name(tmp_path, monkeypatch):
    network = Network("hlsmask_s", init=Path(NAME))
    begun = start(network, seed=1)
    for name, tensor in load(NAME).state_dict().items():
        torch.testing.assert_close(begun.net.state_dict()[name], tensor)
    assert begun.notes[0].startswith(f"{NAME}: backbone and heads of water")
    monkeypatch.chdir(tmp_path)
    assert chosen(Training(Data((tmp_path,)), network))["init"] == NAME
