"""`hlsmask predict`: good input gives five files that others can read; bad input one sentence and nothing else."""

import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from rio_cogeo import cog_validate

import hlsmask
from hlsmask.card import Card
from hlsmask.granules.hls import Granule
from hlsmask.masks import CLEAR_WATER, Mask
from hlsmask.products import produce
from hlsmask.testing import tiny_granule, write_bands

LAYERS = (*Mask, CLEAR_WATER)


@pytest.fixture
def refused(run, tmp_path):
    """Mask a bad source beside a good one: the bad one gives one sentence, the good one its files."""

    def refused(source, *arguments, mentions=""):
        good = tiny_granule(tmp_path / "good", (32, 32), seed=7)
        out = tmp_path / "out"
        code, _, err = run("predict", source, good, "--out", out, *arguments)
        assert code == 1
        lines = err.strip().splitlines()
        assert len(lines) == 1, err
        assert lines[0].startswith("hlsmask: ")
        assert "Traceback" not in err
        assert mentions in lines[0]
        assert sorted(path.name for path in out.iterdir()) == sorted([good.name, "collection.json", "failures.jsonl"])
        assert (out / good.name / f"{good.name}.json").exists()
        kept = [json.loads(line) for line in (out / "failures.jsonl").read_text().splitlines()]
        assert [entry["reason"] for entry in kept] == [lines[0].removeprefix("hlsmask: ")]
        return lines[0]

    return refused


def plausible(shape=(6, 40, 30), seed=0, dtype="int16"):
    return (np.random.default_rng(seed).random(shape) * 3000 + 100).astype(dtype)


# ---------------------------------------------------------------- good input


def test_a_granule_becomes_five_files_and_a_collection(run, tmp_path):
    folder = tiny_granule(tmp_path, (64, 48))
    out = tmp_path / "out"
    code, printed, err = run("predict", folder, "--out", out, "--probabilities", "--model", "spectral")
    assert (code, err) == (0, "")
    name = folder.name
    assert name in printed
    assert "terrain shadow is 255 (not known)" in printed
    kinds = ("json", "masks.tif", "png", "probabilities.tif", "qa.tif")
    assert sorted(path.name for path in (out / name).iterdir()) == [f"{name}.{kind}" for kind in kinds]

    with rasterio.open(next(folder.glob("*.Fmask.tif"))) as file:
        given, profile = file.read(1), file.profile
    with rasterio.open(out / name / f"{name}.masks.tif") as file:
        masks = file.read()
        assert file.descriptions == tuple(LAYERS)
        assert file.nodata == 255
        assert (file.crs, file.transform, file.shape) == (profile["crs"], profile["transform"], given.shape)
    with rasterio.open(out / name / f"{name}.qa.tif") as file:
        qa = file.read(1)
        assert (file.dtypes, file.nodata) == (("uint8",), 255)
    with rasterio.open(out / name / f"{name}.probabilities.tif") as file:
        chances = file.read()
        assert file.descriptions == tuple(Mask)
    for kind in ("masks", "qa", "probabilities"):
        valid, errors, warnings = cog_validate(str(out / name / f"{name}.{kind}.tif"), strict=True)
        assert (valid, errors, warnings) == (True, [], [])

    fill = given == 255
    np.testing.assert_array_equal(qa == 255, fill)
    np.testing.assert_array_equal((masks[:4] == 255).all(axis=0), fill)
    seen = ~fill
    for bit, mask in ((1, Mask.CLOUD), (3, Mask.CLOUD_SHADOW), (4, Mask.SNOW_ICE), (5, Mask.WATER)):
        np.testing.assert_array_equal((qa[seen] >> bit) & 1, masks[LAYERS.index(mask)][seen])
    water = masks[0] == 1
    np.testing.assert_array_equal(masks[5][seen] == 1, (water & ~(masks[1:4] == 1).any(axis=0))[seen])
    np.testing.assert_array_equal((chances[0] > 100)[seen], water[seen])
    in_sight = (water & (masks[1] != 1) & (masks[3] != 1))[seen].mean()
    assert f"({100 * in_sight:.1f} % in sight)" in printed
    np.testing.assert_array_equal(chances[0] == 255, fill)

    item = pystac.Item.from_file(str(out / name / f"{name}.json"))
    assert item.datetime == Granule.parse(name).time
    assert pystac.Collection.from_file(str(out / "collection.json")).get_item(name) is not None


