"""What `samples build` and `samples split` print: samples, masks and splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from hlsmask.masks import Mask
from hlsmask.samples.sample import SPLITS
from hlsmask.samples.store.reading import masks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.samples.building.report import Report
    from hlsmask.samples.division.shares import By, Shares
    from hlsmask.samples.division.splits import Division
    from hlsmask.samples.store.manifest import Row


def show_division(division: Division, rows: Sequence[Row], by: By, shares: Shares) -> None:
    """Print which split holds how much of each mask, and what was done to keep ground apart."""
    console = Console(highlight=False, soft_wrap=True)
    caption = "all in %, but samples; masks: share of the known pixels at which they are there"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, caption=caption)
    for name in ("split", "samples", "share", "asked", *(mask.title.replace(" ", "\n") for mask in Mask)):
        table.add_column(name, justify="left" if name == "split" else "right", no_wrap=True)
    for split in (*SPLITS, ""):
        members = [row for row in rows if row.record.split == split]
        if not members and split not in shares.asked:
            continue
        share = f"{100 * division.reached[split]:.1f}" if split else ""
        asked = f"{100 * shares.asked.get(split, 0):.1f}" if split else ""
        table.add_row(split or "none", f"{len(members)}", share, asked, *_masks(members))
    console.print(table)
    for line in remarks(division, by):
        console.print(line)


def remarks(division: Division, by: By) -> list[str]:
    """Return in sentences what was done to keep ground apart."""
    lines = []
    if division.kept == len(division.splits):
        lines.append("all samples had a split already and keep it; `hlsmask samples split --again` divides them anew")
    else:
        kept = f"; {division.kept} samples keep the split that they had" if division.kept else ""
        many = "group" if division.groups == 1 else "groups"
        lines.append(f"divided in {division.groups} {many} of whole {by}s{kept}")
    if division.left_out:
        lines.append(
            f"{division.left_out} samples are in no split, as they overlap one of another: {by}s that share ground had "
            "to be taken apart (samples that were cut with --edges drop share less)"
        )
    if division.shared:
        lines.append(
            f"{division.shared} samples overlap one that had another split already: scores on them flatter; "
            "`hlsmask samples split --again` divides without that"
        )
    return lines


def show_report(report: Report) -> None:
    """Print what was kept and dropped, and why."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("samples")
    table.add_column("", justify="right")
    table.add_row("kept", f"{report.kept}")
    for reason, count in report.dropped.items():
        table.add_row(f"dropped: {reason}", f"{count}")
    table.add_section()
    table.add_row("granules cut", f"{len(report.accounts) - len(report.failed)}")
    for what, count in (
        ("granules that failed", len(report.failed)),
        ("granules without a product", len(report.without_product)),
        ("products without a granule", len(report.without_granule)),
        ("products with a newer production", len(report.superseded)),
    ):
        if count:
            table.add_row(what, f"{count}")
    console.print(table)
    if report.kept:
        console.print(_balance(report))


def _balance(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("mask")
    for name in ("there", "not there", "not known"):
        table.add_column(name, justify="right")
    for mask in Mask:
        counts = [report.masks[mask][name] for name in ("present", "absent", "unknown")]
        table.add_row(mask.title, *(f"{100 * count / max(1, sum(counts)):.2f} %" for count in counts))
    return table


def _masks(rows: Sequence[Row]) -> list[str]:
    shares = []
    for present, absent, _ in masks_of(rows).values():
        known = present + absent
        shares.append(f"{100 * present / known:.2f}" if known else "-")
    return shares
