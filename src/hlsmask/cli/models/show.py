"""`hlsmask models show`."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hlsmask.bands import BANDS
from hlsmask.cli import DONE
from hlsmask.cli.models import words
from hlsmask.cli.models.files import SUFFIXES, WeightsFile
from hlsmask.cli.models.listing import described
from hlsmask.cli.units import megabytes
from hlsmask.masks import Mask
from hlsmask.models.registry import NETWORKS, UNSTATED, find

if TYPE_CHECKING:
    from hlsmask.models.registry import Network

_LABEL = 15
"""Columns of the names of lines."""


def show(what: str, /, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Show what is known of a network, or what a file of weights holds.

    Parameters
    ----------
    what
        Name of a backbone (`hlsmask models list` names them), or a file: .safetensors, .onnx or a published
        .pth.tar. Only published files need torch.
    as_json
        Print JSON instead of text.
    """
    path = Path(what)
    if what in NETWORKS or not (what.endswith(SUFFIXES) or path.exists()):
        network = find(what)
        if as_json:
            print(json.dumps(described(network), indent=2))
        else:
            _print(f"{network.backbone}: {network.title}", _of_network(network))
        return DONE
    file = WeightsFile.read(path)
    card = file.card
    if as_json:
        values = {"file": what, "bytes": file.size, "sha256": file.sha256, "parameters": file.parameters}
        print(json.dumps({**values, "card": json.loads(card.to_json())}, indent=2))
    else:
        origin = {key: words.plain(value) for key, value in card.provenance.items()}
        _print(f"{what}: {card.name}, version {card.version}", _of_file(file), origin)
    return DONE


def _of_network(network: Network) -> dict[str, str]:
    source, licence = words.pretraining(network)
    lines = {
        "head": network.head,
        "parameters": f"{words.millions(network.parameters)}, with five masks",
        "cost": f"{words.gigas(network.cost)} for a window of 512 x 512 pixels",
        "windows": words.windows(network.card(tuple(Mask))),
        "pretraining": source,
    }
    if network.pretraining is not None:
        lines |= {"its licence": licence, "its source": network.pretraining.source}
    lines["normalization"] = f"for new training: {words.normalization(network.normalization, BANDS)}"
    if network.published:
        lines["published"] = f"one of the nine of the improv-mask project; the licence of its weights is {UNSTATED}"
    if network.note:
        lines["note"] = network.note
    return lines


def _of_file(file: WeightsFile) -> dict[str, str]:
    card = file.card
    counted = "not counted: that needs the package onnx" if file.parameters is None else words.millions(file.parameters)
    return {
        "network": f"{card.backbone} with {card.head}" if card.backbone else "not named",
        "masks": words.masks(card),
        "bands": ", ".join(card.bands) + (", then elevation in metres" if card.elevation else ""),
        "normalization": words.normalization(card.normalization, card.bands),
        "thresholds": words.thresholds(card),
        "windows": words.windows(card),
        "parameters": counted,
        "size": megabytes(file.size),
        "sha256": file.sha256,
    }


def _print(title: str, lines: dict[str, str], origin: dict[str, str] | None = None) -> None:
    """Print lines with their names to the left, then where the weights come from. Names of files stay whole."""
    width = max(shutil.get_terminal_size().columns, 2 * _LABEL)
    whole = partial(fill, width=width, break_long_words=False, break_on_hyphens=False)
    print(title)
    for name, text in lines.items():
        print(whole(text, initial_indent=name.ljust(_LABEL), subsequent_indent=" " * _LABEL))
    if origin:
        print("provenance")
    for name, text in (origin or {}).items():
        print(whole(f"{name}: {text}", initial_indent="  ", subsequent_indent="    "))
