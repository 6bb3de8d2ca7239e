"""The pages on masking, thresholds, fine-tuning and retraining: what they show works as it stands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import replace
from glob import glob
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.warp import transform

from hlsmask import models
from hlsmask.bands import Sensor
from hlsmask.cli import main
from hlsmask.granules.hls import Granule
from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.testing import simulate_granule, tiny_granule, write_bands, write_granule
from stac_server import File, hls_item, serve, square
from test_training import write_store

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GRANULE = "HLS.S30.T13TDE.2024190T174911.v2.0"
OTHER = "HLS.L30.T06WVS.2024120T211159.v2.0"
SHORTER = {"demo": ["--size", "128"], "train": ["--workers", "0"]}


def blocks(page, *languages):
    kinds = "|".join(languages)
    return re.findall(rf"```({kinds})\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def lines(page):
    """Return the commands of a page that are ours."""
    shell = (line for _, text in blocks(page, "sh") for line in text.splitlines())
    return [line for line in shell if line.startswith("hlsmask ")]


def command(line, *more):
    """Run a line as a shell would, shorter where it would take long; it must end well."""
    words = shlex.split(re.sub(r"--epochs \d+", "--epochs 1", line), comments=True)[1:]
    words = [each for word in words for each in (sorted(glob(word)) if "*" in word else [word])]  # noqa: PTH207
    with pytest.raises(SystemExit) as end:
        main([*words, *SHORTER.get(words[0], ()), *more])
    assert not end.value.code, line


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Make the files that the pages speak of, in the current folder."""
    monkeypatch.chdir(tmp_path)
    tiny_granule(tmp_path, (64, 64), granule_id=GRANULE)
    write_bands(tmp_path / "scene.tif", (np.random.default_rng(0).random((6, 40, 50)) * 3000 + 100).astype("int16"))
    third = Granule.from_folder(tiny_granule(tmp_path / "third", seed=3))
    assets = {layer: {"href": href} for layer, href in third.hrefs.items()}
    Path("item.json").write_text(json.dumps({"type": "Feature", "id": third.id, "assets": assets}), encoding="utf-8")
    for file in tiny_granule(tmp_path / "other", sensor=Sensor.L30, granule_id=OTHER).iterdir():
        shutil.copy(file, file.name)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("page", ["quickstart.md", "how-to/mask-your-scenes.md", "explanation/thresholds.md"])
def test_its_commands_and_its_python_run(page, capsys):
    for language, text in blocks(page, "sh", "python"):
        if language == "python":
            exec(compile(text, page, "exec"), {})  # noqa: S102 - our own page
        for line in text.splitlines() if language == "sh" else ():
            if line.startswith("hlsmask "):
                command(line)
    assert "%" in capsys.readouterr().out