def test_code_written_for_the_hls_fmask_layer_reads_ours(run, tmp_path):
    """The bit tests of a published HLS tutorial, in its own words, on our file and on the granule's own."""

    def clear_water(path):
        with rasterio.open(path) as file:
            fmask = file.read(1)
        good = fmask != 255
        for bit in (1, 2, 3, 4):
            good &= (fmask >> bit) & 1 == 0
        return good & ((fmask >> 5) & 1 == 1), good

    folder = tiny_granule(tmp_path, (64, 64))
    out = tmp_path / "out"
    assert run("predict", folder, "--out", out, "--model", "spectral")[0] == 0
    ours, good = clear_water(out / folder.name / f"{folder.name}.qa.tif")
    assert ours.any()
    assert good.any()
    with rasterio.open(out / folder.name / f"{folder.name}.masks.tif") as file:
        assert (file.read(6)[ours] == 1).all()


def test_buffer_thresholds_masks_and_partial_water(run, tmp_path):
    folder = tiny_granule(tmp_path, (96, 96))
    layers = {}
    for name, arguments in {
        "plain": (),
        "buffered": ("--buffer", 4),
        "some": ("--masks", "water", "cloud_mask", "--threshold", "water=1"),
        "partial": ("--partial-water",),
    }.items():
        assert run("predict", folder, "--out", tmp_path / name, "--engine", "spectral", *arguments)[0] == 0
        with rasterio.open(tmp_path / name / folder.name / f"{folder.name}.masks.tif") as file:
            layers[name] = file.read()
    assert (layers["buffered"][5] == 1).sum() < (layers["plain"][5] == 1).sum()
    np.testing.assert_array_equal(layers["buffered"][:5], layers["plain"][:5])
    assert (layers["some"][0] != 1).all()
    assert (layers["some"][2:5] == 255).all()
    np.testing.assert_array_equal(layers["some"][1], layers["plain"][1])
    assert (layers["partial"][0] == 1).sum() >= (layers["plain"][0] == 1).sum()


def test_a_network_is_run_and_named(run, tmp_path, make_network):
    folder = tiny_granule(tmp_path, (80, 100))
    weight = np.zeros((2, 6, 3, 3), np.float32)
    weight[0, 0, 1, 1] = weight[1, 3, 1, 1] = 1
    masks = (Mask.CLOUD, Mask.WATER)
    card = Card("tiny", masks, output="probabilities", size=64, overlap=32, multiple=8, thresholds={Mask.CLOUD: 0.25})
    path = make_network(card, weight=weight)
    out = tmp_path / "out"
    code, printed, _ = run("predict", folder, "--out", out, "--model", path)
    assert code == 0
    assert "tiny does not give it" in printed
    with rasterio.open(next(folder.glob("*.B02.tif"))) as file:
        blue = file.read(1)
    with rasterio.open(out / folder.name / f"{folder.name}.masks.tif") as file:
        layers = file.read()
    seen = layers[1] != 255
    np.testing.assert_array_equal(layers[1][seen] == 1, blue[seen] > 2500)
    assert (layers[2:5] == 255).all()
    told = json.loads((out / folder.name / f"{folder.name}.json").read_text())["properties"]
    assert told["hlsmask:model"] == "tiny"
    assert "onnxruntime" in json.dumps(told)
    assert "snow_ice" in json.dumps(told)


