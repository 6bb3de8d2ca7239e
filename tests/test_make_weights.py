"""The recipe of the default network, from clear ground to the two files that are shipped."""

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clear_ground import held
from hlsmask import models
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.masks import Mask
from hlsmask.samples.simulate.parameters import read_parameters
from hlsmask.samples.store import StoreWriter

RECIPES = Path(__file__).resolve().parents[1] / "recipes"


@pytest.fixture
def recipe(monkeypatch):
    """Import the recipe, which lies beside the package."""
    monkeypatch.syspath_prepend(str(RECIPES))
    return importlib.import_module("make_weights")


@pytest.fixture
def ground(tmp_path):
    """Write clear ground in three splits."""
    with StoreWriter(tmp_path / "ground") as writer:
        samples = held(7)
        for at, split in enumerate(["train"] * 3 + ["val"] * 2 + ["test"] * 2):
            sample = samples.sample(at)
            writer.append(replace(sample, record=replace(sample.record, split=split)))
    return tmp_path / "ground"


@pytest.mark.slow
def test_clear_ground_becomes_two_files_with_one_card(ground, tmp_path):
    out = tmp_path / "weights"
    out.mkdir()
    short = ("--epochs", "1", "--samples-per-epoch", "8", "--val-samples", "4", "--batch-size", "4", "--size", "64")
    np.save(tmp_path / "hills.npy", 300 * np.random.default_rng(1).random((2, 40, 40)))
    told = ("--dem", tmp_path / "hills.npy", "--about", "made up", "--count", "12", "--out", out)
    words = ("--backgrounds", ground, *told, "--", *short)
    subprocess.run([sys.executable, RECIPES / "make_weights.py", *map(str, words)], check=True, cwd=RECIPES.parent)
    to_train = models.load(out / "hlsmask_s.safetensors").card
    to_run = open_engine(Options(model=str(out / "hlsmask_s.onnx"), engine="onnx")).card
    assert to_train.thresholds == to_run.thresholds
    assert to_train.provenance["data"]["backgrounds"] == "made up"
    assert set(to_train.provenance["scores"]) - {"on"} <= {mask.value for mask in Mask}
    assert str(tmp_path) not in to_run.to_json()


def test_real_relief_is_laid_where_it_is_given(recipe, tmp_path):
    drawn = read_parameters(recipe.laid(None, tmp_path))
    real = read_parameters(recipe.laid(tmp_path / "hills.npy", tmp_path))
    assert real.relief.dem == str(tmp_path / "hills.npy")
    assert real.relief.real > 0
    assert replace(real, relief=replace(real.relief, dem="")) == drawn


def test_thresholds_are_lowered_where_that_costs_little_and_raised_by_clear_ground(recipe, monkeypatch):
    there = np.r_[np.full(19, 900), 1000]  # pixels above 0.05, 0.1, ... 0.95, and all
    absent = np.r_[
        np.full(5, 200), np.full(4, 101), 100, np.full(9, 101), 9000
    ]  # F1 is highest at 0.5, hardly less from 0.3
    much = np.r_[np.zeros(19, int), 90_000]  # of what was trained on, none
    clear = {"train": much, "val": np.r_[np.full(7, 11), np.full(12, 10), 10_000]}  # one in a thousand from 0.4 on
    monkeypatch.setattr(
        recipe,
        "counted",
        lambda _, store, split, value: dict.fromkeys(
            Mask, clear[split] if store == "clear" else there if value else absent
        ),
    )
    net = models.create("hlsmask_s")
    net.card = replace(net.card, thresholds=dict.fromkeys(Mask, 0.5))
    lowered = recipe.lowered(net, "simulated")
    assert lowered == dict.fromkeys(Mask, 0.5) | {Mask.CLOUD: 0.3, Mask.WATER: 0.3}
    assert recipe.raised(net, lowered, "clear") == dict.fromkeys(Mask, 0.5) | {Mask.CLOUD: 0.4, Mask.WATER: 0.3}
