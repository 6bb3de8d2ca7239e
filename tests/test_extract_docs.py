"""docs/how-to/extract-clear-water.md: what it shows works as it stands, and its table is the table."""

from __future__ import annotations

import re
import shlex
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from extract_archive import NAMES, make_archive
from hlsmask.archive.sites import read_model
from hlsmask.archive.sites.row import COLUMNS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "extract-clear-water.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_archive(tmp_path)
    shutil.copytree("scenes", "moved")
    Path("sites.geojson").write_text(blocks("json")[0], encoding="utf-8")
    Path("model.toml").write_text(blocks("toml")[0], encoding="utf-8")
    return tmp_path


def test_its_commands_and_its_python_run(here, run):
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 4
    for line in commands:
        code, _, err = run(*shlex.split(line)[1:])
        assert (code, err) == (0, ""), line
    assert {path.name for path in (here / "charts").iterdir()} == {"gauge.svg", "pond.svg"}
    assert Path("ssc.csv").read_text(encoding="utf-8").splitlines()[0].endswith(",ssc")
    for text in blocks("python"):
        with redirect_stdout(StringIO()) as said:
            exec(compile(text, PAGE.name, "exec"), {})  # noqa: S102 - our own page
        assert len(said.getvalue().splitlines()) == 2 * len(NAMES)


def test_it_tells_of_every_column():
    told = PAGE.read_text(encoding="utf-8").split("## The table")[1].split("```")[0]
    names = set(re.findall(r"`(\w+)`", told))
    assert {
        name for name in COLUMNS if name.partition("_")[0] not in {"green", "red", "nir", "swir1", "swir2"}
    } <= names
    assert {"green", "red", "nir", "swir1", "swir2"} <= names


def test_its_model_is_read(here):
    model = read_model(here / "model.toml")
    assert (model.name, model.unit) == ("ssc", "mg/L")