def test_what_is_there_is_kept_until_something_changes(run, tmp_path):
    folder = tiny_granule(tmp_path)
    out = tmp_path / "out"

    def made(*arguments):
        code, printed, _ = run("predict", folder, "--out", out, *arguments)
        assert code == 0
        return "already there" not in printed

    assert made()
    assert not made()
    assert not made("--workers", 1)
    assert made("--buffer", 2)
    assert not made("--buffer", 2)
    assert made("--buffer", 2, "--overwrite")
    (out / folder.name / f"{folder.name}.qa.tif").write_bytes(b"cut off")
    assert made("--buffer", 2)
    os.utime(next(folder.glob("*.B04.tif")))
    assert made("--buffer", 2)
    assert made("--probabilities")
    assert made()
    assert made("--model", "spectral")
    assert not (out / folder.name / f"{folder.name}.probabilities.tif").exists()


@pytest.mark.parametrize("view", [None, 16])
def test_other_windows_are_another_request_only_where_masks_depend_on_them(run, tmp_path, make_network, view):
    card = Card("tiny", tuple(Mask), output="probabilities", size=64, overlap=32, multiple=8, view=view)
    folder = tiny_granule(tmp_path)
    words = ("predict", folder, "--out", tmp_path / "out", "--model", make_network(card))
    assert run(*words)[0] == 0
    _, printed, _ = run(*words, "--window", 96)
    assert ("already there" in printed) == (view is not None)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (33, 17), (600, 520)])
def test_scenes_of_any_shape(run, tmp_path, shape):
    path = write_bands(tmp_path / "scene.tif", plausible((6, *shape)), names=None)
    assert run("predict", path, "--out", tmp_path / "out", "--window", 256, "--overlap", 64)[0] == 0
    with rasterio.open(tmp_path / "out" / "scene" / "scene.masks.tif") as file:
        assert file.shape == shape
        assert (file.read(1) != 255).all()


def test_a_raster_without_crs_and_a_southern_tile(run, tmp_path):
    place = write_bands(tmp_path / "nowhere.tif", plausible(), names=None, crs=None)
    south = tiny_granule(tmp_path, crs="EPSG:32719", seed=3)
    out = tmp_path / "out"
    assert run("predict", place, south, "--out", out)[0] == 0
    assert json.loads((out / "nowhere" / "nowhere.json").read_text())["geometry"] is None
    band = next(south.glob("*.B02.tif"))
    with rasterio.open(band) as given, rasterio.open(out / south.name / f"{south.name}.masks.tif") as masks:
        assert given.transform == masks.transform
        assert given.crs == masks.crs


def test_negative_northings_lie_south_of_the_equator(run, tmp_path):
    path = write_bands(
        tmp_path / "south.tif", plausible(), names=None, crs="EPSG:32619", origin=(500_000.0, -2_000_000.0)
    )
    assert run("predict", path, "--out", tmp_path / "out")[0] == 0
    item = json.loads((tmp_path / "out" / "south" / "south.json").read_text())
    assert -18.2 < item["bbox"][1] < -18.0


def test_granules_without_scale_tags(run, tmp_path):
    folder = tiny_granule(tmp_path)
    tagged = hlsmask.predict(folder, model="spectral")
    for layer in ("B02", "B03", "B04", "B8A", "B11", "B12"):
        with rasterio.open(next(folder.glob(f"*.{layer}.tif")), "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
            file.scales = (1.0,)
    assert run("predict", folder, "--out", tmp_path / "out", "--model", "spectral")[0] == 0
    with rasterio.open(tmp_path / "out" / folder.name / f"{folder.name}.masks.tif") as file:
        np.testing.assert_array_equal(file.read(1), tagged["water"].values)


# ---------------------------------------------------------------- bad input


def test_missing_band(refused, tmp_path):
    folder = tiny_granule(tmp_path / "bad")
    next(folder.glob("*.B8A.tif")).unlink()
    refused(folder, mentions="lacks B8A (nir)")


def test_bands_on_different_grids(refused, tmp_path):
    folder = tiny_granule(tmp_path / "bad")
    other = tiny_granule(tmp_path / "other", (64, 64))
    next(other.glob("*.B11.tif")).replace(next(folder.glob("*.B11.tif")))
    refused(folder, mentions="its shape differs")


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.9])
def test_truncated_tiff(refused, tmp_path, keep):
    folder = tiny_granule(tmp_path / "bad", (600, 600))
    path = next(folder.glob("*.B12.tif"))
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    assert "B12.tif cannot be" in refused(folder)


