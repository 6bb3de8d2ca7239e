"""What `hlsmask view` does: look what there is, serve it, open a browser."""

from __future__ import annotations

import sys
import webbrowser
from typing import TYPE_CHECKING, Final

from hlsmask.cli import DONE
from hlsmask.extras import needing

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.view.catalogue import Contents

_NAMED: Final = 10
"""Results that cannot be shown are named up to this many."""


def run(out: Path, *, scenes: Path | None, remote: bool, port: int, browser: bool) -> int:
    """Serve the results in `out` until stopped; return the exit code."""
    with needing("view", "hlsmask view"):
        from hlsmask.view.catalogue import Catalogue  # noqa: PLC0415 - after the sentence on what is missing
        from hlsmask.view.scenes import Scenes  # noqa: PLC0415 - the same
        from hlsmask.view.serving import listen, make_server, url_of  # noqa: PLC0415 - the same
        from hlsmask.view.web import make_app  # noqa: PLC0415 - the same
    catalogue = Catalogue(out)
    app = make_app(catalogue, Scenes(scenes, remote=remote))
    with listen(port) as listener:
        url = url_of(listener)
        _tell(catalogue.contents, url)
        if browser and sys.stdout.isatty():
            webbrowser.open(url)  # it may ask before the server runs: the socket listens, and the question waits
        try:
            make_server(app).run(sockets=[listener])
        except KeyboardInterrupt:  # how one ends it
            print("stopped")
    return DONE


def _tell(contents: Contents, url: str) -> None:
    for sentence in list(contents.broken.values())[:_NAMED]:
        print(f"hlsmask: passed over: {sentence}", file=sys.stderr)
    if len(contents.broken) > _NAMED:
        print(f"hlsmask: passed over: {len(contents.broken) - _NAMED} more", file=sys.stderr)
    for result in contents.placeless[:_NAMED]:
        print(f"hlsmask: passed over: {result.id} has no place on Earth", file=sys.stderr)
    days = list(contents.days)
    span = days[0] if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    print(f"{contents.count} {'scene' if contents.count == 1 else 'scenes'} of {span}")
    print(f"look at {url}   (Ctrl-C ends)", flush=True)
