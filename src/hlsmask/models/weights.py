"""Files of weights: ours are `.safetensors` with the card in their metadata. Nothing is ever unpickled freely."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from hlsmask.aside import aside
from hlsmask.bands import BANDS
from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, ModelError, OutputError, UsageError
from hlsmask.models.build import outline
from hlsmask.models.files import PUBLISHED_FILES, check_readable
from hlsmask.models.fit import fill
from hlsmask.models.registry import find
from hlsmask.weights import NAMES, TO_TRAIN, file_of

if TYPE_CHECKING:
    from torch import Tensor

    from hlsmask.models.masknet import MaskNet


def load(path: Path | str) -> MaskNet:
    """Return the network that lies in a file, in evaluation mode, with `.card`.

    `path` is a `.safetensors` file of ours, a published `.pth.tar`, or the name of a network that is shipped
    (`hlsmask_s`). Called with float32 (n, 6, h, w), as `net.card.normalize` gives it, the network gives logits
    (n, masks, h, w) in the order of `net.card.masks`.

    Raises
    ------
    ModelError
        If the file cannot be read, is none of these, or its tensors do not fit.
    CardError
        If it has no card, or a card for other bands.
    """
    path = file_of(path, TO_TRAIN)
    if path.suffix == ".safetensors":
        return _load_ours(path)
    if path.suffix in PUBLISHED_FILES:
        from hlsmask.models.published import import_published  # noqa: PLC0415 - published imports fit as well

        return import_published(path)
    if path.suffix == ".onnx":
        raise ModelError(f"{path} can be run, not trained on; load the .safetensors file that it was exported from")
    raise ModelError(
        f"{path} is no file of weights; use .safetensors, a published .pth.tar, or {', '.join(NAMES)}, which comes "
        "with hlsmask"
    )


def save(net: MaskNet, path: Path | str) -> Path:
    """Write the weights of `net` with its card to a `.safetensors` file, whole or not at all; return its path.

    Raises
    ------
    UsageError
        If the file is not called `.safetensors`.
    OutputError
        If it cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise UsageError(f"weights are written to a .safetensors file, not to {path}")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    with aside(path) as near:
        try:
            save_file(tensors, near, {METADATA_KEY: net.card.to_json()})
        except SafetensorError as error:  # what it says of a full disk
            raise OutputError(f"{path} cannot be written: {error}") from error
    return path


def _load_ours(path: Path) -> MaskNet:
    card, tensors = _open(path)
    if not card.backbone:
        raise CardError(f"the card of {path} names no backbone, so that the network cannot be built")
    try:
        network = find(card.backbone, card.head or None)
    except UsageError as error:
        raise CardError(f"{path} cannot be loaded: {error}") from error
    if sorted(card.bands) != sorted(BANDS) or card.elevation:
        asked = ", ".join([*card.bands, *(["elevation"] if card.elevation else [])])
        raise CardError(f"the card of {path} asks for {asked}; {card.backbone} takes {', '.join(BANDS)}")
    net = outline(network, card)
    fill(net, tensors, source=str(path), network=card.backbone)
    return net.eval()


def _open(path: Path) -> tuple[Card, dict[str, Tensor]]:
    check_readable(path)
    try:
        with safe_open(path, framework="pt") as file:
            entries = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is cut off or no .safetensors file ({error})") from error
    if METADATA_KEY not in entries:
        raise CardError(f"{path} has no card: its metadata lacks {METADATA_KEY!r}; was it written by hlsmask?")
    return Card.from_json(entries[METADATA_KEY], source=str(path)), tensors