def test_corrupt_tiff(refused, tmp_path):
    folder = tiny_granule(tmp_path / "bad", (600, 600))
    path = next(folder.glob("*.B12.tif"))
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) * 2 // 3] = bytes(len(content) * 2 // 3 - len(content) // 3)
    path.write_bytes(content)
    assert "B12.tif cannot be read" in refused(folder)


def test_not_a_raster(refused, tmp_path):
    (tmp_path / "text.tif").write_text("hello")
    refused(tmp_path / "text.tif", mentions="text.tif cannot be opened: it is not a raster")


@pytest.mark.parametrize(
    ("data", "mentions"),
    [
        (plausible(dtype="uint8"), "uint8"),
        (plausible(dtype="complex64"), "complex64"),
        (plausible().astype("float32"), "--scale (0.0001"),
        (np.full((6, 20, 20), 2, "int16"), "darker than deep water"),
        (plausible((4, 20, 20)), "it has 4 band(s)"),
        (np.full((6, 20, 20), -9999, "int16"), "no pixel that was observed"),
        (np.full((6, 20, 20), np.nan, "float32"), "no pixel that was observed"),
        (np.full((6, 20, 20), np.inf, "float32"), "no pixel that was observed"),
    ],
)
def test_what_is_no_reflectance(refused, tmp_path, data, mentions):
    bad = write_bands(tmp_path / "bad.tif", data, names=None, nodata=-9999 if data.dtype == np.int16 else None)
    refused(bad, mentions=mentions)


def test_items_without_assets(refused, tmp_path):
    item = tmp_path / "item.json"
    item.write_text(json.dumps({"type": "Feature", "id": "scene", "assets": {"red": {"href": "red.tif"}}}))
    refused(item, mentions="no assets for blue, green, nir, swir1, swir2; it has red")


def test_hls_items_without_assets(refused, tmp_path):
    item = tmp_path / "item.json"
    item.write_text(json.dumps({"type": "Feature", "id": "HLS.S30.T13TDE.2024190T174911.v2.0", "assets": {}}))
    refused(item, mentions="lacks B02 (blue), B03 (green)")


def test_a_file_that_is_no_item(refused, tmp_path):
    (tmp_path / "list.json").write_text("[1, 2")
    refused(tmp_path / "list.json", mentions="is not JSON")


class Answers(http.server.SimpleHTTPRequestHandler):
    """Serves files with ranges, 403 under /secret."""

    def do_GET(self):
        self.serve(head=False)

    def do_HEAD(self):
        self.serve(head=True)

    def serve(self, *, head):
        if "secret" in self.path:
            return self.send_error(403)
        path = self.translate_path(self.path)
        if not Path(path).is_file():
            return self.send_error(404)
        content = Path(path).read_bytes()
        total, asked = len(content), self.headers.get("Range")
        if asked and not head:
            first, last = asked.removeprefix("bytes=").split("-")
            first, last = int(first), min(int(last or total - 1), total - 1)
            content = content[first : last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not head:
            self.wfile.write(content)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """Serve `tmp_path` on loopback; return its URL."""
    handler = functools.partial(Answers, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "mentions"),
    [
        ("secret/scene.tif", "answered 403 forbidden"),
        ("nothing/scene.tif", "answered 404 not found"),
        ("nothing/HLS.L30.T06WVS.2024120T211159.v2.0.B04.tif?sig=hidden", "answered 404 not found"),
        ("secret/item.json", "answered 403"),
        ("nothing/item.json", "answered 404"),
    ],
)
def test_urls_that_are_refused(refused, served, path, mentions):
    assert "hidden" not in refused(f"{served}/{path}", mentions=mentions)


