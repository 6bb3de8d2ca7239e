"""The site as a whole: every link leads somewhere, every page is reached, every command and name is told of."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import hlsmask
from hlsmask.archive.sites.options import Extraction
from hlsmask.inference.options import Options
from hlsmask.products.output import Output
from hlsmask.training.options import Data, Learning, Machine, Network, Records

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
COMMANDS = DOCS / "reference" / "command-line"
FRONT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "MODELS.md")]

sys.path.insert(0, str(DOCS))

from command_line import command_names, page  # noqa: E402 - it lies beside the pages

WRITTEN = {DOCS / "notebook.ipynb", *(COMMANDS / f"{name}.md" for name in command_names())}
"""Pages that docs/conf.py writes when the site is built."""

PAGES = {path for path in DOCS.rglob("*.md") if "_build" not in path.parts} | WRITTEN


def text_of(path):
    """Return what is written by hand; what is in blocks of code is no link."""
    return re.sub(r"```(?!\{).*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(path):
    """Return the names under which the headings of a page are found, as GitHub and MyST make them."""
    text = page(path.stem) if path in WRITTEN and path.suffix == ".md" else path.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_link_leads_to_a_file_and_to_a_heading_of_it():
    broken = []
    for path in [*sorted(PAGES - WRITTEN), *(each for each in FRONT if each.exists())]:
        for target in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", text_of(path)):
            name, _, anchor = target.partition("#")
            there = (path.parent / name).resolve() if name else path
            if there not in WRITTEN and not there.exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
            elif anchor and anchor not in anchors(there):
                broken.append(f"{path.relative_to(ROOT)}: {target} (no such heading)")
    assert not broken


def entries(path):
    """Return the pages that the toctrees of a page name."""
    if path in WRITTEN:
        return []
    found = []
    for block in re.findall(r"```\{toctree\}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
        for line in filter(None, (line.strip() for line in block.splitlines())):
            if line.startswith(":"):
                continue
            if "*" in line:
                found += sorted(path.parent.glob(f"{line}.md"))
                continue
            there = [(path.parent / f"{line}{ending}").resolve() for ending in (".md", ".ipynb")]
            found.append(next(each for each in there if each in PAGES))
    return found


def test_every_page_is_reached_from_the_first_one_and_by_one_way():
    reached, ahead = [], [DOCS / "index.md"]
    while ahead:
        reached.append(ahead.pop())
        ahead += entries(reached[-1])
    assert len(reached) == len(set(reached)), "a page is in two toctrees"
    assert set(reached) == PAGES


def test_every_command_has_a_page_that_tells_its_options():
    assert {path.stem for path in entries(COMMANDS / "index.md")} == set(command_names())
    options = {"predict": (Options, Output), "train": (Data, Network, Learning, Machine, Records)}
    options |= {"extract": (Extraction,)}
    for name, groups in options.items():
        told = page(name)
        assert told.startswith(f"# hlsmask {name}\n")
        for group in groups:
            for field in fields(group):
                assert f"`--{field.name.replace('_', '-')}" in told, (name, field.name)
    words = " ".join(page("predict").split())
    assert "Pixels around cloud and cloud shadow that are kept out of clear_water." in words
    assert "## hlsmask samples build\n" in page("samples")


def test_every_public_name_is_in_the_reference():
    reference = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").rglob("*.md"))
    documented = set(re.findall(r"auto(?:class|function|module):: ([\w.]+)", reference))
    for name in set(hlsmask.__all__) - {"__version__", "HlsmaskError"}:
        assert f"hlsmask.{name}" in documented
    for name in ("models", "samples", "training", "testing", "errors"):  # documented by their __all__, or whole
        assert f"hlsmask.{name}" in documented
    for name in documented:
        home, _, last = name.rpartition(".")
        assert hasattr(import_module(home), last) or find_spec(name), f"{name} is gone"


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_needs_no_network_to_look_at(tmp_path):
    if find_spec("sphinx") is None or find_spec("myst_nb") is None:
        pytest.skip('the site needs pip install ".[docs]"; `make test-all` sees to it')
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, tmp_path / "site"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    built = list((tmp_path / "site").rglob("*.html"))
    assert len(built) > len(PAGES)
    for path in built:
        fetched = re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"https?://[^\"]+", path.read_text("utf-8"))
        assert not fetched, path
