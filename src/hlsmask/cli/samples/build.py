"""`hlsmask samples build`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import Annotated

from cyclopts import Parameter

from hlsmask.samples.building.recipe import Cut, Gates
from hlsmask.samples.division.shares import By, Shares
from hlsmask.samples.labels import Rules

_CUT, _GATES, _RULES, _SHARES = Cut(), Gates(), Rules(), Shares()


def build(
    *,
    hls: Path,
    dswx: Path | None = None,
    out: Path,
    cut: Annotated[Cut, Parameter(name="*")] = _CUT,
    gates: Annotated[Gates, Parameter(name="*")] = _GATES,
    rules: Annotated[Rules, Parameter(name="*")] = _RULES,
    split_by: By = "tile",
    shares: Annotated[Shares, Parameter(name="*")] = _SHARES,
    workers: int | None = None,
) -> int:
    """Build a store of samples from HLS granules and DSWx-HLS products.

    Granules and products are paired by tile, sensor and time, cut into samples, labelled, and divided into train,
    val and test. What was kept and dropped, and why, is printed, and kept in OUT/report.json. A build that was
    stopped goes on where it stopped when the same command is given again; new granules are added so too. Ends with
    1 where a pair could not be cut to its end; the others are not concerned.

    Parameters
    ----------
    hls
        Folder of HLS granules, in any arrangement.
    dswx
        Folder of DSWx-HLS products, in any arrangement. `--labels spectral` does without.
    out
        The store's folder: new, empty, or the one to go on with.
    cut
        How granules are cut.
    gates
        Which samples are kept.
    rules
        How labels are made.
    split_by
        What goes to one split as a whole: MGRS tiles, or blocks of ground.
    shares
        How much each split gets. `--val 0 --test 0` leaves all for training.
    workers
        Threads that read and cut. Else one a core.
    """
    from hlsmask.cli.samples.making import run  # noqa: PLC0415 - --help answers without rasterio
    from hlsmask.samples.building.build import Recipe  # noqa: PLC0415 - the same

    recipe = Recipe(cut, gates, rules, shares.seed)
    return run(hls, dswx, out, recipe, by=split_by, shares=shares, workers=workers)
