"""What is answered to which address: the page, what it shows, tiles, values."""

from __future__ import annotations

import mimetypes
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hlsmask.errors import HlsmaskError
from hlsmask.view.guard import Guard
from hlsmask.view.layers import STACK, Kind
from hlsmask.view.mosaic import Mosaics
from hlsmask.view.picture import draw_light, draw_mask, draw_probability
from hlsmask.view.point import values_at
from hlsmask.view.telling import name_scene, tell_contents, tell_day
from hlsmask.view.tile import Tile

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from hlsmask.view.catalogue import Catalogue
    from hlsmask.view.layers import Layer
    from hlsmask.view.result import Result
    from hlsmask.view.scenes import Scenes

STATIC: Final = Path(__file__).parent / "static"
"""The page and all that it loads."""

NOT_FOUND, BAD, BROKEN, SAME = 404, 400, 500, 304


def make_app(catalogue: Catalogue, scenes: Scenes) -> ASGIApp:
    """Return the application that serves a folder of results, with its guard around it."""
    site = Site(catalogue, scenes)
    routes = [
        Route("/", site.page),
        Route("/static/{name:path}", site.static),
        Route("/api/results", site.results),
        Route("/api/days/{day}", site.day),
        Route("/api/days/{day}/point", site.point),
        Route("/tiles/{day}/{layer}/{z:int}/{x:int}/{y:int}.png", site.tile),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={HTTPException: _refuse, HlsmaskError: _explain}))


class Site:
    """Answers; each method that is no coroutine runs in a thread of its own."""

    def __init__(self, catalogue: Catalogue, scenes: Scenes) -> None:
        """Serve `catalogue`, with reflectance that `scenes` finds."""
        self._catalogue = catalogue
        self._mosaics = Mosaics(scenes)
        self._files = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}

    def page(self, request: Request) -> Response:
        """Answer with the page."""
        return _file(request, self._files["index.html"])

    def static(self, request: Request) -> Response:
        """Answer with a file that belongs to the page: one of those that were there at the start, by its name."""
        path = self._files.get(request.path_params["name"])
        if path is None:
            raise HTTPException(NOT_FOUND, "there is no such file")
        return _file(request, path)

    def results(self, _request: Request) -> Response:
        """Answer what there is to see, looked up anew."""
        self._mosaics.try_again()
        return JSONResponse(tell_contents(self._catalogue.refresh(), self._catalogue.shelf.name))

    def day(self, request: Request) -> Response:
        """Answer what there is to see on a day."""
        day = request.path_params["day"]
        return JSONResponse(tell_day(day, self._of(request), self._mosaics, self._catalogue.shelf))

    def point(self, request: Request) -> Response:
        """Answer with the values of the pixel at `lon`, `lat` of each scene of a day."""
        results = self._of(request)
        try:
            longitude, latitude = (float(request.query_params[name]) for name in ("lon", "lat"))
        except (KeyError, ValueError) as error:
            raise HTTPException(BAD, "lon and lat must be given, in degrees") from error
        if not (isfinite(longitude) and isfinite(latitude) and abs(latitude) <= 90):  # noqa: PLR2004 - a pole
            raise HTTPException(BAD, "lon and lat must be given, in degrees")
        longitude = (longitude + 180) % 360 - 180
        found = []
        for result in results:
            if not result.may_hold(longitude, latitude):
                continue
            self._catalogue.shelf.bring([result])
            values = values_at(result, self._mosaics.scenes, longitude, latitude)
            if values is not None:
                found.append(name_scene(result) | values)
        return JSONResponse({"lon": longitude, "lat": latitude, "scenes": found})

    def tile(self, request: Request) -> Response:
        """Answer with a tile of a layer, drawn from all scenes of a day or from the one that `only` names."""
        layer = STACK.get(request.path_params["layer"])
        if layer is None:
            raise HTTPException(NOT_FOUND, f"there is no such layer; the layers are {', '.join(STACK)}")
        try:
            tile = Tile(*(request.path_params[name] for name in "zxy"))
        except ValueError as error:
            raise HTTPException(NOT_FOUND, str(error)) from error
        results = [result for result in self._of(request) if result.bbox is not None and tile.meets(result.bbox)]
        if layer.kind is not Kind.TRUE_COLOUR:
            self._catalogue.shelf.bring(results)
        stamps = [(result.id, self._mosaics.stamp(result, layer.kind)) for result in results]
        tag = f'"{sha256(repr((layer.name, tile, stamps)).encode()).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=SAME, headers={"ETag": tag})
        return Response(self._draw(layer, results, tile), media_type="image/png", headers={"ETag": tag})

    def _draw(self, layer: Layer, results: list[Result], tile: Tile) -> bytes:
        if layer.kind is Kind.TRUE_COLOUR or layer.colour is None:
            return draw_light(self._mosaics.light(results, tile))
        if layer.kind is Kind.PROBABILITY:
            return draw_probability(self._mosaics.probabilities(results, tile)[layer.band], layer.colour)
        return draw_mask(self._mosaics.masks(results, tile) & (1 << layer.band) != 0, layer.colour)

    def _of(self, request: Request) -> tuple[Result, ...]:
        """Return the results that are asked for: looked up by day and name, never made into a path."""
        day, only = request.path_params["day"], request.query_params.get("only")
        results = self._catalogue.contents.days.get(day, ())
        if only is not None:
            results = tuple(result for result in results if result.id == only)
        if not results:
            raise HTTPException(NOT_FOUND, "there are no results of that day and name")
        return results


def _file(request: Request, path: Path) -> Response:
    content = path.read_bytes()
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=SAME, headers={"ETag": tag})
    kind = mimetypes.guess_type(path.name)[0] or "text/plain"
    return Response(content, media_type=_KINDS.get(path.suffix, kind), headers={"ETag": tag})


_KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
"""Of what matters; a machine's own list of kinds may be wrong."""


def _refuse(_request: Request, error: Exception) -> Response:
    """Answer with why an address is none, in one sentence."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def _explain(_request: Request, error: Exception) -> Response:
    """Answer with what went wrong, in one sentence."""
    return JSONResponse({"error": str(error)}, status_code=BROKEN)