def test_urls_items_and_buckets_give_what_the_files_give(run, served, tmp_path, monkeypatch):
    folder = tiny_granule(tmp_path / "bucket", (64, 64))
    granule = Granule.from_folder(folder)
    url = f"{served}/bucket/{folder.name}"
    item = {
        "type": "Feature",
        "id": granule.id,
        "assets": {layer: {"href": f"./{Path(href).name}?sig=hidden"} for layer, href in granule.hrefs.items()},
    }
    (folder / "item.json").write_text(json.dumps(item))
    for name, value in {
        "AWS_S3_ENDPOINT": served.removeprefix("http://"),
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_NO_SIGN_REQUEST": "YES",
    }.items():
        monkeypatch.setenv(name, value)
    wanted = hlsmask.predict(folder, model="spectral")
    sources = (
        f"{url}/{granule.id}.B04.tif?sig=hidden",
        f"{url}/item.json?sig=hidden",
        f"s3://bucket/{folder.name}/{granule.id}.B04.tif",
    )
    for number, source in enumerate(sources):
        out = tmp_path / str(number)
        code, printed, err = run("predict", source, "--out", out, "--model", "spectral")
        assert (code, err) == (0, "")
        with rasterio.open(out / granule.id / f"{granule.id}.masks.tif") as file:
            np.testing.assert_array_equal(file.read(2), wanted["cloud"].values)
        written = "".join(path.read_text() for path in out.rglob("*.json*"))
        assert "hidden" not in written + printed
        assert f"{granule.id}.B8A.tif" in written


def test_models_that_cannot_be_used_stop_the_run_before_it_starts(run, tmp_path, make_network):
    folder = tiny_granule(tmp_path)
    (tmp_path / "text.onnx").write_text("hello")
    bare = make_network(name="bare.onnx", with_card=False)
    other = make_network(name="other.onnx", inputs=4, weight=np.zeros((5, 4, 3, 3), np.float32))
    for model, mentions in {
        tmp_path / "nothing.onnx": "No such file",
        tmp_path / "text.onnx": "no network",
        bare: "has no card",
        other: "its card says (n, 6,",
        "resnet": "there is no model 'resnet'; use hlsmask_s, spectral",
    }.items():
        code, _, err = run("predict", folder, "--out", tmp_path / "out", "--model", model)
        assert code == 1
        assert mentions in err
        assert len(err.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_windows_that_do_not_fit_a_network(run, tmp_path, make_network):
    path = write_bands(tmp_path / "scene.tif", plausible((6, 200, 200)), names=None)
    options = ("--model", make_network(), "--window", 64, "--overlap", 64)
    code, _, err = run("predict", path, "--out", tmp_path / "out", *options)
    assert code == 2
    assert "--overlap 64 does not fit --window 64" in err


def test_two_sources_with_one_id(run, tmp_path):
    folder = tiny_granule(tmp_path / "a")
    again = tiny_granule(tmp_path / "b")
    code, _, err = run("predict", folder, again, "--out", tmp_path / "out")
    assert code == 1
    assert "share the ID" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--masks", "fog"),
        ("--threshold", "water=2"),
        ("--threshold", "water"),
        ("--buffer", "-1"),
        ("--window", "0"),
        ("--scale", "0"),
        ("--workers", "0"),
        ("--engine", "onnx", "--model", "spectral"),
        ("--partial-water",),
        ("--dem", "dem.tif"),
        ("--surprise",),
    ],
)
def test_wrong_usage_is_told_apart(run, tmp_path, arguments):
    folder = tiny_granule(tmp_path)
    code, out, err = run("predict", folder, "--out", tmp_path / "out", *arguments)
    assert code in {1, 2}
    assert arguments[0].removeprefix("--") in (out + err).lower()
    assert "Traceback" not in err
    assert not list((tmp_path / "out").glob("*/*")) if (tmp_path / "out").exists() else True


def test_no_source_and_no_command(run, tmp_path):
    assert run("predict", "--out", tmp_path / "out")[0] == 2
    assert run()[0] == 0


