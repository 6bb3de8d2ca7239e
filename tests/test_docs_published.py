"""What docs/published-checkpoints.md shows works as it stands, on a checkpoint made as the published ones are."""

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import rasterio

import hlsmask
import reference
from hlsmask.card import Card
from hlsmask.cli import main
from hlsmask.masks import Mask
from hlsmask.models.registry import NETWORKS
from hlsmask.testing import tiny_granule

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "published-checkpoints.md"
GRANULE = "HLS.S30.T13TDE.2024190T174911.v2.0"
NAME = re.compile(r"\S+_checkpoint\.pth\.tar|\S+_model_best\.pth\.tar")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run all commands of the page, one after the other, in a folder with the files it speaks of; return their text."""
    tensors = reference.tensors("mobilenetv3")
    folder = tmp_path_factory.mktemp("page")
    (checkpoint,) = set(NAME.findall("\n".join(blocks("sh"))))
    reference.write(folder / checkpoint, tensors, "module.")
    tiny_granule(folder, (512, 512), granule_id=GRANULE)
    printed = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in (line for block in blocks("sh") for line in block.splitlines()):
            text = io.StringIO()
            with pytest.raises(SystemExit) as end, redirect_stdout(text):
                main(shlex.split(line, comments=True)[1:])
            assert not end.value.code, line
            printed[line] = text.getvalue()
        yield printed


def test_every_line_of_its_shell_blocks_is_a_command_of_ours(ran):
    assert len(ran) == 11
    assert all(line.startswith("hlsmask ") and text for line, text in ran.items())


def test_import_writes_what_show_tells(ran):
    (imported,) = (text for line, text in ran.items() if "models import" in line)
    assert "mobilenetv3 with mobilenetv3_head" in imported
    assert "epoch 46" in imported
    for file in ("mobilenetv3.safetensors", "mobilenetv3.onnx"):
        shown = ran[f"hlsmask models show {file}"]
        assert "joint minimum and maximum" in shown
        assert NAME.search(shown), "the name of the published file"


def test_all_four_ways_to_mask_agree(ran):
    assert sum("predict" in line for line in ran) == 4
    masks = {}
    for out in ("masks", "strict", "with-torch", "straight"):
        with rasterio.open(f"{out}/{GRANULE}/{GRANULE}.masks.tif") as file:
            masks[out] = file.read()
    assert set(np.unique(masks["masks"][:5])) <= {0, 1, 255}
    for out in ("with-torch", "straight"):
        assert (masks[out] != masks["masks"]).mean() < 1e-4, "but for rounding at the threshold"
    cloud = list(Mask).index(Mask.CLOUD)
    assert (masks["strict"][cloud] >= masks["masks"][cloud]).all()


@pytest.mark.usefixtures("ran")
def test_its_python_gives_what_predict_gives(capsys):
    (code,) = blocks("python")
    names = {}
    exec(compile(code, PAGE.name, "exec"), names)  # noqa: S102 - that is the test
    assert "published" in capsys.readouterr().out
    (call,) = re.findall(r"`(hlsmask\.predict\(.*\))`", PAGE.read_text(encoding="utf-8"))
    whole = eval(call, {"hlsmask": hlsmask})  # noqa: S307 - that is the test
    assert list(names["chances"]) == list(Mask) == list(whole)
    observed = np.isfinite(names["reflectance"]).all(axis=0)
    for mask, chance in names["chances"].items():
        np.testing.assert_allclose(whole[mask].values[observed], chance[observed], atol=1e-4)


def test_its_table_is_what_the_registry_says():
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*?) \| ?(.*?) ?\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    told = {backbone: (head, title, licence) for backbone, head, title, licence in rows}
    published = {name: network for name, network in NETWORKS.items() if network.published}
    assert set(told) == set(published)
    for name, network in published.items():
        source = network.pretraining if network.by_default else None
        expected = ("nothing", "") if source is None else (source.title, source.licence)
        assert told[name] == (network.head, *expected)


def test_what_it_says_of_windows_holds():
    text = PAGE.read_text(encoding="utf-8")
    (said,) = re.findall(r"\*\*Three networks take windows.*?: (.*?)\. ", text, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", said)) == {name for name, network in NETWORKS.items() if network.fixed}
    assert f"{Card('a', tuple(Mask)).overlap} pixels and\nare blended" in text


def test_what_it_names_is_there():
    text = PAGE.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:tests|docs|benchmarks)/[^`]+)`|\]\(((?!https?://)[^)#]+)\)", text):
        assert any((base / name).exists() for name in path if name for base in (ROOT, PAGE.parent)), path