def test_what_the_reference_says_of_files_holds(here):
    command(f"hlsmask predict {GRANULE} --out masks --probabilities --scale 0.0001")
    home = here / "masks" / GRANULE
    told = (DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    endings = set(re.findall(r"^### ID(\S+)$", told, re.MULTILINE))
    assert {path.name.removeprefix(GRANULE) for path in home.iterdir()} == endings
    with rasterio.open(home / f"{GRANULE}.masks.tif") as file:
        assert file.descriptions == tuple(re.findall(r"^\| \d \| `(\w+)` \|", told, re.MULTILINE))
        assert file.descriptions == (*Mask, CLEAR_WATER)
    item = json.loads((home / f"{GRANULE}.json").read_text(encoding="utf-8"))
    ours = {name for name in item["properties"] if name.startswith("hlsmask:")}
    assert ours == set(re.findall(r"`(hlsmask:\w+)`", told))
    assert "collection.json" in {path.name for path in (here / "masks").iterdir()}


def test_fine_tuning_goes_as_its_page_says(here):
    write_store(here / "my-samples", train=6, val=2)
    commands = lines("how-to/fine-tune.md")
    assert len(commands) == 5
    for line in commands:
        command(line)
    (best,) = (here / "fine-tuned").glob("*_best.safetensors")
    assert models.load(best).card.backbone == "hlsmask_s"
    assert (here / "masks" / "scene" / "scene.masks.tif").exists()


@pytest.fixture
def clear_scenes(here):
    """Serve a simulated granule of 2024 as the Planetary Computer does."""
    shutil.copytree(ROOT / "recipes", here / "recipes")
    with serve() as running:
        made = (simulate_granule(256, seed, clouds=0) for seed in range(40))
        granule = next(each for each in made if each.id[15:19] == "2024")
        home = write_granule(granule, here / "made")
        shutil.copy(home / f"{granule.id}.dem.tif", here / "dem.vrt")
        running.files = {f"/files/{path.name}": File(path.read_bytes()) for path in home.iterdir()}
        item = hls_item(granule.id, square(-105.6, 39.8), cloud=1, collection=f"hls2-{granule.sensor.lower()}")
        item["assets"] = {
            layer: {"href": f"{running.url}/files/{granule.id}.{layer}.tif"}
            for layer in item["assets"]
            if f"/files/{granule.id}.{layer}.tif" in running.files
        }
        running.items = [item]
        (here / "places.geojson").write_text(json.dumps(square(-105.6, 39.8)), encoding="utf-8")
        yield running


def test_retraining_goes_as_its_page_says(here, clear_scenes):
    shorter = {
        "search": ("--endpoint", f"planetary-computer={clear_scenes.url}"),
        "build": ("--size", "64", "--split-by", "block", "--block-km", "2", "--test", "0"),
        "simulate": ("--windows", "2", "--size", "64"),
        "train": ("--size", "64", "--samples-per-epoch", "8", "--batch-size", "4", "--val-samples", "4"),
    }
    commands = lines("how-to/retrain-the-network.md")
    assert len(commands) == 8
    for line in commands:
        name = line.split()[2 if line.split()[1] == "samples" else 1]
        command(line.replace("--size 256 ", ""), *shorter.get(name, ()))
    assert (here / "sheet.png").exists()
    assert (here / "masks" / "scene" / "scene.masks.tif").exists()


@pytest.fixture
def basin(here):
    """Serve six simulated granules of one river, two of them of no use, and write down the places that the page has."""
    with serve() as running:
        running.items = []
        for seed in range(6):
            day = simulate_granule(200, 4, clouds=0.1 * seed)
            when = day.time.replace(year=2018 + seed)
            granule = replace(day, time=when, id=f"HLS.{day.sensor}.T13TDE.{when:%Y%jT%H%M%S}.v2.0")
            home = write_granule(granule, here / "made")
            running.files |= {f"/files/{path.name}": File(path.read_bytes()) for path in home.iterdir()}
            item = hls_item(granule.id, square(-105.6, 39.8), cloud=10 * seed)
            names = {layer: f"/files/{granule.id}.{layer}.tif" for layer in item["assets"]}
            item["assets"] = {k: {"href": running.url + name} for k, name in names.items() if name in running.files}
            running.items.append(item)
            water = np.argwhere(granule.truth[0] == 1)
        row, column = water[len(water) // 2]
        (x,), (y,) = transform(granule.geobox.crs, "EPSG:4326", *([v] for v in granule.geobox.affine * (column, row)))
        (text,) = (text for kind, text in blocks("how-to/a-river-basin.md", "json"))
        places = json.loads(text)
        places["features"][0]["geometry"]["coordinates"] = [x, y]
        (here / "sites.geojson").write_text(json.dumps(places), encoding="utf-8")
        (here / "basin.geojson").write_text(json.dumps(square(-105.6, 39.8)), encoding="utf-8")
        ((_, model),) = blocks("how-to/a-river-basin.md", "toml")
        (here / "ssc.toml").write_text(model, encoding="utf-8")
        yield running


def test_a_basin_goes_as_its_page_says(here, basin, capsys):
    """From a search to a table; what is masked again is nothing."""
    for language, text in blocks("how-to/a-river-basin.md", "sh", "python"):
        if language == "python":
            exec(compile(text, "a-river-basin.md", "exec"), {})  # noqa: S102 - our own page
        for line in text.splitlines() if language == "sh" else ():
            more = ("--endpoint", f"{basin.url}/LPCLOUD") if line.startswith("hlsmask search") else ()
            command(line, *more)
    printed = capsys.readouterr().out
    assert "6 to mask" in printed
    assert "bridge" in printed
    table = pd.read_csv(here / "clear-water.csv")
    assert list(table.site) == ["bridge"] * 6
    assert sorted(table.time.str[:4]) == [str(2018 + seed) for seed in range(6)]
    assert (table.clear_water > 0).any()
    found = table[table.clear_water > 0]
    np.testing.assert_allclose(found.ssc, 10 ** (1.9 + 0.9 * np.log10(found.red_median)), rtol=1e-4)
    assert len(list((here / "charts").iterdir())) == 1
    command("hlsmask predict granules --out masks --buffer 5")
    assert "nothing to do: 6 there already" in capsys.readouterr().out
