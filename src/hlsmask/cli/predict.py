"""`hlsmask predict`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from hlsmask.inference.options import Options
from hlsmask.products.output import Output  # noqa: TC001 - cyclopts reads the annotations

_DEFAULTS = Options()


def predict(
    *sources: str,
    output: Annotated[Output, Parameter(name="*")],
    options: Annotated[Options, Parameter(name="*")] = _DEFAULTS,
) -> int:
    """Mask scenes: water, cloud, cloud shadow, snow/ice, terrain shadow and clear water for every pixel.

    Needs nothing but the scenes: the network that does it comes with hlsmask.

    For each source ID, writes to OUT/ID: ID.masks.tif (COG, six bands), ID.qa.tif (COG, as the HLS Fmask layer),
    ID.png (quicklook), ID.json (STAC Item) and, if asked, ID.probabilities.tif; and OUT/collection.json over all.
    What is already there for the same source, model and options is skipped. A source that fails does not stop
    the others; its reason is printed and kept in OUT/failures.jsonl.

    Parameters
    ----------
    sources
        Granule folders, band files of granules, 6-band GeoTIFFs or VRTs, STAC Items, published samples (.npy): paths,
        https:// or s3://.
    output
        Where results go.
    options
        How scenes are masked.
    """
    from hlsmask.cli.run import run  # noqa: PLC0415 - --help answers without rasterio

    return run(sources, options, output)
