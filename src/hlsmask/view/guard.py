"""Who is answered, and what a browser may do with the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
"""What every answer carries. Answers may be kept, and are asked for again with their ETag before they are used."""

_FORBIDDEN, _NOT_ALLOWED = 403, 405


class Guard:
    """Lets through requests to read, addressed to this machine by its own name.

    A page of another site can make a browser send requests here; under a name of that site, if it makes its name
    stand for 127.0.0.1. Such requests carry that name as their Host, and are refused.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        hosts = Headers(scope=scope).getlist("host")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        answer: ASGIApp = self._app
        if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
            answer = JSONResponse({"error": "this is served to 127.0.0.1 and localhost only"}, _FORBIDDEN)
        elif scope["method"] not in ("GET", "HEAD"):
            answer = JSONResponse({"error": "this can only be read"}, _NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        await answer(scope, receive, send_guarded)
