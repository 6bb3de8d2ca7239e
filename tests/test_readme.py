"""What the README shows works as it stands."""

import csv
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

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
    many = [tiny_granule(tmp_path / "granules", seed=seed) for seed in (5, 6)]
    with rasterio.open(next(many[0].glob("*.B04.tif"))) as file:
        (x,), (y,) = transform(file.crs, "EPSG:4326", *([value] for value in file.xy(20, 20)))
    place = {"type": "Point", "coordinates": [x, y]}
    site = {"type": "Feature", "geometry": place, "properties": {"id": "bridge", "radius": 300}}
    sites = {"type": "FeatureCollection", "features": [site]}
    Path("sites.geojson").write_text(json.dumps(sites), encoding="utf-8")
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
    elsewhere = ("search", "download", "view")  # tests/test_docs_download.py, tests/test_view_web.py
    lines = [line for line in lines if line.split()[1] not in elsewhere]
    assert len(lines) >= 6
    for line in lines:
        with pytest.raises(SystemExit) as end:
            main([each for word in shlex.split(line, comments=True)[1:] for each in matching(word)])
        assert not end.value.code, line
    made = sorted(path.name for path in Path("masks").iterdir() if path.is_dir())
    assert {GRANULE, OTHER, "scene"} < set(made)
    with Path(f"masks/{GRANULE}/{GRANULE}.json").open(encoding="utf-8") as file:
        assert json.load(file)["properties"]["hlsmask:model"] == "tiny"
    with Path("clear-water.csv").open(encoding="utf-8") as file:
        assert {row["site"] for row in csv.DictReader(file)} == {"bridge"}


def test_what_it_links_to_is_there():
    links = re.findall(r"\]\(((?!https?://)[^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (README.parent / link).exists(), link