def test_unwritable_output(run, tmp_path):
    folder = tiny_granule(tmp_path)
    (tmp_path / "file").write_text("in the way")
    code, _, err = run("predict", folder, "--out", tmp_path / "file" / "out")
    assert code == 1
    assert "cannot be written: Not a directory" in err
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_file_where_the_results_folder_should_be(run, tmp_path):
    path = write_bands(tmp_path / "scene.tif", plausible(), names=None)
    good = tiny_granule(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / "scene").write_text("in the way")
    code, _, err = run("predict", path, good, "--out", out)
    assert code == 1
    assert "scene cannot be written: File exists" in err
    assert (out / "scene").read_text() == "in the way"
    assert sorted(file.name for file in out.iterdir()) == [good.name, "collection.json", "failures.jsonl", "scene"]


def test_what_should_not_happen_stops_no_other_source(run, tmp_path, monkeypatch):
    folders = [tiny_granule(tmp_path / str(seed), seed=seed) for seed in (0, 1)]
    write_item = produce.write_item

    def fails_once(folder, record):
        if record.id == folders[0].name:
            raise ZeroDivisionError("a bug")
        return write_item(folder, record)

    monkeypatch.setattr(produce, "write_item", fails_once)
    code, _, err = run("predict", *folders, "--out", tmp_path / "out")
    assert code == 1
    assert "ZeroDivisionError: a bug (this should not happen" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        folders[1].name,
        "collection.json",
        "failures.jsonl",
    ]
    assert "Traceback" in run("predict", folders[0], "--out", tmp_path / "out", "--debug")[2]


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from hlsmask.cli import main
main(sys.argv[1:])
"""


def test_full_disk(tmp_path):
    path = write_bands(tmp_path / "scene.tif", plausible((6, 700, 700)), names=None)
    out = tmp_path / "out"
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, "predict", str(path), "--out", str(out), "--model", "spectral"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert f"{out / 'scene' / 'scene'}.masks.tif cannot be written" in ended.stderr.splitlines()[-1], ended.stderr
    assert "Traceback" not in ended.stderr
    assert [file.name for file in out.rglob("*") if file.is_file()] == ["failures.jsonl"]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_stopping_half_way(tmp_path, kind):
    first = tiny_granule(tmp_path / "in", (32, 32))
    second = write_bands(tmp_path / "large.tif", plausible((6, 3000, 3000)), names=None)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "hlsmask", "predict", str(first), str(second), "--out", str(out)],
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not list(out.glob(".large.*")) and time.monotonic() < until and process.poll() is None:
        os.sched_yield()
    process.send_signal(kind)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopped" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in out.iterdir()) == [first.name, "collection.json"]


def test_what_a_killed_run_left_is_swept(run, tmp_path):
    folder = tiny_granule(tmp_path)
    left = tmp_path / "out" / f".{folder.name}.abc.partial"
    left.mkdir(parents=True)
    (left / "half.tif").write_bytes(b"half")
    other = tmp_path / "out" / f".{folder.name}.v3.abc.partial"  # of another run, of another source
    other.mkdir()
    mine = tmp_path / "out" / folder.name / f"{folder.name}.notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert run("predict", folder, "--out", tmp_path / "out", "--overwrite")[0] == 0
    assert not left.exists()
    assert other.exists()
    assert mine.read_text() == "mine"


def test_failures_are_forgotten_once_the_source_is_done(run, tmp_path):
    folder = tiny_granule(tmp_path)
    path = next(folder.glob("*.B8A.tif"))
    aside = tmp_path / "aside.tif"
    path.replace(aside)
    out = tmp_path / "out"
    assert run("predict", folder, "--out", out)[0] == 1
    assert (out / "failures.jsonl").exists()
    aside.replace(path)
    assert run("predict", folder, "--out", out)[0] == 0
    assert not (out / "failures.jsonl").exists()


def test_help_loads_neither_torch_nor_rasterio():
    code = (
        "import sys\n"
        "from hlsmask.cli import main\n"
        "for words in (['--help'], ['predict', '--help'], ['--version']):\n"
        "    try: main(words)\n"
        "    except SystemExit as end: assert not end.code\n"
        "sys.exit(','.join(m for m in ('torch', 'rasterio', 'numpy', 'xarray') if m in sys.modules) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "--threshold" in ended.stdout
