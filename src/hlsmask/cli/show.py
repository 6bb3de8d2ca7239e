"""What `hlsmask demo` does: simulate, mask, write, score, print."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import rasterio
from rich.console import Console
from rich.table import Table

from hlsmask.cli import DONE
from hlsmask.errors import UsageError
from hlsmask.evaluation.confusion import Confusion
from hlsmask.granules.source import locate
from hlsmask.inference.options import SPECTRAL, Options
from hlsmask.inference.run import open_engine
from hlsmask.masks import PRESENT, Mask
from hlsmask.products.collection import write_collection
from hlsmask.products.output import Output
from hlsmask.products.produce import produce
from hlsmask.testing import simulate_granule, write_granule

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

NOTE = "share and truth: of the pixels that can be judged; water and snow under opaque cloud cannot.\n"
SPECTRAL_NOTE = "water is the DSWx test as it stands, which takes snow for water; clear water does not.\n"
SIMULATED_NOTE = "Simulated data: the figures show that it works, not how good it is on real scenes.\n"

SMALLEST, LARGEST = 64, 3660


def show(out: Path, size: int, seed: int, model: str | None = None) -> int:
    """Run the demo into `out`; return the exit code."""
    if not SMALLEST <= size <= LARGEST:
        raise UsageError(f"--size is {size}; use {SMALLEST} to {LARGEST} pixels")
    console = Console()
    options = Options(model=model)
    engine = open_engine(options)
    spectral = options.named() == SPECTRAL
    started = perf_counter()
    granule = simulate_granule(size, seed)
    folder = write_granule(granule, out / "granules")
    simulated = perf_counter() - started
    console.print(f"simulated {granule.id}, {size} x {size} pixels, in {simulated:.1f} s", highlight=False)

    if spectral or engine.card.elevation:
        options = replace(options, dem=str(folder / f"{granule.id}.dem.tif"))
    output = Output(out / "masks", probabilities=True, overwrite=True)
    made = produce(locate(folder), engine, options, output)
    collection = write_collection(output.out)

    truth = granule.truth
    with rasterio.open(made.folder / f"{made.id}.masks.tif") as file:
        masks = file.read()
    console.print(_table(f"{engine.card.name} masks of {made.id}", masks, truth, made.seconds))
    console.print(NOTE + (SPECTRAL_NOTE if spectral else "") + SIMULATED_NOTE, highlight=False)
    for path in (*sorted(made.folder.iterdir()), collection):
        console.print(f"  {path}", highlight=False, soft_wrap=True)
    console.print(f"\nlook at {made.folder / (made.id + '.png')}", highlight=False, soft_wrap=True)
    return DONE


def _table(title: str, masks: NDArray[np.uint8], truth: NDArray[np.uint8], seconds: float) -> Table:
    table = Table(title=title)
    table.add_column("mask", no_wrap=True)
    for name in ("share", "truth", "F1", "prec.", "recall", "seconds"):
        table.add_column(name, justify="right")
    clear = (truth[0] == PRESENT) & ~(truth[1:] == PRESENT).any(axis=0)
    known = truth[0].copy()
    known[known != 255] = clear[known != 255]  # noqa: PLR2004 - not observed
    names = [mask.title for mask in Mask] + ["clear water"]
    for name, mask, true in zip(names, masks, [*truth, known], strict=True):
        score = Confusion.of(mask, true)
        if not score.count:
            table.add_row(name, "not known")
            continue
        there = score.hits + score.misses
        table.add_row(
            name,
            f"{100 * (score.hits + score.false_alarms) / score.count:.1f} %",
            f"{100 * there / score.count:.1f} %",
            f"{score.f1:.2f}",
            f"{score.precision:.2f}",
            f"{score.recall:.2f}",
            "",
        )
    table.add_section()
    table.add_row("all, file to file", "", "", "", "", "", f"{seconds:.1f}")
    return table
