"""A STAC service and an archive on loopback: answers as CMR-STAC and the Planetary Computer give them.

Shapes of Items and of paging are those of nasa/cmr-stac (src/routes/search.ts, src/domains) and of
microsoft/planetary-computer-tasks (datasets/hls2): CMR pages by a `cursor` in the URL and says how many there are,
the Planetary Computer by a token in the body and says nothing.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from shapely.geometry import box, mapping, shape

LPCLOUD = "https://data.lpdaac.earthdatacloud.nasa.gov/lp-prod-protected"
POCLOUD = "https://archive.podaac.earthdata.nasa.gov/podaac-ops-cumulus-protected/OPERA_L3_DSWX-HLS_V1"
AZURE = "https://hls2euwest.blob.core.windows.net/hls2"
HLS_LAYERS = {
    "S30": ["B01", "B02", "B03", "B04", "B8A", "B11", "B12", "Fmask", "SZA", "SAA", "VZA", "VAA"],
    "L30": ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "Fmask", "SZA", "SAA", "VZA", "VAA"],
}
DSWX_LAYERS = ["WTR", "BWTR", "CONF", "DIAG", "WTR-1", "WTR-2", "LAND", "SHAD", "CLOUD", "DEM"]


def square(west, south, side=1.0):
    return mapping(box(west, south, west + side, south + side))


def _item(name, collection, when, place, *, assets, cloud):
    properties = {"datetime": when} | ({} if cloud is None else {"eo:cloud_cover": cloud})
    extensions = [] if cloud is None else ["https://stac-extensions.github.io/eo/v1.0.0/schema.json"]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": extensions,
        "id": name,
        "collection": collection,
        "properties": properties,
        "geometry": place,
        "bbox": None if place is None else list(shape(place).bounds),
        "assets": assets,
        "links": [{"rel": "collection", "href": f"https://example.org/{collection}", "type": "application/json"}],
    }


def hls_item(name, place, *, cloud=10, root=LPCLOUD, collection=None):
    """An Item of HLS; `root` AZURE makes it one of the Planetary Computer."""
    sensor, moment = name.split(".")[1], name.split(".")[3]
    when = datetime.strptime(moment + "+0000", "%Y%jT%H%M%S%z")
    if collection is None:
        collection = f"hls2-{sensor.lower()}" if root == AZURE else f"HLS{sensor}_2.0"
    folder = f"{root}/{sensor}/x" if root == AZURE else f"{root}/HLS{sensor}.020"
    assets = {
        layer: {"href": f"{folder}/{name}/{name}.{layer}.tif", "type": "image/tiff; application=geotiff"}
        for layer in HLS_LAYERS[sensor]
    }
    assets["thumbnail"] = {"href": f"{folder}/{name}/{name}.jpg", "type": "image/jpeg"}
    if root != AZURE:
        assets["s3_B04"] = {"href": f"s3://lp-prod-protected/HLS{sensor}.020/{name}/{name}.B04.tif"}
        assets["metadata"] = {"href": f"https://cmr.earthdata.nasa.gov/search/concepts/{name}.json"}
    return _item(name, collection, f"{when:%Y-%m-%dT%H:%M:%S}.123Z", place, assets=assets, cloud=cloud)


def dswx_item(name, place, *, cloud=None, root=POCLOUD):
    """An Item of DSWx-HLS; the digit before a key is what follows the point in the version."""
    when = datetime.strptime(name.split("_")[4], "%Y%m%dT%H%M%S%z")
    digit = name[-1]
    assets = {
        f"{digit}_B{number:02}_{layer}": {"href": f"{root}/{name}_B{number:02}_{layer}.tif"}
        for number, layer in enumerate(DSWX_LAYERS, start=1)
    }
    assets["browse"] = {"href": f"{root}/{name}_BROWSE.png"}
    return _item(name, "OPERA_L3_DSWX-HLS_V1_1.0", f"{when:%Y-%m-%dT%H:%M:%S}Z", place, assets=assets, cloud=cloud)


@dataclass
class File:
    """What an archive has at a path, and how it misbehaves."""

    data: bytes
    etag: str | None = '"one"'
    changed: str | None = None
    ranges: bool = True  # honours Range
    cuts: list[int] = field(default_factory=list)  # bytes after which an answer breaks off, one an answer
    codes: list[int] = field(default_factory=list)  # answers instead of the file, one each
    token: str | None = None  # what it wants in Authorization
    to: str | None = None  # leads there


@dataclass
class Service:
    """What a service has, how it misbehaves, and what it was asked."""

    items: list[dict] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)  # answers to searches instead of results, one each
    stuck: bool = False  # gives its first page for ever
    hidden: int = 0  # items that it says it has and never gives
    pages: list = field(default_factory=list)  # what is answered from the second page on, one each, whatever it is
    answer: list | None = None  # what is found, whatever is asked and whatever it is
    cut: bool = False  # answers end in the middle
    asked: list[dict] = field(default_factory=list)
    requests: list[tuple[str, str, dict]] = field(default_factory=list)
    url: str = ""

    @property
    def elsewhere(self) -> str:
        """The same server, under the name of another host."""
        return self.url.replace("127.0.0.1", "localhost")


@contextmanager
def serve():
    """Yield a service that runs until the block ends."""
    service = Service()
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.0"  # a connection a request, so that one can break off

    def do_GET(self):
        self.service.requests.append((self.path, self.headers.get("Host", ""), dict(self.headers)))
        path = urlsplit(self.path)
        if path.path.endswith("/search"):
            self._search(dict(parse_qsl(path.query)))
        elif path.path in self.service.files:
            self._file(self.service.files[path.path])
        else:
            self._answer(404, b"{}")

    def do_HEAD(self):
        file = self.service.files.get(urlsplit(self.path).path)
        self.send_response(200 if file else 404)
        self.send_header("Content-Length", str(len(file.data)) if file else "0")
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._search(body)

    def log_message(self, *_):
        pass

    def _answer(self, code, data, headers=()):
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _search(self, asked):
        service = self.service
        service.asked.append({"method": self.command, "path": urlsplit(self.path).path, **asked})
        if service.codes:
            self._answer(service.codes.pop(0), b'{"errors": ["Oops! Something has gone wrong."]}')
            return
        cmr = "LPCLOUD" in self.path or "POCLOUD" in self.path
        found = service.answer or [item for item in service.items if _holds(item, asked)]
        first, limit = int(asked.get("cursor", asked.get("token", 0))), int(asked.get("limit", 10))
        if service.stuck:
            first = 0
        page = found[first : first + limit]
        answer = {"type": "FeatureCollection", "features": page, "links": []}
        if cmr:
            answer |= {"numberMatched": len(found) + service.hidden, "numberReturned": len(page)}
        if first + limit < len(found):
            answer["links"] = [self._next(asked, str(first + limit), cmr=cmr)]
        if first and service.pages:
            answer = service.pages.pop(0)
        data = json.dumps(answer).encode()
        self._answer(200, data[: len(data) // 2] if service.cut else data, {"Content-Type": "application/geo+json"})

    def _next(self, asked, at, *, cmr):
        here = self.service.url + urlsplit(self.path).path
        if cmr:
            return {"rel": "next", "href": f"{here}?{urlencode({**asked, 'cursor': at})}"}
        return {"rel": "next", "href": here, "method": "POST", "body": {**asked, "token": at}}

    def _file(self, file):
        if file.token is not None and self.headers.get("Authorization") != file.token:
            self._answer(401, b"")
            return
        if file.to is not None:
            self._answer(302, b"", {"Location": file.to})
            return
        if file.codes:
            self._answer(file.codes.pop(0), b"")
            return
        said = {"ETag": file.etag, "Last-Modified": file.changed}
        headers = {name: value for name, value in said.items() if value is not None}
        wanted, known = self.headers.get("Range"), self.headers.get("If-Range")
        start, end, code = 0, len(file.data), 200
        if wanted and file.ranges and known in {None, file.etag, file.changed}:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1 if last else end, end)
            if start >= len(file.data):
                self._answer(416, b"", {"Content-Range": f"bytes */{len(file.data)}"})
                return
            code, headers = 206, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(file.data)}"}
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(end - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        body = file.data[start:end]
        self.wfile.write(body[: file.cuts.pop(0)] if file.cuts else body)


def _holds(item, asked):
    collections = asked["collections"]
    if item["collection"] not in (collections if isinstance(collections, list) else collections.split(",")):
        return False
    start, _, end = asked.get("datetime", "0/9").partition("/")
    if not start <= item["properties"]["datetime"] <= end:
        return False
    if item["geometry"] is None:
        return True
    place = shape(item["geometry"])
    if "bbox" in asked:
        bounds = asked["bbox"]
        return box(*(bounds if isinstance(bounds, list) else map(float, bounds.split(",")))).intersects(place)
    if "intersects" in asked:
        area = asked["intersects"]
        area = shape(json.loads(area) if isinstance(area, str) else area)
        assert area.geom_type == "Polygon"
        assert area.exterior.is_ccw, "CMR refuses clockwise polygons"
        return area.intersects(place)
    return True
