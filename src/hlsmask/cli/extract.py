"""`hlsmask extract`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import Annotated

from cyclopts import Parameter

from hlsmask.archive.sites.options import Extraction  # noqa: TC001 - as above


def extract(masks: Path, /, *, extraction: Annotated[Extraction, Parameter(name="*")]) -> int:
    """Tell what results hold of places: clear water, its reflectance, and what hid it, date by date.

    Writes one table, a row for each site and granule: how many pixels of the site were observed and how many are clear
    water, median and quartiles of each band over the clear water, and the shares of water, cloud, cloud shadow, snow
    and terrain shadow. The reflectance is read from the scenes that were masked, and only where a site is. A granule
    that cannot be read does not stop the others; its reason is printed, and the exit code is 1.

    Parameters
    ----------
    masks
        Folder that `hlsmask predict` wrote to, or a place such as s3://bucket/masks; or that of one scene in it.
    extraction
        Which places, and where what is found goes.
    """
    from hlsmask.cli.extracting import run  # noqa: PLC0415 - --help answers without rasterio

    return run(masks, extraction)
