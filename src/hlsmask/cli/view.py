"""`hlsmask view`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations


def view(
    out: Path, /, *, scenes: Path | None = None, remote: bool = False, port: int = 0, no_browser: bool = False
) -> int:
    """Look at results on a map, in a browser on this machine.

    Serves a page on 127.0.0.1 alone, until Ctrl-C: true colour, each mask as a layer, a slider of dates, and the values
    of the pixel that is clicked. Nothing is fetched from the network, but masks that lie there, and with `--remote`
    scenes. Results that appear meanwhile are shown once the page is loaded again. Needs `pip install "hlsmask[view]"`.

    Parameters
    ----------
    out
        Folder that `hlsmask predict` wrote to, or that of one scene in it; or a place such as s3://bucket/masks.
    scenes
        Folder where the scenes lie now, at any depth, if they are not where they were masked: for true colour and
        reflectance. Masks are shown without them.
    remote
        Read scenes that lie in object storage or on a server from there, a tile at a time, for true colour and
        reflectance.
    port
        Of the page. Else one that is free.
    no_browser
        Print the address alone. A browser is opened only from a terminal anyway.
    """
    from hlsmask.cli.viewing import run  # noqa: PLC0415 - --help answers without rasterio

    return run(out, scenes=scenes, remote=remote, port=port, browser=not no_browser)
