"""A server for this machine alone."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST: Final = "127.0.0.1"
"""The one address that is listened on: no other machine can reach it."""

_PORTS: Final = 65535

_PATIENCE: Final = 2
"""Seconds that answers which are being made get to be finished when the server is stopped."""


def listen(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1, at `port` or, if that is 0, at one that is free.

    Raises
    ------
    UsageError
        If the port is taken, or not allowed.
    """
    if not 0 <= port <= _PORTS:
        raise UsageError(f"--port is {port}; use 1 to {_PORTS}, or leave it out for one that is free")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        why = "taken" if error.errno == errno.EADDRINUSE else f"not to be had ({error.strerror})"
        raise UsageError(f"port {port} is {why}; choose another with --port, or leave it out for a free one") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of the page."""
    return f"http://{HOST}:{listener.getsockname()[1]}/"


def make_server(app: ASGIApp) -> uvicorn.Server:
    """Return a server, which `run(sockets=[...])` starts and Ctrl-C, or `should_exit = True`, ends."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
    )
