"""What `hlsmask samples build` does: find, pair, cut, divide, report."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from rich.console import Console

from hlsmask.cli import DONE, FAILED, complain, heed_stop
from hlsmask.cli.samples.progress import progress
from hlsmask.cli.samples.tables import remarks, show_division, show_report
from hlsmask.cli.samples.workers import check_workers
from hlsmask.errors import DatasetError, UsageError
from hlsmask.granules.dswx import find_products
from hlsmask.granules.hls import find_granules
from hlsmask.granules.layers import Layer
from hlsmask.samples.building.build import Recipe, build
from hlsmask.samples.building.pairing import Pair, Pairing, alone, pair, why_lonely
from hlsmask.samples.division.dividing import divide

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.samples.building.report import Account, Report
    from hlsmask.samples.division.shares import By, Shares
    from hlsmask.samples.division.splits import Division


def run(hls: Path, dswx: Path | None, out: Path, recipe: Recipe, *, by: By, shares: Shares, workers: int | None) -> int:
    """Build the store `out`; return the exit code."""
    if workers is not None:
        check_workers(workers)
    if recipe.cut.edges is None:
        recipe = replace(recipe, cut=replace(recipe.cut, edges="drop" if by == "block" else "cover"))
    if recipe.cut.dem is not None:
        Layer(recipe.cut.dem).close()  # says what is wrong with it once, not for every granule
    pairing = find(hls, dswx, recipe)
    _check_tiles(pairing, out, by, shares)
    console = Console(highlight=False, soft_wrap=True)
    with progress("building") as advance:
        done = 0

        def tell(_account: Account, error: Exception | None) -> None:
            nonlocal done
            heed_stop()
            if error is not None:
                complain(error)
            done = min(done + 1, len(pairing.pairs))
            advance(done, len(pairing.pairs))

        report = build(pairing, out, recipe, workers=workers, tell=tell)
    show_report(report)
    for name, why in list(report.without_product.items())[:3]:
        console.print(f"{name} has no product: {why}")
    if not report.kept:
        why = ", ".join(f"{reason} ({count})" for reason, count in report.dropped.items())
        raise DatasetError(
            f"{out} gets no samples: none of {len(pairing.pairs)} granules gave one{why and '; dropped were: '}{why}"
        )
    code = FAILED if report.failed else DONE
    try:
        division, rows = divide(out, by=by, shares=shares)
    except DatasetError as error:  # the samples are there: they can be divided otherwise
        complain(error)
        return FAILED
    show_division(division, rows, by, shares)
    _with_division(report, division, by, shares).write(out)
    return code


def find(hls: Path, dswx: Path | None, recipe: Recipe) -> Pairing:
    """Return the pairs that lie in the folders.

    Raises
    ------
    UsageError
        If products are needed and no folder of them is named.
    DatasetError
        If there is nothing to build from.
    """
    spectral = recipe.cut.labels == "spectral"
    if dswx is None and not spectral:
        raise UsageError("--dswx is missing: name the folder of DSWx-HLS products, or use --labels spectral")
    granules = find_granules(hls)
    if not granules:
        raise DatasetError(f"{hls} holds no layer of an HLS granule (HLS.*.v2.0.<layer>.tif)")
    if dswx is None:
        return alone(granules)
    products = find_products(dswx)
    if not products and not spectral:
        raise DatasetError(f"{dswx} holds no layer of a DSWx-HLS product (OPERA_L3_DSWx-HLS_*_B01_WTR.tif)")
    pairing = pair(granules, products)
    if spectral:  # products only bring their DEM
        more = tuple(Pair(granule) for granule in pairing.lonely_granules)
        return replace(pairing, pairs=pairing.pairs + more, lonely_granules=())
    if not pairing.pairs:
        first = pairing.lonely_granules[0]
        raise DatasetError(
            f"none of {len(granules)} granules in {hls} has a product among {len(products)} in {dswx}; "
            f"of {first.id}: {why_lonely(first, products)}"
        )
    return pairing


def _check_tiles(pairing: Pairing, out: Path, by: By, shares: Shares) -> None:
    """Raise UsageError before hours of work if a new store has too few tiles to be divided by tile."""
    tiles = {each.granule.tile for each in pairing.pairs}
    if by == "tile" and len(tiles) < len(shares.asked) and not (out / "manifest.parquet").exists():
        few, splits = f"{len(tiles)} tile{'s' if len(tiles) > 1 else ''}", ", ".join(shares.asked)
        raise UsageError(
            f"{few} cannot be divided into {splits} tile by tile; use --split-by block, or --val 0 --test 0 "
            "(nothing was started)"
        )


def _with_division(report: Report, division: Division, by: By, shares: Shares) -> Report:
    told = {"by": by, **asdict(shares), "reached": division.reached, "left_out": division.left_out}
    return replace(report, splits={**told, "remarks": remarks(division, by)})
