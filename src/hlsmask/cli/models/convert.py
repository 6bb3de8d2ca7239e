"""`hlsmask models import` and `hlsmask models export`."""

from __future__ import annotations

import shlex
from math import inf, isfinite
from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import TYPE_CHECKING, Final

from hlsmask.cli import DONE
from hlsmask.cli.units import megabytes
from hlsmask.errors import UsageError
from hlsmask.extras import needing

if TYPE_CHECKING:
    from hlsmask.card import Card

CHECKPOINT: Final = ".pth.tar"
"""What published checkpoints are called."""


def import_checkpoint(
    checkpoint: Path,
    /,
    *,
    out: Path,
    backbone: str | None = None,
    head: str | None = None,
    overwrite: bool = False,
) -> int:
    """Turn a published checkpoint into a .safetensors file with its card.

    Nothing that may lie in the file is run. Needs torch.

    Parameters
    ----------
    checkpoint
        A .pth.tar file of the improv-mask project.
    out
        The .safetensors file to write.
    backbone
        Name of the backbone (`hlsmask models list` names them). Else the names of the tensors tell.
    head
        Name of the head. Else the one that fits the backbone.
    overwrite
        Write over a file that is there.
    """
    if head is not None and backbone is None:
        raise UsageError(f"--head {head} needs --backbone; leave out both to have the pair told from the tensors")
    _check(out, ".safetensors", overwrite=overwrite)
    with needing("train", f"importing {checkpoint}"):
        from hlsmask.models.published import import_published  # noqa: PLC0415 - not there in the light install
        from hlsmask.models.weights import save  # noqa: PLC0415 - as above

        net = import_published(checkpoint, backbone, head)
        save(net, out)
    card = net.card
    epoch = f", epoch {card.provenance['epoch']}" if "epoch" in card.provenance else ""
    masks = ", ".join(mask.title for mask in card.masks)
    print(f"{out}: {card.backbone} with {card.head}: {masks}{epoch}, from sha256 {card.provenance['sha256']}")
    print(f"next: hlsmask models export {shlex.quote(str(out))} --out {shlex.quote(str(out.with_suffix('.onnx')))}")
    _tell_note(card)
    return DONE


def export_network(weights: Path, /, *, out: Path, overwrite: bool = False) -> int:
    """Turn weights into an .onnx file with its card, which runs without torch, or into a published checkpoint.

    Needs torch itself.

    Parameters
    ----------
    weights
        A .safetensors file, a published .pth.tar, or hlsmask_s, the network that comes with hlsmask.
    out
        The file to write: .onnx, or .pth.tar as the code of the improv-mask project reads and writes it, for one of
        its nine networks. Its optimizer has not taken a step.
    overwrite
        Write over a file that is there.
    """
    if out.name.endswith(CHECKPOINT):
        return _publish(weights, out, overwrite=overwrite)
    _check(out, ".onnx", f" or, for the code of the improv-mask project, a {CHECKPOINT} file", overwrite=overwrite)
    with needing("train", f"exporting {weights}"):
        from hlsmask.models.exporting import export  # noqa: PLC0415 - not there in the light install
        from hlsmask.models.weights import load  # noqa: PLC0415 - as above

        net = load(weights)
        export(net, out)
    print(f"{out}: {net.card.name}, {megabytes(out.stat().st_size)}")
    print(f"next: hlsmask predict SOURCE --model {shlex.quote(str(out))} --out DIR")
    _tell_note(net.card)
    return DONE


def _publish(weights: Path, out: Path, *, overwrite: bool) -> int:
    _check(out, ".tar", overwrite=overwrite)
    with needing("train", f"exporting {weights}"):
        from hlsmask.models.publishing import notes, write_published  # noqa: PLC0415 - as above
        from hlsmask.models.weights import load  # noqa: PLC0415 - as above

        net = load(weights)
        epoch = int(_number(net.card, "epoch", 0))
        best = _number(net.card, "best_performance", _number(net.card, "val_loss", inf))
        write_published(net, out, epoch=epoch, best_performance=best)
    print(f"{out}: {net.card.backbone} with {net.card.head}, {megabytes(out.stat().st_size)}, epoch {epoch}")
    for note in notes(net):
        print(f"note: {note}")
    return DONE


def _number(card: Card, key: str, otherwise: float) -> float:
    value = card.provenance.get(key)
    return value if isinstance(value, (int, float)) and isfinite(value) else otherwise


def _check(out: Path, suffix: str, others: str = "", *, overwrite: bool) -> None:
    """Raise UsageError if `out` is no name for what is written, or is there and must stay."""
    if out.suffix != suffix:
        raise UsageError(f"--out is {out}; name a {suffix} file{others}")
    if out.exists() and not overwrite:
        raise UsageError(f"{out} is there already; name another --out, or add --overwrite")


def _tell_note(card: Card) -> None:
    if "note" in card.provenance:
        print(f"note: {card.provenance['note']}")
