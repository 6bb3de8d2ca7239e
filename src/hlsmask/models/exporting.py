"""From a network to a file that runs without torch."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import torch
from torch import Tensor, nn

from hlsmask.aside import aside
from hlsmask.card import METADATA_KEY
from hlsmask.errors import ModelError, UsageError, first_line
from hlsmask.models.folding import folded
from hlsmask.models.margins import cut_margins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hlsmask.models.masknet import MaskNet

OPSET = 18
"""Version of ONNX's operators: the lowest that torch exports to, so that old runtimes can run the file too."""


def export(net: MaskNet, path: Path | str) -> Path:
    """Write `net` to an `.onnx` file with its card, whole or not at all; return its path.

    What it takes is called `bands`, float32 (n, 6, h, w) as `card.normalize` gives it, what it gives `logits`,
    float32 (n, masks, h, w). Any n; h and w are multiples of `card.multiple`, or `card.size` where that is fixed.
    Batch norms are folded. Networks that know where margins may be cut off (`Backbone.cuts`) can be given `kept`
    besides: int64 (4), the first row and column and those after the last, in pixels. They then give those alone, the
    same numbers in less time.

    Raises
    ------
    UsageError
        If the file is not called `.onnx`.
    ModelError
        If the network cannot be exported.
    OutputError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise UsageError(f"networks are exported to an .onnx file, not to {path}")
    model = _traced(net)
    onnx.helper.set_model_props(model, {METADATA_KEY: net.card.to_json()})
    with aside(path) as near:
        onnx.save(model, near)
    return path


class _Bare(nn.Module):
    """The network without the care it takes of sizes: a file's inputs are of the size its card asks for."""

    def __init__(self, net: MaskNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, bands: Tensor) -> Tensor:
        return self.net.logits(bands)


def _traced(net: MaskNet) -> onnx.ModelProto:
    card = net.card
    size = card.size if card.fixed else 3 * card.multiple
    other = size if card.fixed else 2 * card.multiple
    bands = torch.zeros(2, len(card.bands), size, other)  # two: of one, torch would take the number as fixed
    shapes = {0: torch.export.Dim("n")}
    if not card.fixed:
        shapes[2] = card.multiple * torch.export.Dim("rows", min=1)
        shapes[3] = card.multiple * torch.export.Dim("columns", min=1)
    bare = _Bare(folded(net).cpu().float())
    try:
        with _silence():
            program = torch.onnx.export(
                bare,
                (bands,),
                dynamo=True,
                opset_version=OPSET,
                dynamic_shapes=(shapes,),
                input_names=["bands"],
                output_names=["logits"],
                verbose=False,
            )
    except Exception as error:  # whatever the exporter meets
        raise ModelError(f"{card.name} cannot be exported to ONNX: {first_line(error)}") from error
    assert program is not None  # noqa: S101 - only without dynamo is there none
    model: onnx.ModelProto = program.model_proto
    if net.backbone.cuts:
        cut_margins(model, net.backbone.cuts, net.backbone.multiple)
    return model


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's remarks on itself from our users."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
