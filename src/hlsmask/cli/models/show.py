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
from hlsmask.weights import TO_RUN, TO_TRAIN, shipped

if TYPE_CHECKING:
    from typing import Any

    from hlsmask.models.registry import Network

_LABEL = 15
"""Columns of the names of lines."""


def show(what: str, /, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Show what is known of a network, or what a file of weights holds.

    Parameters
    ----------
    what
        Name of a backbone (`hlsmask models list` names them), with the card of its trained weights where they come
        with hlsmask; or a file: .safetensors, .onnx or a published .pth.tar. Only published files need torch.
    as_json
        Print JSON instead of text.
    """
    path = Path(what)
    if what in NETWORKS or not (what.endswith(SUFFIXES) or path.exists()):
        _show_network(find(what), as_json=as_json)
        return DONE
    file = WeightsFile.read(path)
    card = file.card
    if as_json:
        print(json.dumps(_values(what, file), indent=2))
    else:
        _print(f"{what}: {card.name}, version {card.version}", _of_file(file), _origin(file))
    return DONE


def _show_network(network: Network, *, as_json: bool) -> None:
    weights = [_shipped(network, ending) for ending in (TO_RUN, TO_TRAIN)] if network.shipped else []
    if as_json:
        files = [_values(str(file.path), file) for file in weights]
        print(json.dumps({**described(network), "weights": files}, indent=2))
        return
    _print(f"{network.backbone}: {network.title}", _of_network(network))
    if weights:
        file = weights[-1]  # to train on, whose parameters are as they were trained
        lines = _of_file(file)
        for name in ("network", "size", "sha256"):
            del lines[name]
        for name, each in zip(("to run", "to train on"), weights, strict=True):
            lines[name] = f"{each.path}, {megabytes(each.size)}, sha256 {each.sha256}"
        print()
        _print(f"its trained weights come with hlsmask: version {file.card.version}", lines, _origin(file))


def _shipped(network: Network, ending: str) -> WeightsFile:
    return WeightsFile.read(shipped(network.backbone, ending))


def _values(name: str, file: WeightsFile) -> dict[str, Any]:
    """Return what a file holds, as JSON values."""
    values = {"file": name, "bytes": file.size, "sha256": file.sha256, "parameters": file.parameters}
    return {**values, "card": json.loads(file.card.to_json())}


def _origin(file: WeightsFile) -> dict[str, str]:
    return {key: words.plain(value) for key, value in file.card.provenance.items()}


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
