"""Fetching: what breaks off goes on, what is not right is refused, and no login goes where it does not belong."""

from __future__ import annotations

import base64
import hashlib
import json
import resource
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from hlsmask.errors import MissingPackageError, OutputError, ServiceError, UnreadableError, UsageError
from hlsmask.granules.dswx import find_products
from hlsmask.granules.hls import find_granules
from hlsmask.granules.transfer import fetch as fetch_module
from hlsmask.granules.transfer import sessions as sessions_module
from hlsmask.granules.transfer.checksum import Checksum
from hlsmask.granules.transfer.download import download
from hlsmask.granules.transfer.fetch import CHUNK, fetch
from hlsmask.granules.transfer.part import Part
from hlsmask.granules.transfer.sessions import Sessions, is_earthdata
from hlsmask.granules.transfer.wanted import Wanted, files_of, read_wishes
from stac_server import AZURE, File, dswx_item, hls_item, serve, square

S30 = "HLS.S30.T13TDE.2024190T174911.v2.0"
DSWX = "OPERA_L3_DSWx-HLS_T13TDE_20240708T174911Z_20240710T031415Z_S2A_30_v1.1"
PLACE = square(-105.6, 39.8)
NAME = f"{S30}.B04.tif"
PATH = f"/data/{NAME}"
SECRET = "Bearer t0ken"  # noqa: S105 - of a service that runs for a test


@cache
def raster(seed=0, size=512):
    """Return the bytes of a GeoTIFF that does not compress."""
    pixels = np.random.default_rng(seed).integers(0, 10000, (size, size), dtype=np.int16)
    with MemoryFile() as memory:
        shape = {"count": 1, "height": size, "width": size, "dtype": "int16"}
        place = {"crs": "EPSG:32613", "transform": from_origin(399960, 4500000, 30, 30)}
        with memory.open(driver="GTiff", tiled=True, blockxsize=64, blockysize=64, **shape, **place) as file:
            file.write(pixels, 1)
        return memory.read()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(fetch_module, "BACKOFF", 0)


@pytest.fixture
def archive():
    with serve() as running:
        running.files[PATH] = File(raster())
        yield running


@pytest.fixture
def sessions():
    opened = Sessions()
    yield opened
    opened.close()


def wanted(archive, **changes):
    return replace(Wanted(archive.url + PATH, S30, NAME), **changes)


def get(file, out, sessions):
    return fetch(file, out, sessions, watch=lambda _: None, stop=Event())


def ranges(archive):
    return [headers.get("Range") for _, _, headers in archive.requests]


