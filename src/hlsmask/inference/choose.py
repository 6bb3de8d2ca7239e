"""Which engine runs a model, and whether what else was asked for fits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlsmask.errors import ModelError, UsageError
from hlsmask.inference.options import SPECTRAL
from hlsmask.models.files import TORCH_FILES
from hlsmask.weights import NAMES, TO_RUN, TO_TRAIN, is_shipped, shipped

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
    model = options.named()
    if model == SPECTRAL:
        return _spectral(options)
    if options.partial_water:
        raise UsageError(
            f"--partial-water is for the spectral engine; {model} has no partial water: leave it out, or use "
            "--model spectral"
        )
    if options.engine == SPECTRAL:
        raise UsageError(f"--engine spectral takes no weights; leave out --model {model}")
    engine = _network(model, options)
    if options.dem is not None and not engine.card.elevation:
        raise UsageError(
            f"--dem is for models that take elevation, and {model} does not: leave it out, or use --model spectral"
        )
    return engine


def _network(model: str, options: Options) -> Engine:
    if is_shipped(model):
        by_torch = options.engine == "torch" or (options.engine == "auto" and _needs_torch(options))
        return _torch(shipped(model, TO_TRAIN), options) if by_torch else _onnx(shipped(model, TO_RUN), options)
    if model.endswith(".onnx"):
        return _onnx(Path(model), options)
    if model.endswith(TORCH_FILES):
        return _torch(Path(model), options)
    raise ModelError(
        f"there is no model {model!r}; use {', '.join(NAMES)}, spectral, a .onnx or .safetensors file with a card, or "
        "a published .pth.tar"
    )


def _spectral(options: Options) -> Engine:
    from hlsmask.inference.spectral import Spectral  # noqa: PLC0415 - each engine loads only when it is used

    if options.engine not in {"auto", "spectral"}:
        raise UsageError(
            f"--engine {options.engine} runs networks, and the spectral model is none; leave out --engine, or "
            "--model spectral"
        )
    if options.device not in {"auto", "cpu"}:
        raise UsageError(f"--device {options.device} is for networks; the spectral engine runs on the CPU alone")
    _refuse_torch_only(options, "the spectral engine")
    return Spectral(partial_water=options.partial_water)


def _onnx(path: Path, options: Options) -> Engine:
    if options.engine == "torch":
        raise UsageError(
            f"--engine torch cannot run {path}; leave out --engine, or name the .safetensors file that it was exported "
            "from"
        )
    _refuse_torch_only(options, "the onnx engine")
    if options.engine == "openvino":
        return _openvino(path, options)
    from hlsmask.inference.onnx import OnnxEngine, has_gpu  # noqa: PLC0415 - as above
    from hlsmask.inference.openvino import is_installed  # noqa: PLC0415

    if options.engine == "auto" and is_installed() and (options.device == "cpu" or not has_gpu()):
        try:
            return _openvino(path, options)
        except ModelError:  # what one cannot run, the other may; if not, it says why
            pass
    return OnnxEngine(path, device=options.device, threads=options.workers)


def _openvino(path: Path, options: Options) -> Engine:
    from hlsmask.inference.openvino import OpenVinoEngine  # noqa: PLC0415 - as above

    try:
        return OpenVinoEngine(path, device=options.device, threads=options.workers)
    except ModuleNotFoundError as error:
        raise ModelError(
            f'--engine openvino needs {error.name}: pip install "hlsmask[openvino]", or leave out --engine'
        ) from error


def _torch(path: Path, options: Options) -> Engine:
    if options.engine in {"onnx", "openvino"}:
        raise UsageError(
            f"--engine {options.engine} cannot run {path}; leave out --engine, or make an .onnx file of it with "
            "hlsmask models export"
        )
    try:
        from hlsmask.inference.pytorch import TorchEngine  # noqa: PLC0415 - as above

        return TorchEngine(
            path,
            device=options.device,
            precision=options.precision,
            compile=options.compile,
            threads=options.workers,
        )
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("hlsmask"):
            raise
        otherwise = (
            "leave out what only torch can do (--engine torch, --precision, --compile, --device mps)"
            if is_shipped(options.named())
            else "use an .onnx file made of it with hlsmask models export"
        )
        raise ModelError(
            f'{options.named()} needs {error.name} to run so: pip install "hlsmask[train]", or {otherwise}'
        ) from error


def _needs_torch(options: Options) -> bool:
    """Say whether something is asked for that only torch can do."""
    return options.compile or options.device == "mps" or options.precision not in {"auto", "float32"}


def _refuse_torch_only(options: Options, engine: str) -> None:
    if options.precision not in {"auto", "float32"}:
        raise UsageError(f"--precision {options.precision} is for the torch engine; leave it out for {engine}")
    if options.compile:
        raise UsageError(f"--compile is for the torch engine; leave it out for {engine}")
