"""What docs/networks.md shows works as it stands."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import rasterio

from hlsmask.cli import main
from hlsmask.testing import write_bands

PAGE = Path(__file__).resolve().parents[1] / "docs" / "networks.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_its_python_and_then_its_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = (np.random.default_rng(0).random((6, 40, 50)) * 3000 + 100).astype("int16")
    write_bands(tmp_path / "scene.tif", data)
    names = {}
    for code in blocks("python"):
        exec(compile(code, "networks.md", "exec"), names)  # noqa: S102 - that is the test
    assert names["logits"].shape == (4, 2, 256, 256)
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("hlsmask ")]
    assert len(lines) == 3
    for line in lines:
        with pytest.raises(SystemExit) as end:
            main(shlex.split(line, comments=True)[1:])
        assert not end.value.code, line
    with rasterio.open("masks/scene/scene.masks.tif") as file:
        given = [set(np.unique(layer)) for layer in file.read()]
    assert given[0] <= {0, 1}, "water"
    assert given[2] == {255}, "cloud shadow, which the network does not give"


def test_what_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (PAGE.parent / target).exists(), target
