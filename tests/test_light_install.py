"""Samples and archives without their extras: what can be done is done, the rest says what to install."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from hlsmask.samples import Record, Sample
from hlsmask.samples.store import StoreWriter
from hlsmask.testing import tiny_granule, write_published


def make_sample():
    rng = np.random.default_rng(0)
    bands = rng.integers(1, 5000, (6, 64, 64)).astype(np.int16)
    return Sample.of(Record("one", 64, split="train"), bands, rng.integers(0, 2, (5, 64, 64)).astype(np.uint8))


def test_masks_need_no_extra(light, tmp_path):
    folder = tiny_granule(tmp_path)
    ended = light("predict", folder, "--out", tmp_path / "masks")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads((tmp_path / "masks" / folder.name / f"{folder.name}.json").read_text())["properties"]
    assert told["hlsmask:model"] == "hlsmask_s"
    assert told["hlsmask:unknown_masks"] == {}
    ended = light("demo", "--out", tmp_path / "demo", "--size", "64")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "hlsmask_s masks of" in ended.stdout


@pytest.mark.parametrize("words", [("--engine", "torch"), ("--precision", "bfloat16"), ("--compile",)])
def test_what_the_network_needs_torch_for_says_so(light, tmp_path, words):
    ended = light("predict", tiny_granule(tmp_path), "--out", tmp_path / "masks", *words)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert 'hlsmask_s needs torch to run so: pip install "hlsmask[train]", or leave out' in ended.stderr


def test_published_samples_need_no_extra(light, tmp_path):
    home = write_published(tmp_path / "data", [make_sample()])
    for arguments in (("check", home), ("stats", home, "--out", tmp_path / "stats.html")):
        ended = light("samples", *arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "stats.html").exists()


@pytest.mark.parametrize("command", ["check", "stats", "split"])
def test_a_store_says_what_to_install(light, tmp_path, command):
    with StoreWriter(tmp_path / "store") as writer:
        writer.append(make_sample())
    ended = light("samples", command, tmp_path / "store")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert 'pip install "hlsmask[samples]"' in ended.stderr


def test_what_writes_a_store_says_what_to_install_before_it_works(light, tmp_path):
    home = write_published(tmp_path / "data", [make_sample()])
    (tmp_path / "hls").mkdir()
    for arguments in (
        ("convert", home, "--out", tmp_path / "store"),
        ("simulate", "--backgrounds", home, "--out", tmp_path / "store"),
    ):
        ended = light("samples", *arguments)
        assert ended.returncode == 1, ended.stderr
        assert ended.stderr.count("\n") == 1
        assert 'pip install "hlsmask[' in ended.stderr
        assert not (tmp_path / "store").exists()


def test_search_and_download_say_what_to_install(light, tmp_path):
    for arguments in (
        ("search", "--bbox", "-105", "40", "-104", "41", "--dates", "2024"),
        ("download", "https://localhost/HLS.S30.T13TDE.2024190T174911.v2.0.B02.tif", "--out", tmp_path / "scenes"),
    ):
        ended = light(*arguments)
        assert ended.returncode == 1
        assert ended.stderr.count("\n") == 1
        assert 'pip install "hlsmask[earthdata]"' in ended.stderr


def test_help_of_all_commands_needs_no_extra(light):
    names = [
        "search",
        "download",
        *(f"samples {name}" for name in ["check", "stats", "convert", "build", "split", "simulate"]),
    ]
    for name in names:
        ended = light(*name.split(), "--help")
        assert (ended.returncode, ended.stderr) == (0, ""), name
        assert "Parameters" in ended.stdout or "Arguments" in ended.stdout


def test_masking_files_loads_no_xarray():
    """Its 60 MB, pandas included, would be a tenth of what masking a scene of any size may take."""
    code = "import sys; from hlsmask.cli.run import run; sys.exit(not {'xarray', 'pandas'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
