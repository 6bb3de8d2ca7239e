"""`hlsmask download`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations


def download(
    *sources: str,
    out: Path,
    layers: tuple[str, ...] = (),
    workers: int = 4,
    verify: bool = False,
    dry_run: bool = False,
) -> int:
    """Fetch HLS granules and DSWx-HLS products, each into a folder of its own below OUT.

    What is there and whole is left as it is; what broke off goes on where it was. A file that fails does not stop
    the others. Files of NASA need a login: in ~/.netrc for urs.earthdata.nasa.gov, or EARTHDATA_TOKEN, or
    EARTHDATA_USERNAME and EARTHDATA_PASSWORD. It is sent to NASA alone, and neither shown nor kept.

    Parameters
    ----------
    sources
        Results of hlsmask search (--format stac or urls), other STAC ItemCollections or Items, or URLs.
    out
        Folder of the granules and products.
    layers
        Layers of STAC Items to fetch, such as B04, red, Fmask, WTR, or all. Else the six bands, Fmask, SZA and SAA
        of HLS, and WTR, CONF, DIAG, WTR-2, SHAD, CLOUD and DEM of DSWx-HLS.
    workers
        Files that are fetched at once.
    verify
        Check files that are there already against their checksums too, where the catalogue has them.
    dry_run
        Say how many files and bytes it would be; fetch nothing.
    """
    from hlsmask.cli.downloading import run  # noqa: PLC0415 - --help answers without rasterio

    return run(sources, out, layers=layers, workers=workers, verify=verify, dry_run=dry_run)
