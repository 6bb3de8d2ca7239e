"""The quickstart's notebook runs as it stands, offline; so it does over a granule of one's own, and without torch."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pystac
import pytest
import rasterio
from nbclient import NotebookClient
from PIL import Image

from hlsmask.bands import BANDS, Sensor
from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.products.palette import LAYERS
from hlsmask.testing import simulate_granule, write_granule

FOLDER = Path(__file__).resolve().parents[1] / "examples"
NOTEBOOK = FOLDER / "quickstart.ipynb"

PLACE = r"(?<![\w.:/])/(?:home|root|tmp|work|Users|private|var|opt|usr|mnt)/|\b[A-Z]:\\"
"""How a path begins that is one machine's alone."""

OFFLINE = """
import socket

def connect(self, address, _connect=socket.socket.connect):
    if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"the quickstart needs a network: it asked for {address}")
    return _connect(self, address)

socket.socket.connect = connect
"""

WITHOUT_EXTRAS = """
import sys

from hlsmask.extras import PACKAGES

for names in PACKAGES.values():
    sys.modules.update(dict.fromkeys(names))
"""

TELL = """
import json

print(json.dumps({
    "scene": str(SCENE),
    "model": masks.attrs["model"],
    "shares": {name: share(masks[name]) for name in masks},
    "cautious": {name: share(cautious[name]) for name in cautious},
    "moved": int(moved.sum()),
    "above": int((chances.cloud > masks.attrs["threshold_cloud"]).sum()),
    "cloud": int((masks.cloud == 1).sum()),
    "fmask": {mask: [each.count, each.iou] for mask, each in counts.items()},
    "water": table.values.tolist(),
    "observed": int(raster.valid.sum()),
    "sunlit": int(sun_mask.sum()),
    "shadow": int((labels[-1] == 1).sum()),
    "pixels": sun_mask.size,
    "f1": {mask: each.f1 for mask, each in scores.items()},
}))
"""


