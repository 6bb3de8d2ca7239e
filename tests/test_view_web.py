"""What `hlsmask view` answers, to whom, and how the command goes."""

import json
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio

from hlsmask.bands import BANDS
from hlsmask.granules.hls import Granule
from hlsmask.masks import Mask
from hlsmask.products.palette import LAYERS
from hlsmask.view.layers import STACK
from hlsmask.view.recent import Recent
from view_results import FIRST, LATER, SAME_DAY, place_of, serve, write_granule_result, write_three

DAY = "2024-07-08"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_three(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def client(made):
    with serve(made / "masks") as client:
        yield client


def point(client, path, row, column, query=""):
    longitude, latitude = place_of(path, row, column)
    return client.get(f"/api/days/{DAY}/point?lon={longitude}&lat={latitude}{query}").json["scenes"]


@pytest.mark.parametrize(("row", "column"), [(0, 3), (31, 24), (62, 47), (10, 1), (63, 20)])
def test_a_point_tells_what_rasterio_samples(client, made, row, column):
    home = made / "masks" / FIRST
    path = home / f"{FIRST}.masks.tif"
    longitude, latitude = place_of(path, row, column)
    (told,) = point(client, path, row, column)

    def sample(file):
        (x,), (y,) = rasterio.warp.transform("OGC:CRS84", file.crs, [longitude], [latitude])
        return next(file.sample([(x, y)]))

    with rasterio.open(path) as file:
        masks = sample(file)
    assert told["masks"] == {
        name: None if value == 255 else value for name, value in zip(LAYERS, masks.tolist(), strict=True)
    }
    with rasterio.open(home / f"{FIRST}.probabilities.tif") as file:
        chances = sample(file)
    assert told["probabilities"] == {
        name: None if value == 255 else value / 200 for name, value in zip(Mask, chances.tolist(), strict=True)
    }
    for band, href in Granule.from_folder(made / "granules" / FIRST).band_hrefs().items():
        with rasterio.open(href) as file:
            (stored,) = sample(file)
        assert told["reflectance"][band] == (None if stored == -9999 else pytest.approx(stored / 10000))
    assert list(told["reflectance"]) == list(BANDS)
    assert (told["id"], told["row"], told["column"], told["problems"]) == (FIRST, row, column, [])


def test_a_point_is_told_of_the_scenes_that_reach_it(client, made):
    path = made / "masks" / SAME_DAY / f"{SAME_DAY}.masks.tif"
    (told,) = point(client, path, 5, 5)
    assert (told["id"], told["title"], told["sensor"], told["probabilities"]) == (SAME_DAY, "T14TDE", "S30", None)
    assert point(client, path, -1, 5) == point(client, path, 5, 48) == []
    assert client.get(f"/api/days/{DAY}/point?lon=0&lat=0&only={FIRST}").json["scenes"] == []


def test_a_point_tells_why_there_is_no_reflectance(tmp_path):
    home = write_granule_result(tmp_path, FIRST, 1)
    (tmp_path / "granules" / FIRST / f"{FIRST}.B04.tif").unlink()
    with serve(tmp_path / "masks") as client:
        (told,) = point(client, home / f"{FIRST}.masks.tif", 20, 20)
    assert told["reflectance"] is None
    assert told["masks"]["water"] in (0, 1)
    assert "B04.tif is not there" in told["problems"][0]


@pytest.mark.parametrize("scale", [0.0002, -1, "small"])
def test_reflectance_is_what_the_scene_was_masked_with(tmp_path, scale):
    home = write_granule_result(tmp_path, FIRST, 1)
    item = home / f"{FIRST}.json"
    told = json.loads(item.read_text(encoding="utf-8"))
    told["properties"]["hlsmask:scale"] = scale
    item.write_text(json.dumps(told), encoding="utf-8")
    with serve(tmp_path / "masks") as client:
        (told,) = point(client, home / f"{FIRST}.masks.tif", 20, 20)
    if scale == 0.0002:
        with rasterio.open(tmp_path / "granules" / FIRST / f"{FIRST}.B04.tif") as file:
            assert told["reflectance"]["red"] == pytest.approx(file.read(1)[20, 20] * scale)
    else:
        assert told["reflectance"] is None
        assert "hlsmask:scale that is no number above 0" in told["problems"][0]


@pytest.mark.parametrize("query", ["", "?lon=1", "?lon=a&lat=1", "?lon=nan&lat=1", "?lon=1&lat=91"])
def test_a_point_needs_a_place(client, query):
    answer = client.get(f"/api/days/{DAY}/point{query}")
    assert answer.status == 400
    assert answer.json["error"] == "lon and lat must be given, in degrees"


def test_what_there_is_to_see(client):
    told = client.get("/api/results").json
    assert (told["name"], told["count"]) == ("masks", 3)
    assert told["days"] == [{"day": DAY, "count": 2}, {"day": "2024-07-13", "count": 1}]
    assert [layer["name"] for layer in told["layers"]] == list(STACK)
    day = client.get(f"/api/days/{DAY}").json
    assert [scene["id"] for scene in day["scenes"]] == [SAME_DAY, FIRST]
    first = day["scenes"][1]
    assert first["shares"]["water"] == pytest.approx(0.45, abs=0.15)
    assert (first["geometry"]["type"], first["model"], first["probabilities"]) == ("Polygon", "tiny 1", True)
    assert (day["bbox"][0], day["bbox"][2]) == (first["bbox"][0], day["scenes"][0]["bbox"][2])


def test_results_that_appear_are_shown_when_the_page_is_loaded_again(tmp_path):
    write_granule_result(tmp_path, FIRST, 1)
    with serve(tmp_path / "masks") as client:
        write_granule_result(tmp_path, LATER, 3)
        (tmp_path / "masks" / FIRST / f"{FIRST}.json").write_text("{", encoding="utf-8")
        told = client.get("/api/results").json
        assert told["days"] == [{"day": "2024-07-13", "count": 1}]
        assert "is not JSON" in told["broken"][0]


def test_every_answer_lets_a_browser_use_this_server_alone(client):
    for path in ("/", "/static/app.js", "/api/results", f"/tiles/{DAY}/water/3/1/3.png", "/nothing"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["img-src"] == "'self' data: blob:"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7:80", "localhost:1@evil", ""])
def test_another_host_is_refused(client, host):
    for path in ("/", "/api/results"):
        assert client.get(path, Host=host).status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1", "[::1]:80"])
def test_names_of_this_machine_are_served(client, host):
    assert client.get("/api/results", Host=host).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_it_can_only_be_read(client, method):
    answer = client.get("/api/results", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../web.py",
        "/static/%2e%2e/web.py",
        "/static/leaflet/..%2f..%2fweb.py",
        "/static//etc/passwd",
        "/static/",
        f"/tiles/{DAY}/water/3/1/3.png?only=../{FIRST}",
        f"/tiles/..%2f{DAY}/water/3/1/3.png",
        f"/tiles/{DAY}/..%2fwater/3/1/3.png",
        "/api/days/..%2f..",
        "/api/days/2024-07-09",
        "/collection.json",
    ],
)
def test_nothing_outside_is_reached(client, path):
    answer = client.get(path)
    assert answer.status == 404
    assert "error" in answer.json


def test_the_page_and_what_it_loads_are_here(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    text = page.body.decode()
    assert "http://" not in text
    assert "https://" not in text
    for name, kind in (
        ("app.js", "text/javascript"),
        ("style.css", "text/css"),
        ("logo.svg", "image/svg+xml"),
        ("leaflet/leaflet.js", "text/javascript"),
        ("leaflet/images/layers.png", "image/png"),
    ):
        answer = client.get(f"/static/{name}")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith(kind)
        assert client.get(f"/static/{name}", If_None_Match=answer.headers["etag"]).status == 304
    assert b"BSD 2-Clause" in client.get("/static/leaflet/LICENSE").body


def test_the_command_serves_on_loopback_until_it_is_stopped(made):
    code = "import sys; from hlsmask.cli import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", code, "view", str(made / "masks")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == f"3 scenes of 2 days from {DAY} to 2024-07-13\n"
        url = urlsplit(process.stdout.readline().split()[2])
        assert url.hostname == "127.0.0.1"
        connection = HTTPConnection(url.hostname, url.port, timeout=60)
        connection.request("GET", "/api/results")
        assert json.loads(connection.getresponse().read())["count"] == 3
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        connection.close()
    assert (process.returncode, out, err) == (0, "stopped\n", "")


def test_what_cannot_be_served_is_one_sentence(run, made, tmp_path):
    code, out, err = run("view", tmp_path / "nothing")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "nothing is not there; name the folder" in err
    code, _, err = run("view", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert "holds no results" in err
    code, _, err = run("view", made / "masks", "--scenes", tmp_path / "nothing")
    assert (code, err.count("\n")) == (1, 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("view", made / "masks", "--port", port)
    assert (code, err) == (
        2,
        f"hlsmask: port {port} is taken; choose another with --port, or leave it out for a free one\n",
    )
    code, _, err = run("view", made / "masks", "--port", 70000)
    assert code == 2
    assert "--port is 70000" in err


def test_what_is_passed_over_is_named(run, monkeypatch, tmp_path):
    write_granule_result(tmp_path, FIRST, 1)
    home = write_granule_result(tmp_path, LATER, 3)
    (home / f"{LATER}.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr("uvicorn.Server.run", lambda _self, **_: None)
    code, out, err = run("view", tmp_path / "masks", "--no-browser")
    assert code == 0
    assert out.startswith("1 scene of 2024-07-08\nlook at http://127.0.0.1:")
    assert err.startswith(f"hlsmask: passed over: {home / LATER}.json is not JSON")


def test_without_its_packages_it_says_what_to_install(light, made):
    ended = light("view", made / "masks")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert 'pip install "hlsmask[view]"' in ended.stderr
    ended = light("view", "--help")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_was_made_lately_is_not_made_again_and_what_failed_is():
    recent, made = Recent(2), []

    def make(value):
        made.append(value)
        if value is None:
            raise ValueError("no")
        return np.array(value)

    assert recent.get("a", lambda: make(1)) is recent.get("a", lambda: make(2))
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            recent.get("b", lambda: make(None))
    recent.get("c", lambda: make(3))
    recent.get("d", lambda: make(4))
    recent.get("a", lambda: make(5))
    assert made == [1, None, None, 3, 4, 5]
