"""What lies in a file of weights: ours to train on, ours to run, or published."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, ModelError
from hlsmask.extras import needing
from hlsmask.models.files import TORCH_FILES, sha256_of
from hlsmask.models.headers import read_header

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SUFFIXES: Final = (".onnx", *TORCH_FILES)
"""What files of weights are called."""

_FLOATS: Final = ("F16", "BF16", "F32", "F64")
_BUFFERS: Final = ("running_mean", "running_var", "relative_coords_table", "pos_embed")
"""Ends of the names of tensors that are in a file and are not trained."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """What there is to know of a file without running it."""

    path: Path
    card: Card
    parameters: int | None
    """Numbers that are trained; of an `.onnx` file those left once batch norms are folded, None where the package
    onnx is not installed."""
    size: int
    """Bytes."""
    sha256: str

    @classmethod
    def read(cls, path: Path) -> WeightsFile:
        """Return what lies in `path`; torch is needed for published checkpoints alone.

        Raises
        ------
        ModelError
            If it cannot be read, or is no file of weights.
        CardError
            If it has no card.
        """
        if not path.name.endswith(SUFFIXES):
            raise ModelError(f"{path} is no file of weights; use .safetensors, .onnx or a published .pth.tar")
        sha256 = sha256_of(path)
        size = path.stat().st_size
        read = {".safetensors": _safetensors, ".onnx": _onnx}.get(path.suffix, _published)
        return cls(path, *read(path), size, sha256)


def _safetensors(path: Path) -> tuple[Card, int]:
    header = read_header(path)
    try:
        shapes = {name: (tensor["dtype"], tensor["shape"]) for name, tensor in header.tensors.items()}
    except LookupError as error:
        raise ModelError(f"{path} is cut off or no .safetensors file ({error})") from error
    if METADATA_KEY not in header.metadata:
        raise CardError(f"{path} has no card: its metadata lacks {METADATA_KEY!r}; was it written by hlsmask?")
    return Card.from_json(header.metadata[METADATA_KEY], source=str(path)), trained(shapes)


def trained(shapes: Mapping[str, tuple[str, Sequence[int]]]) -> int:
    """Return how many numbers of tensors, given by name, type and shape, are trained."""
    return sum(prod(shape) for name, (kind, shape) in shapes.items() if kind in _FLOATS and not name.endswith(_BUFFERS))


def _onnx(path: Path) -> tuple[Card, int | None]:
    from hlsmask.inference.onnx import OnnxEngine  # noqa: PLC0415 - onnxruntime takes a while to load

    card = OnnxEngine(path, threads=1).card
    try:
        import onnx  # noqa: PLC0415 - not there in the light install
    except ModuleNotFoundError:
        return card, None
    tensors: Any = onnx.load(path, load_external_data=False).graph.initializer
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE}
    return card, sum(prod(tensor.dims) for tensor in tensors if tensor.data_type in floats)


def _published(path: Path) -> tuple[Card, int]:
    with needing("train", f"reading {path}"):
        from hlsmask.models.published import import_published  # noqa: PLC0415 - not there in the light install

        net = import_published(path)
    return net.card, sum(parameter.numel() for parameter in net.parameters())