def ran(folder, *, before="", scene=None):
    """Run the notebook in `folder`, after the cell `before`, over `scene`; return its cells and what it found."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    if scene is not None:
        (setup,) = (cell for cell in notebook.cells if cell.id == "setup")
        (line,) = (line for line in setup.source.splitlines() if line.startswith("SCENE = "))
        setup.source = setup.source.replace(line, f"SCENE = Path({str(scene)!r})")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(OFFLINE + before))
    notebook.cells.append(nbformat.v4.new_code_cell(TELL))
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, record_timing=False, resources=where).execute()
    cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    return cells, json.loads(printed(notebook.cells[-1]))


def printed(cell):
    return "".join(each["text"] for each in cell.outputs if each.output_type == "stream")


def shown(cell):
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in pictures(cell)]


def pictures(cell):
    return [each.data["image/jpeg"] for each in cell.outputs if "image/jpeg" in each.get("data", {})]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return tmp_path_factory.mktemp("quickstart")


@pytest.fixture(scope="module")
def run(here):
    return ran(here)


@pytest.fixture(scope="module")
def cells(run):
    return run[0]


@pytest.fixture(scope="module")
def found(run):
    return run[1]


def test_all_five_masks_are_there(found):
    assert found["model"] == "hlsmask_s"
    assert list(found["shares"]) == list(LAYERS)
    assert all(0.5 < share < 90 for share in found["shares"].values()), found["shares"]


def test_a_lower_threshold_adds_cloud_and_moves_nothing_else(found):
    before, after = found["shares"], found["cautious"]
    assert found["above"] == found["cloud"]
    assert found["moved"] > 0
    assert after["cloud"] > before["cloud"]
    assert after[CLEAR_WATER] <= before[CLEAR_WATER]
    assert all(after[mask] == before[mask] for mask in Mask if mask is not Mask.CLOUD)


def test_the_table_of_fmask_counts_every_pixel_that_was_observed(found):
    assert set(found["fmask"]) == set(Mask) - {Mask.TERRAIN_SHADOW}
    for count, agreement in found["fmask"].values():
        assert count == found["observed"]
        assert 0 < agreement <= 1


def test_the_reflectance_of_clear_water_is_that_of_water(found):
    everything, clear, buffered = found["water"]
    assert np.isfinite(found["water"]).all()
    assert everything[0] >= clear[0] > buffered[0] > 0, "hectares"
    assert buffered[1 + BANDS.index("swir1")] < 0.1
    assert clear[1] < everything[1], "without the clouds over it"


def test_a_published_checkpoint_is_run_by_torch(cells):
    assert ", run by torch " in printed(cells["checkpoint"])
    assert shown(cells["checkpoint"])


def test_the_sun_mask_of_the_sample_is_turned(found):
    assert 0 < found["shadow"] == found["pixels"] - found["sunlit"] < found["pixels"] / 2
    assert all(0 < score <= 1 for score in found["f1"].values()), found["f1"]


@pytest.mark.usefixtures("run")
def test_the_products_lie_on_disk(here):
    (home,) = (path for path in (here / "quickstart" / "masks").iterdir() if path.is_dir())
    endings = (".json", ".masks.tif", ".png", ".probabilities.tif", ".qa.tif")
    assert sorted(path.name for path in home.iterdir()) == [f"{home.name}{ending}" for ending in endings]
    with rasterio.open(home / f"{home.name}.masks.tif") as file:
        assert file.descriptions == LAYERS
        assert set(np.unique(file.read())) == {0, 1, 255}
    item = pystac.Item.from_file(home / f"{home.name}.json")
    assert item.properties["hlsmask:buffer"] == 5
    assert item.assets["masks"].href == f"./{home.name}.masks.tif"


def test_the_command_line_and_python_agree(cells):
    assert "as from Python: True" in printed(cells["open"])
    assert "the scene's own grid: True" in printed(cells["open"])


def test_a_granule_of_ones_own_without_torch(tmp_path):
    """One line is changed. The kernel lacks what the extras install, as after `pip install hlsmask`."""
    granule = simulate_granule((300, 260), 5, sensor=Sensor.L30)
    scene = write_granule(granule, tmp_path / "scenes with a space")
    cells, found = ran(tmp_path, before=WITHOUT_EXTRAS, scene=scene)
    assert found["scene"] == str(scene)
    assert found["observed"] == granule.observed.sum()
    told = printed(cells["checkpoint"])
    assert "torch" in told
    assert 'pip install "hlsmask[train]"' in told
    assert not pictures(cells["checkpoint"])
    assert (tmp_path / "quickstart" / "masks" / granule.id / f"{granule.id}.qa.tif").is_file()


# ---------------------------------------------------------------- the file as it is kept


@pytest.fixture(scope="module")
def kept():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_was_run_from_top_to_bottom(kept):
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    nbformat.validate(kept)
    assert kept.metadata.kernelspec.name == "python3"


def test_each_step_says_first_what_it_is(kept):
    kinds = [cell.cell_type for cell in kept.cells]
    assert all(kinds[at - 1] == "markdown" for at, kind in enumerate(kinds) if kind == "code")


def test_nothing_in_it_went_wrong_or_tells_of_one_machine(kept):
    for cell in kept.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type in {"stream", "display_data", "execute_result"}, cell.id
            assert output.get("name", "stdout") == "stdout", (cell.id, output.text)
            text = output.get("text", "") + "".join(output.get("data", {}).get("text/plain", ""))
            assert not re.search(rf"{PLACE}|Traceback", text), (cell.id, text)
        assert not re.search(PLACE, cell.source), cell.id


def test_its_pictures_are_many_and_small(kept):
    seen = [picture for cell in kept.cells if cell.cell_type == "code" for picture in shown(cell)]
    assert len(seen) == 8
    assert all(500 < picture.width < 1300 for picture in seen)
    assert NOTEBOOK.stat().st_size < 1_000_000


def test_it_shows_what_is_shipped(kept, cells):
    """If this fails, the default network or the text has changed: run examples/run_quickstart.py."""
    before = {cell.id: cell for cell in kept.cells if cell.cell_type == "code"}
    assert [cell.id for cell in kept.cells if cell.cell_type == "code"] == list(cells)[1:-1]
    model = re.compile(r"^model(?:_version)? .*$", re.MULTILINE)
    assert model.findall(printed(before["item"])) == model.findall(printed(cells["item"]))
    for name in ("threshold", "clear", "scores"):
        then, now = (figures(each[name]) for each in (before, cells))
        np.testing.assert_allclose(then, now, rtol=0.02, atol=0.02, err_msg=name)


def figures(cell):
    """Return the numbers of the table that a cell shows."""
    (table,) = (each.data["text/html"] for each in cell.outputs if "text/html" in each.get("data", {}))
    return [float(number) for number in re.findall(r"<td>([\d.]+|NaN)</td>", table)]


def test_what_it_links_to_is_there(kept):
    text = "\n".join(cell.source for cell in kept.cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(((?!https?://)[^)#]+)\)", text)
    assert len(links) >= 4
    for link in links:
        assert (FOLDER / link).exists(), link


def test_the_readme_of_the_folder_names_all_that_is_there():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.iterdir():
        assert path.is_dir() or path.name == "README.md" or f"`{path.name}`" in text, path.name
