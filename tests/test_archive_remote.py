"""Sources that a service names and a server has: searches are read to their end, and what is secret is kept nowhere."""

import json

import pytest

from hlsmask.archive.listing import list_sources
from hlsmask.testing import tiny_granule
from stac_server import File, hls_item, serve, square

NAMES = [f"HLS.S30.T13TDE.2024{day}T174911.v2.0" for day in (190, 191, 192, 193, 194)]
SECRET = "c2lnbmF0dXJl"  # noqa: S105 - of nobody


@pytest.fixture
def service():
    with serve() as served:
        served.items = [hls_item(name, square(-105.5, 39.5)) for name in NAMES]
        yield served


@pytest.mark.parametrize("path", ["LPCLOUD/search", "v1/search"])  # pages by GET, by POST
def test_all_pages_of_a_search_are_turned(service, path):
    listing = list_sources([f"{service.url}/{path}?collections=HLSS30_2.0&limit=2"])
    assert ([source.id for source in listing.sources], listing.problems) == (NAMES, [])
    assert [asked["method"] for asked in service.asked] == ["GET"] + ["GET" if "LP" in path else "POST"] * 2
    assert all("B8A" in source.granule.hrefs for source in listing.sources)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ({"codes": [503]}, "cannot be read: the server answered 503"),
        ({"stuck": True}, "gives one page again and again"),
        ({"pages": [{"errors": ["Oops!"]}]}, "is no STAC search: it answers with no ItemCollection"),
        ({"cut": True}, "is not JSON"),
    ],
)
def test_a_search_that_breaks_off_is_told(service, trouble, sentence):
    for name, value in trouble.items():
        setattr(service, name, value)
    listing = list_sources([f"{service.url}/v1/search?collections=HLSS30_2.0&limit=2&sig={SECRET}"])
    ((_, error),) = listing.problems
    assert sentence in str(error)
    assert SECRET not in str(error)


@pytest.fixture
def signed(service, tmp_path):
    """Serve three granules, one of them broken, at signed addresses; and an Item that is none of HLS."""
    service.items = []
    for seed, name in enumerate(NAMES[:3]):
        folder = tiny_granule(tmp_path / "in", seed=seed, granule_id=name)
        item = hls_item(name, square(-105.5, 39.5))
        for path in folder.glob("*.tif"):
            layer = path.name.split(".")[-2]
            service.files[f"/{path.name}"] = File(path.read_bytes())
            item["assets"][layer] = {"href": f"{service.url}/{path.name}?sig={SECRET}&se=2024"}
        service.items.append(item)
    service.files[f"/{NAMES[1]}.B11.tif"] = File(b"<html>please log in</html>")
    other = hls_item(NAMES[3], square(-105.5, 39.5)) | {"id": "LC08_L2SP_034032_20240708"}
    other["assets"] = {"thermal": {"href": f"{service.url}/thermal.tif?sig={SECRET}"}}
    service.items.append(other)
    return service


def test_signatures_are_kept_nowhere(signed, run, tmp_path):
    out = tmp_path / "out"
    url = f"{signed.url}/v1/search?collections=HLSS30_2.0&sig={SECRET}"
    words = ("--out", out, "--model", "spectral", "--processes", 1, "--tries", 1)
    code, printed, err = run("predict", url, *words, "--log-json")
    events = [json.loads(line) for line in printed.splitlines()]
    states = {event["id"]: event["state"] for event in events if event["event"] == "source"}
    assert code == 1
    assert states == {NAMES[0]: "done", NAMES[1]: "failed", NAMES[2]: "done", "LC08_L2SP_034032_20240708": "failed"}
    failures = [json.loads(line) for line in (out / "failures.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [failure["source"].partition("#")[2] for failure in failures] == [NAMES[1], "LC08_L2SP_034032_20240708"]
    assert SECRET not in printed + err
    kept = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept
    assert f"{signed.url}/{NAMES[1]}.B11.tif".encode() in kept  # what failed is named all the same

    for item in signed.items:  # signatures end, and are given anew
        for asset in item["assets"].values():
            asset["href"] = asset["href"].replace("se=2024", "se=2025")
    code, printed, _ = run("predict", url.replace(SECRET, "another"), *words)
    assert code == 1
    assert "2 there already" in printed
