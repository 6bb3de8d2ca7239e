"""Which engine runs a model, and whether what else was asked for fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hlsmask.errors import ModelError, UsageError
from hlsmask.models.files import TORCH_FILES

if TYPE_CHECKING:
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Options


def choose(options: Options) -> Engine:
    """Return the engine that `options` name, its weights loaded. Nothing of another engine is imported.

    Raises
    ------
    ModelError
        If the weights cannot be used.
    UsageError
        If engine, model and the other options do not go together.
    """
    if options.model == "spectral":
        return _spectral(options)
    if options.partial_water:
        raise UsageError(f"--partial-water is for the spectral engine; {options.model} has no partial water")
    if options.engine == "spectral":
        raise UsageError(f"--engine spectral takes no weights; leave out --model {options.model}")
    if options.model.endswith(".onnx"):
        return _onnx(options)
    if options.model.endswith(TORCH_FILES):
        return _torch(options)
    raise ModelError(
        f"there is no model {options.model!r}; use spectral, a .onnx or .safetensors file with a card, or a "
        "published .pth.tar"
    )


def _spectral(options: Options) -> Engine:
    from hlsmask.inference.spectral import Spectral  # noqa: PLC0415 - each engine loads only when it is used

    if options.engine not in {"auto", "spectral"}:
        kind = {"onnx": ".onnx", "torch": ".safetensors"}[options.engine]
        raise UsageError(f"--engine {options.engine} needs --model FILE{kind}; the spectral model has no weights")
    if options.device not in {"auto", "cpu"}:
        raise UsageError(f"--device {options.device} is for networks; the spectral engine runs on the CPU alone")
    _refuse_torch_only(options, "the spectral engine")
    return Spectral(partial_water=options.partial_water)


def _onnx(options: Options) -> Engine:
    if options.engine == "torch":
        raise UsageError(
            f"--engine torch cannot run {options.model}; leave out --engine, or name the .safetensors file that it "
            "was exported from"
        )
    _refuse_torch_only(options, "the onnx engine")
    from hlsmask.inference.onnx import OnnxEngine  # noqa: PLC0415 - as above

    return OnnxEngine(options.model, device=options.device, threads=options.workers)


def _torch(options: Options) -> Engine:
    if options.engine == "onnx":
        raise UsageError(
            f"--engine onnx cannot run {options.model}; leave out --engine, or make an .onnx file of it with "
            "hlsmask models export"
        )
    try:
        from hlsmask.inference.pytorch import TorchEngine  # noqa: PLC0415 - as above

        return TorchEngine(
            options.model,
            device=options.device,
            precision=options.precision,
            compile=options.compile,
            threads=options.workers,
        )
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("hlsmask"):
            raise
        raise ModelError(
            f'{options.model} needs {error.name} to run: pip install "hlsmask[train]", or use an .onnx file made of '
            "it with hlsmask models export"
        ) from error


def _refuse_torch_only(options: Options, engine: str) -> None:
    if options.precision not in {"auto", "float32"}:
        raise UsageError(f"--precision {options.precision} is for the torch engine; leave it out for {engine}")
    if options.compile:
        raise UsageError(f"--compile is for the torch engine; leave it out for {engine}")
