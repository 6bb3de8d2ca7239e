"""What docs/how-to/search-and-download.md shows works as it stands, with an archive of simulated scenes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import hlsmask.samples
from hlsmask.cli import main
from hlsmask.granules.dswx import find_products
from hlsmask.granules.hls import find_granules
from hlsmask.granules.transfer.wanted import DSWX_LAYERS as FETCHED
from hlsmask.samples.labels import Rules, layers_needed
from hlsmask.testing import simulate_granule, write_granule
from hlsmask.testing.dswx import write_product
from stac_server import DSWX_LAYERS, HLS_LAYERS, File, dswx_item, hls_item, serve, square

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "search-and-download.md"
PLACE = square(-105.6, 39.8)
SIZE = 128


def lines(language):
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Serve a simulated granule of a July and its product."""
    folder = tmp_path_factory.mktemp("archive")
    with serve() as running:
        for seed in range(40):
            granule = simulate_granule(SIZE, seed)
            if granule.id.split(".")[3][4:7] in {f"{day:03}" for day in range(183, 213)}:
                break
        else:
            pytest.fail("none of the simulated granules is of a July")
        home, made = write_granule(granule, folder), write_product(granule, folder)
        there = [path for place in (home, made) for path in (place.iterdir() if place.is_dir() else [place])]
        running.files = {f"/files/{path.name}": File(path.read_bytes()) for path in there}
        items = [hls_item(home.name, PLACE), dswx_item(made.name, PLACE)]
        for item in items:
            assets = {key: asset["href"].rsplit("/", 1)[1] for key, asset in item["assets"].items()}
            item["assets"] = {
                key: {"href": f"{running.url}/files/{name}"}
                for key, name in assets.items()
                if f"/files/{name}" in running.files
            }
        assert len(items[1]["assets"]) == len(DSWX_LAYERS)
        assert len(items[0]["assets"]) < len(HLS_LAYERS["S30"])
        running.items = items
        yield running


@pytest.fixture(scope="module")
def ran(archive, tmp_path_factory):
    """Run all commands of the page, one after the other, for the year and the tile of the simulated granule."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "basin.geojson").write_text(json.dumps(PLACE))
    granule = archive.items[0]["id"].split(".")
    own = {"2024": granule[3][:4], "13TDE": granule[2][1:]}
    codes = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in lines("sh"):
            text = re.sub("|".join(own), lambda match: own[match[0]], line)
            words = shlex.split(text)[1:]
            words = [str(path) for word in words for path in (folder.glob(word) if "*" in word else [word])]
            words += ["--endpoint", archive.url] if words[0] == "search" else []
            words += ["--size", "64", "--val", "0", "--test", "0"] if words[:2] == ["samples", "build"] else []
            with pytest.raises(SystemExit) as end:
                main(words)
            codes[line] = end.value.code
    return folder, codes


def test_every_command_works(ran):
    _, codes = ran
    assert len(codes) == 12
    assert set(codes.values()) == {0}


def test_it_ends_in_masks_and_in_samples(ran, archive):
    folder, _ = ran
    (granule,) = find_granules(folder / "scenes")
    assert (folder / "masks" / granule.id / f"{granule.id}.masks.tif").exists()
    (product,) = find_products(folder / "archive")
    assert [granule.id, product.id] == [item["id"] for item in archive.items]
    samples = hlsmask.samples.open(folder / "my-samples")
    assert len(samples) > 0
    bands, labels = samples[0]
    assert np.isfinite(bands).any()
    assert set(np.unique(labels)) <= {0, 1, 255}


def test_what_is_fetched_is_what_labels_read():
    assert set(layers_needed(Rules())) <= set(FETCHED)


def test_the_python_of_the_page_runs(archive, monkeypatch, capsys):
    monkeypatch.setattr("hlsmask.granules.catalogue.catalogues.ROOTS", {"earthdata": archive.url})
    text = "\n".join(lines("python")).replace("2024", archive.items[0]["id"].split(".")[3][:4])
    exec(compile(text, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    assert archive.items[0]["id"] in capsys.readouterr().out