def there(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


@contextmanager
def most_bytes(count):
    """Make the disk refuse files of more than `count` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# One file


def test_a_file_comes_whole_and_under_its_name_alone(archive, sessions, tmp_path):
    assert get(wanted(archive), tmp_path, sessions) == len(raster())
    assert there(tmp_path) == [f"{S30}/{NAME}"]
    assert (tmp_path / S30 / NAME).read_bytes() == raster()
    with rasterio.open(tmp_path / S30 / NAME) as file:
        assert file.read(1).shape == (512, 512)


def test_what_drops_out_goes_on_where_it_was(archive, sessions, tmp_path):
    archive.files[PATH].cuts = [200_000, 200_000]
    assert get(wanted(archive), tmp_path, sessions) == len(raster())
    assert (tmp_path / S30 / NAME).read_bytes() == raster()
    assert ranges(archive) == [None, f"bytes={12 * CHUNK}-", f"bytes={24 * CHUNK}-"]
    assert archive.requests[1][2]["If-Range"] == '"one"'


def test_what_an_earlier_run_left_is_used(archive, sessions, tmp_path):
    archive.files[PATH].cuts = [300_000]
    archive.files[PATH].codes = []
    stopped = Event()
    seen = []

    def watch(count):
        seen.append(count)
        if sum(seen) >= 262_144:
            stopped.set()

    with pytest.raises(InterruptedError):
        fetch(wanted(archive), tmp_path, sessions, watch=watch, stop=stopped)
    assert not (tmp_path / S30 / NAME).exists()
    left = (tmp_path / S30 / f"{NAME}.part").stat().st_size
    assert left >= 262_144
    archive.files[PATH].cuts = []
    assert get(wanted(archive), tmp_path, sessions) == len(raster()) - left
    assert (tmp_path / S30 / NAME).read_bytes() == raster()
    assert ranges(archive)[-1] == f"bytes={left}-"
    assert there(tmp_path) == [f"{S30}/{NAME}"]


def leave(archive, out, count):
    """Leave `count` bytes of what the archive has, as a run that was killed does."""
    with Part(out / S30 / NAME) as part:
        file = archive.files[PATH]
        said = {"ETag": file.etag, "Last-Modified": file.changed}
        part.begin({name: value for name, value in said.items() if value})
        part.write(file.data[:count])


@pytest.mark.parametrize(
    "change",
    [
        {"data": raster(1), "etag": '"two"'},  # another file, a server that keeps to If-Range
        {"ranges": False},  # a server that knows no parts
        {"etag": None},  # no word on which file it is
        {"data": raster(1)[:1000] + raster(1)[1000:], "etag": 'W/"two"'},
    ],
)
def test_a_file_that_changed_or_cannot_go_on_is_begun_anew(archive, sessions, tmp_path, change):
    leave(archive, tmp_path, 300_000)
    for name, value in change.items():
        setattr(archive.files[PATH], name, value)
    get(wanted(archive), tmp_path, sessions)
    assert (tmp_path / S30 / NAME).read_bytes() == archive.files[PATH].data


def test_a_date_stands_in_for_a_weak_etag(archive, sessions, tmp_path):
    archive.files[PATH].etag = 'W/"one"'
    archive.files[PATH].changed = "Mon, 08 Jul 2024 20:00:00 GMT"
    leave(archive, tmp_path, 300_000)
    get(wanted(archive), tmp_path, sessions)
    assert archive.requests[0][2]["If-Range"] == "Mon, 08 Jul 2024 20:00:00 GMT"
    assert ranges(archive) == ["bytes=300000-"]
    assert (tmp_path / S30 / NAME).read_bytes() == raster()


def test_a_file_of_which_all_came_only_gets_its_name(archive, sessions, tmp_path):
    leave(archive, tmp_path, len(raster()))
    assert get(wanted(archive), tmp_path, sessions) == 0
    assert (tmp_path / S30 / NAME).read_bytes() == raster()


def test_a_mixture_of_two_files_is_found_by_the_checksum_and_begun_anew(archive, sessions, tmp_path):
    leave(archive, tmp_path, 300_000)
    archive.files[PATH].data = raster(1)  # a server that lies about the ETag
    digest = hashlib.sha256(raster(1)).hexdigest()
    get(wanted(archive, checksum=Checksum("sha256", digest)), tmp_path, sessions)
    assert (tmp_path / S30 / NAME).read_bytes() == raster(1)


@pytest.mark.parametrize(
    "wrong",
    [
        (raster(), {"checksum": Checksum("md5", "0" * 32)}, "its md5 is not the one of the catalogue"),
        (raster(), {"size": 77}, f"it has {len(raster())} bytes, and the catalogue says 77"),
        (b"<html>Please log in</html>", {}, "it is no GeoTIFF, or cut off"),
        (raster()[:400_000], {}, "it is no GeoTIFF, or cut off"),
    ],
)
def test_what_is_not_what_it_should_be_never_gets_the_name(archive, sessions, tmp_path, wrong):
    data, changes, sentence = wrong
    archive.files[PATH].data = data
    with pytest.raises(ServiceError) as failure:
        get(wanted(archive, **changes), tmp_path, sessions)
    assert sentence in str(failure.value)
    assert archive.url + PATH in str(failure.value)
    assert there(tmp_path) == []


def test_troubles_that_pass_are_waited_out_and_others_are_said(archive, sessions, tmp_path):
    archive.files[PATH].codes = [503, 429, 500]
    get(wanted(archive), tmp_path, sessions)
    archive.files[PATH].codes = [503] * 5
    with pytest.raises(ServiceError, match=r"B04\.tif cannot be fetched: the server answers 503"):
        get(wanted(archive, id="again"), tmp_path, sessions)
    archive.files[PATH].codes = [403]
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1 answered 403, it refuses$"):
        get(wanted(archive, id="again"), tmp_path, sessions)
    assert there(tmp_path) == [f"{S30}/{NAME}"]


def test_a_server_that_gives_a_little_each_time_is_not_given_up(archive, sessions, tmp_path):
    archive.files[PATH].cuts = [60_000] * 8
    get(wanted(archive), tmp_path, sessions)
    assert (tmp_path / S30 / NAME).read_bytes() == raster()


@settings(max_examples=25)
@given(st.lists(st.integers(0, 40_000), max_size=6), st.booleans(), st.integers(0, 33_000))
def test_however_it_breaks_off_the_bytes_are_the_same(tmp_path_factory, cuts, keeps, before):
    out = tmp_path_factory.mktemp("out")
    data = raster(2, 128)
    with serve() as archive:
        archive.files[PATH] = File(data, ranges=keeps)
        leave(archive, out, min(before, len(data)))
        archive.files[PATH].cuts = list(cuts)
        opened = Sessions()
        watched = []
        try:
            fetch(wanted(archive), out, opened, watch=watched.append, stop=Event())
        except ServiceError:
            assert cuts, "only a server that breaks off can fail"
            assert not (out / S30 / NAME).exists()
        else:
            assert (out / S30 / NAME).read_bytes() == data
            assert sum(watched) == len(data)
        finally:
            opened.close()


def test_a_full_disk_stops_it_and_what_came_is_used_once_there_is_room(archive, sessions, tmp_path):
    with most_bytes(300_000), pytest.raises(OutputError, match=r"B04\.tif cannot be written: "):
        get(wanted(archive), tmp_path, sessions)
    assert not (tmp_path / S30 / NAME).exists()
    get(wanted(archive), tmp_path, sessions)
    assert (tmp_path / S30 / NAME).read_bytes() == raster()
    assert ranges(archive)[-1].startswith("bytes=")


def test_two_downloads_do_not_write_one_file(archive, sessions, tmp_path):
    with Part(tmp_path / S30 / NAME) as part:
        part.write(b"x")
        with pytest.raises(ServiceError, match="is being fetched by another download"):
            get(wanted(archive), tmp_path, sessions)


# Logins


class Unavailable(Exception):  # noqa: N818 - as earthaccess calls it
    pass


@pytest.fixture
def earthaccess(monkeypatch):
    """Stand in for earthaccess; its hosts are 127.0.0.1."""
    tried = []

    class Auth:
        """What earthaccess gives: a login that makes sessions with a token."""

        authenticated = False

        def login(self, strategy, *, persist):
            assert persist is False
            tried.append(strategy)
            outcome = fake.outcomes.get(strategy, Unavailable())
            if isinstance(outcome, Exception):
                raise outcome
            self.authenticated = outcome

        def get_session(self):
            session = requests.Session()
            session.headers["Authorization"] = SECRET
            return session

    fake = SimpleNamespace(Auth=Auth, outcomes={"netrc": True}, tried=tried)
    monkeypatch.setitem(sys.modules, "earthaccess", fake)
    monkeypatch.setitem(sys.modules, "earthaccess.exceptions", SimpleNamespace(LoginStrategyUnavailable=Unavailable))
    monkeypatch.setattr(sessions_module, "is_earthdata", lambda href: href.startswith("http://127.0.0.1"))
    return fake


def test_the_token_goes_to_nasa_and_not_where_it_leads(archive, earthaccess, tmp_path):
    elsewhere = "/signed/file.tif"
    archive.files[elsewhere] = File(raster())
    archive.files[PATH] = File(b"", token=SECRET, to=f"{archive.elsewhere}{elsewhere}?sig=s3cret")
    report = download([wanted(archive)], tmp_path)
    assert len(report.fetched) == 1
    sent = [(host.partition(":")[0], headers.get("Authorization")) for _, host, headers in archive.requests]
    assert sent == [("127.0.0.1", SECRET), ("localhost", None)]
    assert earthaccess.tried == ["environment", "netrc"]
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))
    assert b"t0ken" not in kept


def test_a_token_is_not_sent_again_to_a_host_that_was_led_to(archive, earthaccess, tmp_path, monkeypatch):  # noqa: ARG001
    monkeypatch.setattr(sessions_module, "is_earthdata", lambda _: True)
    archive.files["/login"] = File(raster())
    archive.files[PATH] = File(b"", token=SECRET, to=f"{archive.elsewhere}/login")
    download([wanted(archive)], tmp_path)
    assert [headers.get("Authorization") for _, _, headers in archive.requests] == [SECRET, None]


def test_other_hosts_get_neither_token_nor_netrc(archive, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setitem(sys.modules, "earthaccess", None)  # not even loaded
    assert len(download([wanted(archive)], tmp_path / "out").fetched) == 1
    assert all("Authorization" not in headers for _, _, headers in archive.requests)
    assert base64.b64encode(b"someone:s3cret").decode() not in str(archive.requests)


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://data.lpdaac.earthdatacloud.nasa.gov/lp-prod-protected/x.tif", True),
        ("https://archive.podaac.earthdata.nasa.gov/x.tif", True),
        ("https://urs.earthdata.nasa.gov/oauth", True),
        ("http://data.lpdaac.earthdatacloud.nasa.gov/x.tif", False),
        ("https://earthdata.nasa.gov.example.org/x.tif", False),
        ("https://evil-earthdata.nasa.gov/x.tif", False),
        ("https://example.org/.earthdata.nasa.gov/x.tif", False),
        ("https://x.earthdata.nasa.gov@example.org/x.tif", False),
        ("https://d111.cloudfront.net/x.tif", False),
    ],
)
def test_only_nasas_own_hosts_over_https_get_the_login(href, expected):
    assert is_earthdata(href) is expected


def test_without_a_login_nothing_starts_and_it_is_said_how_to(archive, earthaccess, tmp_path):
    earthaccess.outcomes.clear()
    with pytest.raises(ServiceError, match=r"wants a login: put .* into ~/\.netrc, or set EARTHDATA_TOKEN"):
        download([wanted(archive)], tmp_path)
    assert archive.requests == []


def test_nasa_out_of_reach_is_not_called_a_wrong_login(archive, earthaccess, tmp_path):
    earthaccess.outcomes = {"environment": requests.ConnectionError("no route")}
    with pytest.raises(ServiceError, match=r"urs\.earthdata\.nasa\.gov\) cannot be reached"):
        download([wanted(archive)], tmp_path)


def test_earthaccess_itself_takes_a_token_from_the_environment(monkeypatch):
    monkeypatch.setenv("EARTHDATA_TOKEN", "t0ken")
    opened = Sessions()
    opened.prepare(["https://data.lpdaac.earthdatacloud.nasa.gov/x.tif"])
    session = opened._session(with_login=True)
    assert session.headers["Authorization"] == SECRET
    opened.close()


def test_earthaccess_itself_wants_a_login_where_there_is_none(monkeypatch, tmp_path):
    for name in ("EARTHDATA_TOKEN", "EARTHDATA_USERNAME", "EARTHDATA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(ServiceError, match="wants a login"):
        Sessions().prepare(["https://archive.podaac.earthdata.nasa.gov/x.tif"])


def test_a_login_that_is_refused_is_not_shown(archive, earthaccess, tmp_path):
    earthaccess.outcomes = {"environment": RuntimeError("someone:s3cret was refused")}
    with pytest.raises(ServiceError, match="does not accept the login of the environment") as failure:
        download([wanted(archive)], tmp_path)
    assert "s3cret" not in str(failure.value)


def test_the_planetary_computers_files_are_signed_and_the_signature_is_not_shown(archive, monkeypatch, tmp_path):
    href = f"{AZURE}/S30/13/T/DE/2024/07/08/{S30}/{NAME}"
    asked = []

    def get_token(account, container, *, retry_total):
        asked.append((account, container, retry_total))
        return SimpleNamespace(sign=lambda _: SimpleNamespace(href=f"{archive.url}{PATH}?sig=s3cret"))

    monkeypatch.setitem(sys.modules, "planetary_computer", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "planetary_computer.sas", SimpleNamespace(get_token=get_token))
    assert len(download([wanted(archive, href=href)], tmp_path).fetched) == 1
    assert asked == [("hls2euwest", "hls2", 3)]
    assert archive.requests[0][0].endswith("?sig=s3cret")
    archive.files[PATH].codes = [404]
    failures = []
    download([wanted(archive, href=href, id="again")], tmp_path, sink=lambda _, failure: failures.append(str(failure)))
    assert failures[0].startswith(href)
    assert "s3cret" not in failures[0]


@pytest.mark.parametrize("name", ["earthaccess", "planetary_computer"])
def test_a_missing_package_says_what_to_install(name, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, name, None)
    root = {"earthaccess": "https://data.lpdaac.earthdatacloud.nasa.gov", "planetary_computer": AZURE}[name]
    with pytest.raises(MissingPackageError, match=r"pip install \"hlsmask\[earthdata\]\""):
        download([Wanted(f"{root}/{NAME}", S30, NAME)], tmp_path)


# Many files


@pytest.fixture
def pair(archive):
    """Items of a granule and its product, whose files the archive has."""
    items = [hls_item(S30, PLACE, root=archive.url), dswx_item(DSWX, PLACE, root=f"{archive.url}/dswx")]
    for seed, asset in enumerate(asset for item in items for asset in item["assets"].values()):
        if asset["href"].startswith(archive.url) and asset["href"].endswith(".tif"):
            archive.files[asset["href"].removeprefix(archive.url)] = File(raster(seed, 64))
    return items


@pytest.fixture
def found(pair, tmp_path):
    path = tmp_path / "search.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": pair}))
    return path


def test_a_search_is_laid_down_as_predict_and_build_read_it(archive, found, tmp_path, run):
    out = tmp_path / "scenes"
    code, said, err = run("download", found, "--out", out)
    assert (code, err) == (0, "")
    assert said.startswith("16 files fetched (")
    (granule,) = find_granules(out)
    (product,) = find_products(out)
    assert set(granule.hrefs) == {"B02", "B03", "B04", "B8A", "B11", "B12", "Fmask", "SZA", "SAA"}
    assert set(product.hrefs) == {"WTR", "CONF", "DIAG", "WTR-2", "SHAD", "CLOUD", "DEM"}
    assert granule.hrefs["B04"] == str(out / S30 / NAME)
    for href in (*granule.hrefs.values(), *product.hrefs.values()):
        with rasterio.open(href) as file:
            file.read()
    asked = len(archive.requests)
    code, said, _ = run("download", found, "--out", out)
    assert (code, len(archive.requests)) == (0, asked)
    assert said == f"0 files fetched (0 bytes), 16 there already -> {out}\n"


def test_a_file_that_was_cut_off_or_does_not_fit_its_checksum_is_fetched_again(archive, tmp_path):
    file = wanted(archive, checksum=Checksum("sha256", hashlib.sha256(raster()).hexdigest()))
    path = tmp_path / S30 / NAME
    download([file], tmp_path)
    path.write_bytes(raster()[:-10])
    assert len(download([file], tmp_path).fetched) == 1
    path.write_bytes(raster(1))
    assert len(download([file], tmp_path).present) == 1, "sizes alone are compared, unless it is asked for more"
    assert len(download([file], tmp_path, verify=True).fetched) == 1
    assert path.read_bytes() == raster()


def test_one_failure_stops_none_of_the_others(archive, found, tmp_path, run):
    archive.files[f"/HLSS30.020/{S30}/{S30}.B11.tif"].codes = [404]
    archive.files[f"/dswx/{DSWX}_B10_DEM.tif"].data = b"<html>"
    out = tmp_path / "scenes"
    code, said, err = run("download", found, "--out", out)
    assert code == 1
    assert said.startswith("14 files fetched")
    assert "2 failed: run the same command again to go on" in said
    assert sorted(line.split("/")[-1].split(" ")[0] for line in err.splitlines()) == [
        f"{S30}.B11.tif",
        f"{DSWX}_B10_DEM.tif",
    ]
    code, said, _ = run("download", found, "--out", out)
    assert code == 1
    assert said.startswith("1 file fetched")


def test_layers_are_chosen_for_both_kinds_by_their_names_or_the_bands(pair):
    def names(layers):
        return [[file.name for file in files_of(item, layers)[0]] for item in pair]

    assert names(["nir", "Fmask", "WTR"]) == [[f"{S30}.B8A.tif", f"{S30}.Fmask.tif"], [f"{DSWX}_B01_WTR.tif"]]
    assert names(["B8A", "nir"]) == [[f"{S30}.B8A.tif"], []]
    assert [len(each) for each in names(["all"])] == [12, 10]
    with pytest.raises(UsageError, match="--layers has 'B13'"):
        read_wishes([], ["B13"])


def test_old_keys_of_assets_do_not_matter_nor_does_s3(pair):
    item = pair[0] | {"assets": {f"download_{at}": asset for at, asset in enumerate(pair[0]["assets"].values())}}
    files, missing = files_of(item)
    assert len(files) == 9
    assert not missing
    assert all(file.href.startswith("http://") for file in files)


def test_sources_are_collections_items_lists_or_urls(archive, pair, tmp_path):
    one = tmp_path / "item.json"
    one.write_text(json.dumps(pair[0]))
    urls = tmp_path / "urls.txt"
    urls.write_text(
        f"\ufeff# B04 twice\n{archive.url}{PATH}\n\n{archive.url}{PATH}?x=1\nhttps://example.org/other.tif\n"
    )
    assert len(read_wishes([str(one)]).files) == 9
    wishes = read_wishes([str(urls)])
    assert [file.place for file in wishes.files] == [f"{S30}/{NAME}"]
    assert wishes.problems == [
        "https://example.org/other.tif is not fetched: 'other.tif' is neither of HLS nor of DSWx-HLS by its name"
    ]
    assert [file.place for file in read_wishes([f"{archive.url}/x/{DSWX}_B01_WTR.tif"]).files] == [
        f"{DSWX}/{DSWX}_B01_WTR.tif"
    ]


def test_a_hostile_item_cannot_leave_the_folder(pair, tmp_path):
    item = json.loads(json.dumps(pair[0]).replace(S30, f"../../{S30}"))
    item["assets"]["../../B04"] = {"href": "https://example.org/../../etc/passwd"}
    for file in files_of(item)[0]:
        place = (tmp_path / file.place).resolve()
        assert place.parent == (tmp_path / S30).resolve()


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("not a list", UsageError, "is neither STAC nor URLs"),
        ("", UsageError, "is neither STAC nor URLs"),
        ('{"type": "Feature"}', UsageError, "is no STAC ItemCollection or Item"),
        ("[1, 2]", UsageError, "is no STAC ItemCollection or Item"),
        (None, UnreadableError, "cannot be read: No such file"),
    ],
)
def test_sources_that_are_none_are_refused_by_name(tmp_path, text, error, sentence):
    path = tmp_path / "search.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=sentence) as failure:
        read_wishes([str(path)])
    assert str(path) in str(failure.value)


def test_what_an_item_lacks_is_said_and_the_rest_is_fetched(found, pair, tmp_path, run):
    del pair[0]["assets"]["SZA"]
    pair[1]["id"] = "S1A_IW_GRDH"
    found.write_text(json.dumps({"type": "FeatureCollection", "features": pair}))
    code, said, err = run("download", found, "--out", tmp_path / "scenes")
    assert code == 1
    assert said.startswith("8 files fetched")
    assert f"{S30} has no SZA to fetch" in err
    assert "'S1A_IW_GRDH' is neither of HLS nor of DSWx-HLS" in err


def test_odd_items_are_told_and_the_others_go_on(pair, tmp_path):
    path = tmp_path / "search.json"
    odd = [{**pair[0], "assets": None}, {**pair[0], "assets": [1]}, None, {"id": S30}]
    bad = {"B04": None, "B03": "x", "SZA": {"href": "https://[/x.tif"}, "SAA": {"href": None}}
    whole = {**pair[0], "assets": {**pair[0]["assets"], **bad}}
    whole["assets"]["B02"]["file:size"] = True
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [*odd, whole, pair[1]]}), encoding="utf-8-sig")
    wishes = read_wishes([str(path)])
    assert len(wishes.files) == 5 + 7
    assert all(file.size is None for file in wishes.files)
    assert len([each for each in wishes.problems if "is no STAC Item" in each]) == 3
    assert f"{S30} has no B03, B04, SZA, SAA to fetch" in wishes.problems


def test_a_dry_run_counts_bytes_and_writes_nothing(archive, found, pair, tmp_path, run):
    pair[0]["assets"]["B02"]["file:size"] = 10_000_000
    found.write_text(json.dumps({"type": "FeatureCollection", "features": pair[:1]}))
    out = tmp_path / "scenes"
    code, said, _ = run("download", found, "--out", out, "--dry-run")
    rest = sum(len(raster(seed, 64)) for seed in range(8))
    assert code == 0
    assert said == f"9 files to fetch, {(10_000_000 + rest) / 1e6:.1f} MB; 0 there already -> {out}\n"
    assert not out.exists()
    assert set(ranges(archive)) == {"bytes=0-0"}
    archive.files[f"/HLSS30.020/{S30}/{S30}.B03.tif"].codes = [403]
    code, said, err = run("download", found, "--out", out, "--dry-run")
    assert code == 1
    assert "1 file of unknown size" in said
    assert "B03.tif cannot be fetched" in err


def test_a_folder_that_cannot_be_written_ends_it_at_once(archive, found, tmp_path, run):
    (tmp_path / "scenes").write_text("a file")
    code, _, err = run("download", found, "--out", tmp_path / "scenes", "--workers", 1)
    assert code == 1
    assert err.count("\n") == 1
    assert "cannot be written" in err
    assert len(archive.requests) == 0


def test_who_stops_it_keeps_what_came(archive, pair, tmp_path):
    files, _ = files_of(pair[0])
    done = []

    def sink(file, _):
        done.append(file)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(files, tmp_path, workers=1, sink=sink)
    assert f"{done[0].id}/{done[0].name}" in there(tmp_path)
    assert len(archive.requests) < len(files)


@pytest.mark.parametrize("arguments", [[], ["x.json", "--workers", "0"], ["x.json", "--layers", "B99"]])
def test_wrong_usage_is_told(arguments, tmp_path, run):
    assert run("download", *arguments, "--out", tmp_path)[0] == 2


# Checksums

DATA = b"one file"


@pytest.mark.parametrize(
    "asset",
    [
        {"file:checksum": "1220" + hashlib.sha256(DATA).hexdigest()},
        {"file:checksum": "1340" + hashlib.sha512(DATA).hexdigest()},
        {"file:checksum": "1114" + hashlib.sha1(DATA).hexdigest()},  # noqa: S324 - what catalogues have
        {"file:checksum": "d50110" + hashlib.md5(DATA).hexdigest()},  # noqa: S324 - the same
        {"checksum:multihash": "1220" + hashlib.sha256(DATA).hexdigest().upper()},
        {"checksum": {"value": hashlib.sha512(DATA).hexdigest(), "algorithm": "SHA-512"}},
        {"checksum": {"Value": hashlib.md5(DATA).hexdigest(), "Algorithm": "MD5"}},  # noqa: S324 - the same
        {"checksum": hashlib.md5(DATA).hexdigest()},  # noqa: S324 - the same
        {"checksum": "sha256:" + hashlib.sha256(DATA).hexdigest()},
    ],
)
def test_checksums_are_read_as_catalogues_write_them(asset, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    found = Checksum.of_asset(asset)
    assert found is not None
    assert found.fits(path)
    path.write_bytes(DATA[::-1])
    assert not found.fits(path)


@pytest.mark.parametrize(
    "asset",
    [
        {},
        {"file:checksum": "1220abcd"},
        {"file:checksum": "no"},
        {"file:checksum": "99" * 34},
        {"file:checksum": 7},
        {"checksum": {"value": "abcd", "algorithm": "Fletcher-32"}},
        {"checksum": "xyz"},
        {"checksum": ""},
    ],
)
def test_checksums_that_say_nothing_are_passed_over(asset):
    assert Checksum.of_asset(asset) is None
