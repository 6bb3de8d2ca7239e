"""`hlsmask search`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from hlsmask.granules.catalogue.query import Query


def search(
    *,
    query: Annotated[Query | None, Parameter(name="*")] = None,
    paired: bool = False,
    format: Literal["table", "stac", "urls"] = "table",  # noqa: A002 - the option's name
    layers: tuple[str, ...] = (),
    out: Path | None = None,
) -> int:
    """Find HLS granules and DSWx-HLS products by place and time.

    Asks NASA Earthdata or the Planetary Computer; needs no login and downloads nothing. Granules and products of the
    same tile, satellites and time are shown as pairs; of a product that was produced again only the newest counts.
    `--format stac` gives a STAC ItemCollection and `--format urls` addresses, one a line: `hlsmask download` takes
    either. URLs of the Planetary Computer have to be signed, which `hlsmask download` does.

    Parameters
    ----------
    query
        What is searched for.
    paired
        Only granules that have a DSWx product, and that product: what `hlsmask samples build` needs.
    format
        What to give.
    layers
        Layers to give URLs of, such as B04, red, Fmask, WTR or all. Else those that masks and labels need.
    out
        File to write to. Else it is printed.
    """
    from hlsmask.cli.searching import run  # noqa: PLC0415 - --help answers without rasterio

    return run(query or Query(), paired=paired, form=format, layers=layers, out=out)
