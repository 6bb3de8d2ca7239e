"""`hlsmask demo`."""

from __future__ import annotations

from pathlib import Path


def demo(*, out: Path = Path("demo"), size: int = 1024, seed: int = 0, model: str | None = None) -> int:
    """Simulate a granule, mask it, write everything, print a table.

    The landscape, its weather and the truth about it are simulated, so that no data is needed and every mask can
    be scored. A figure on simulated data says that the program works, not how good the masks are on real scenes.

    Parameters
    ----------
    out
        Folder of the granule and the results.
    size
        Rows and columns of the granule, 64 to 3660.
    seed
        Which landscape; the same seed gives the same one.
    model
        What masks, as --model of predict: hlsmask_s, spectral (which is given the elevation), or a file of weights.
        Else hlsmask_s.
    """
    from hlsmask.cli.show import show  # noqa: PLC0415 - --help answers without rasterio

    return show(out, size, seed, model)
