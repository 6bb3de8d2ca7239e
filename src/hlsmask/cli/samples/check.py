"""`hlsmask samples check`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich import box
from rich.console import Console
from rich.table import Table

from hlsmask.cli import DONE, FAILED
from hlsmask.masks import Mask

if TYPE_CHECKING:
    from hlsmask.samples.checking import Inspection, Part


def check(folder: Path, /, *, workers: int = 2, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Read every sample: say what is there, what is missing or broken, and how often each mask is there.

    Ends with 0 where all can be used, and with 1 where a list cannot be read, is refused, or names nothing that
    exists, or a sample is missing or broken. Every one of them is named.

    Parameters
    ----------
    folder
        A store of samples, or the folder of a published train.npy.
    workers
        Threads that read.
    as_json
        Print JSON instead of tables.
    """
    from hlsmask.cli.samples.progress import progress  # noqa: PLC0415 - --help answers at once
    from hlsmask.cli.samples.workers import check_workers  # noqa: PLC0415 - the same
    from hlsmask.samples.checking import inspect  # noqa: PLC0415 - the same

    check_workers(workers)
    with progress("checking") as advance:
        found = inspect(folder, workers=workers, progress=advance)
    if as_json:
        print(json.dumps(described(found), indent=2))
    else:
        _show(found)
    return DONE if found.usable else FAILED


def described(found: Inspection) -> dict[str, Any]:
    """Return an inspection as JSON values."""
    parts = {
        split or "none": {
            "listed": part.listed, "usable": part.usable, "missing": part.missing, "broken": part.broken,
            "sizes": {str(size): count for size, count in sorted(part.sizes.items())}, "with_fmask": part.fmask,
            "pixels": {
                mask.value: dict(zip(("present", "absent", "not_known"), counts, strict=True))
                for mask, counts in zip(Mask, part.counts, strict=True)
            },
        }
        for split, part in found.parts.items()
    }  # fmt: skip
    findings = [asdict(finding) for finding in found.findings]
    return {"path": str(found.path), "kind": found.kind, "usable": found.usable, "splits": parts, "findings": findings}


def _show(found: Inspection) -> None:
    console = Console(soft_wrap=True, highlight=False)
    kind = "a store of samples" if found.kind == "store" else "samples in the published layout"
    console.print(f"{found.path}: {kind}", markup=False)
    console.print(_counts(found))
    if any(part.usable for part in found.parts.values()):
        console.print(_balance(found))
    for finding in found.findings:
        where = f" in {finding.split}" if finding.split else ""
        name = "" if finding.name in finding.reason else f"{finding.name} "
        console.print(f"{finding.kind}{where}: {name}{finding.reason}", markup=False)
    console.print("all can be used" if found.usable else "not all can be used")


def _counts(found: Inspection) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("split")
    for name in ("listed", "usable", "missing", "broken", "with Fmask"):
        table.add_column(name, justify="right")
    table.add_column("sizes")
    for split, part in found.parts.items():
        sizes = ", ".join(f"{size} ({count})" for size, count in sorted(part.sizes.items()))
        numbers = (part.listed, part.usable, part.missing, part.broken, part.fmask)
        table.add_row(split or "none", *(f"{number}" for number in numbers), sizes or "-")
    return table


def _balance(found: Inspection) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption="share of known pixels at which a mask is there; in brackets: not known")
    table.add_column("mask")
    parts = {split: part for split, part in found.parts.items() if part.usable}
    for split in parts:
        table.add_column(split or "none", justify="right")
    for at, mask in enumerate(Mask):
        table.add_row(mask.title, *(_share(part, at) for part in parts.values()))
    return table


def _share(part: Part, at: int) -> str:
    there, absent, unknown = part.counts[at]
    known = there + absent
    share = f"{100 * there / known:.2f} %" if known else "-"
    return f"{share} ({100 * unknown / (known + unknown):.0f} %)"
