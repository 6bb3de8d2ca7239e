"""`hlsmask predict`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from hlsmask.archive.options import Many
from hlsmask.hrefs import url_of
from hlsmask.inference.options import Options
from hlsmask.products.output import Output  # noqa: TC001 - cyclopts reads the annotations

_DEFAULTS = Options()
_MANY = Many()


def predict(
    *sources: str,
    output: Annotated[Output, Parameter(name="*")],
    options: Annotated[Options, Parameter(name="*")] = _DEFAULTS,
    many: Annotated[Many, Parameter(name="*")] = _MANY,
) -> int:
    """Mask scenes: water, cloud, cloud shadow, snow/ice, terrain shadow and clear water for every pixel.

    Needs nothing but the scenes: the network that does it comes with hlsmask.

    For each source ID, writes to OUT/ID: ID.masks.tif (COG, six bands), ID.qa.tif (COG, as the HLS Fmask layer),
    ID.png (quicklook), ID.json (STAC Item) and, if asked, ID.probabilities.tif; and OUT/collection.json over all.
    What is already there for the same source, model and options is skipped. A source that fails does not stop
    the others; its reason is printed and kept in OUT/failures.jsonl.

    A source may hold many: a folder in which granules lie at any depth, a list (.txt, .parquet), a STAC
    ItemCollection, the URL of a STAC search. Many are masked side by side, by Dask, and OUT/manifest.parquet tells what
    became of each; the same command again does what is missing, stale or failed.

    Parameters
    ----------
    sources
        Granule folders, band files of granules, 6-band GeoTIFFs or VRTs, STAC Items, published samples (.npy): paths,
        https:// or s3://.
    output
        Where results go.
    options
        How scenes are masked.
    many
        How many are masked side by side.
    """
    from hlsmask.cli.run import is_many, run  # noqa: PLC0415 - --help answers without rasterio

    if many.asked or url_of(output.out) or is_many(sources):
        from hlsmask.cli.many import run as run_many  # noqa: PLC0415 - as above

        return run_many(sources, options, output, many)
    return run(sources, options, output)
