"""What the README shows works as it stands."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from hlsmask.bands import Sensor
from hlsmask.cli import main
from hlsmask.granules.hls import Granule
from hlsmask.samples import Record, Sample
from hlsmask.testing import (
    simulate_granule,
    tiny_granule,
    write_bands,
    write_granule,
    write_product,
    write_published,
)

README = Path(__file__).resolve().parents[1] / "README.md"
GRANULE = "HLS.S30.T13TDE.2024190T174911.v2.0"
OTHER = "HLS.L30.T06WVS.2024120T211159.v2.0"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def matching(word):
    """Return the files that a shell would put in place of a word."""
    return sorted(str(path) for path in Path().glob(word)) if "*" in word else [word]


@pytest.fixture
def here(tmp_path, monkeypatch, make_network):
    """Make the files that the README speaks of, in the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tiny_granule(tmp_path, (64, 64), granule_id=GRANULE)
    shutil.copy(folder / f"{GRANULE}.dem.tif", "dem.tif")
    data = (np.random.default_rng(0).random((6, 40, 50)) * 3000 + 100).astype("int16")
    write_bands(tmp_path / "scene.tif", data)
    third = Granule.from_folder(tiny_granule(tmp_path / "third", seed=3))
    assets = {layer: {"href": href} for layer, href in third.hrefs.items()}
    Path("item.json").write_text(json.dumps({"type": "Feature", "id": third.id, "assets": assets}), encoding="utf-8")
    for file in tiny_granule(tmp_path / "other", sensor=Sensor.L30, granule_id=OTHER).iterdir():
        shutil.copy(file, file.name)
    make_network(name="network.onnx")
    granule = simulate_granule(512)
    write_granule(granule, tmp_path / "scenes")
    write_product(granule, tmp_path / "scenes")
    squares = [granule.bands[:, :64, :64], granule.bands[:, :64, 64:128]]
    labels = np.zeros((5, 64, 64), np.uint8)
    samples = [Sample.of(Record(f"b072/{at}", 64, split="train"), bands, labels) for at, bands in enumerate(squares)]
    write_published(tmp_path / "published", samples)


@pytest.mark.usefixtures("here")
def test_its_python_runs(capsys):
    (code,) = blocks("python")
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - that is the test
    assert names["clear"].shape == (64, 64)
    assert names["chances"].dtype == np.float32
    assert "32613" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_its_commands_run():
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("hlsmask ")]
    lines = [line for line in lines if line.split()[1] not in ("search", "download")]  # tests/test_docs_download.py
    assert len(lines) >= 6
    for line in lines:
        with pytest.raises(SystemExit) as end:
            main([each for word in shlex.split(line, comments=True)[1:] for each in matching(word)])
        assert not end.value.code, line
    made = sorted(path.name for path in Path("masks").iterdir() if path.is_dir())
    assert {GRANULE, OTHER, "scene"} < set(made)
    with Path(f"masks/{GRANULE}/{GRANULE}.json").open(encoding="utf-8") as file:
        assert json.load(file)["properties"]["hlsmask:model"] == "tiny"


def test_what_it_links_to_is_there():
    links = re.findall(r"\]\(((?!https?://)[^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (README.parent / link).exists(), link
