"""`hlsmask evaluate`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import Annotated

from cyclopts import Parameter

from hlsmask.evaluation.options import Options


def evaluate(
    *,
    checkpoint: Annotated[Path, Parameter(name=("--checkpoint", "--ckpt-path", "--model"))],
    options: Annotated[Options | None, Parameter(name="*")] = None,
) -> int:
    """Judge weights on samples, or on human labels: F1, recall, precision, accuracy, IoU and outlines of each mask.

    Of samples, the split `val` chooses the threshold of each mask by its F1, and the split `test` is judged; both are
    gone through once. Thresholds and scores go into the card of the weights, so that `hlsmask predict` uses them (of a
    published .pth.tar: into a .safetensors file beside it), unless --keep-card says otherwise. Beside the checkpoint,
    named after it, come a table (.csv, with the published columns first), the same by sensor and by contender, a
    picture (.png) and a report (.html).

    Parameters
    ----------
    checkpoint
        The weights: a .safetensors or .onnx file with a card, a published .pth.tar, or hlsmask_s, the network that
        comes with hlsmask.
    options
        On what they are judged, and how.
    """
    from hlsmask.cli.evaluating import run  # noqa: PLC0415 - --help answers at once

    return run(checkpoint, options or Options())
