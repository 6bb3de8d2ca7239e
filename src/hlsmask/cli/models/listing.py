"""`hlsmask models list`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich import box
from rich.console import Console
from rich.table import Table

from hlsmask.cli import DONE
from hlsmask.cli.models.words import gigas, millions, pretraining
from hlsmask.models.registry import NETWORKS, UNSTATED

if TYPE_CHECKING:
    from hlsmask.models.registry import Network


def list_networks(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """List the networks that can be built: size, cost, windows, pretraining and its licence.

    Needs no torch. Cost is multiply-accumulates for a window of 512 x 512 pixels, with five masks.

    Parameters
    ----------
    as_json
        Print JSON instead of a table.
    """
    if as_json:
        networks = [described(network) for network in NETWORKS.values()]
        print(json.dumps({"networks": networks, "published_licence": UNSTATED}, indent=2))
        return DONE
    console = Console()
    console.print(_table())
    own = ", ".join(network.backbone for network in NETWORKS.values() if not network.published)
    shipped = ", ".join(network.backbone for network in NETWORKS.values() if network.shipped)
    console.print(
        "Parameters and GMAC (10^9 multiply-accumulates): five masks, a window of 512 x 512 pixels.\n"
        f"All but {own} are of the improv-mask project (doi 10.1109/JSTARS.2025.3551620). The licence of its weights "
        f"is {UNSTATED}.\n"
        f"The trained weights of {shipped} come with hlsmask: hlsmask models show {shipped} tells of them. The others "
        "are to be trained (hlsmask train), or imported (hlsmask models import).",
        highlight=False,
    )
    return DONE


def described(network: Network) -> dict[str, Any]:
    """Return what the registry knows of a network that a user would, as JSON values."""
    source = network.pretraining
    return {
        "backbone": network.backbone,
        "head": network.head,
        "title": network.title,
        "published": network.published,
        "shipped": network.shipped,
        "parameters": network.parameters,
        "gmac_512": network.cost,
        "windows": network.windows,
        "size": network.size,
        "pretraining": None if source is None else {**asdict(source), "by_default": network.by_default},
        "normalization": asdict(network.normalization),
        "note": network.note,
    }


def _table() -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_lines=True)
    table.add_column("backbone\nhead", no_wrap=True)
    table.add_column("parameters\ncost", justify="right", no_wrap=True)
    table.add_column("windows", max_width=9)
    table.add_column("pretraining\nits licence")
    for network in NETWORKS.values():
        table.add_row(
            f"{network.backbone}\n{network.head}",
            f"{millions(network.parameters)}\n{gigas(network.cost)}",
            network.windows,
            "trained, and shipped" if network.shipped else "\n".join(pretraining(network)),
        )
    return table
