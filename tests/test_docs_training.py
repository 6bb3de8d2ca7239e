"""The pages on training and judging: what they show works as it stands."""

from __future__ import annotations

import re
import shlex
from glob import glob
from pathlib import Path

import pytest

from hlsmask import models
from hlsmask.cli import main
from test_training import write_store

DOCS = Path(__file__).resolve().parents[1] / "docs"


def blocks(page, *languages):
    kinds = "|".join(languages)
    return re.findall(rf"```({kinds})\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def typed(line):
    """Return the words of a line as a shell gives them."""
    words = shlex.split(line, comments=True)
    return [each for word in words for each in (sorted(glob(word)) if "*" in word else [word])]  # noqa: PTH207


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_store(tmp_path / "my-samples", train=6, val=2)
    models.save(models.create("hlsmask_s"), tmp_path / "network.safetensors")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("page", ["training.md", "evaluation.md"])
def test_its_commands_and_its_python_run(page, capsys):
    for language, text in blocks(page, "sh", "python"):
        if language == "python":
            exec(compile(text, page, "exec"), {})  # noqa: S102 - that is the test
            continue
        for line in text.splitlines():
            with pytest.raises(SystemExit) as end:
                main([*typed(line)[1:], *(("--workers", "0") if " train " in line else ())])
            assert not end.value.code, (line, capsys.readouterr().err)


@pytest.mark.parametrize("page", ["training.md", "evaluation.md", "how-to/human-labelled-benchmarks.md"])
def test_what_it_links_to_is_there(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (DOCS / page).parent.joinpath(link).exists(), link
