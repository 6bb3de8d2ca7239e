"""The published networks as they are described beside the checkout: names, shapes and outputs, and how to fill them."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "reference"

PAIRS = (
    "mobilenetv3",
    "deeplabv3p",
    "segnet",
    "satlas_si_resnet50",
    "satlas_si_swint",
    "satlas_si_swinb",
    "swint",
    "vitb16",
    "prithvi",
)


def fill() -> ModuleType:
    """Return the module that says which values tensors and input hold."""
    if not FOLDER.is_dir():
        pytest.skip(f"no description of the published networks at {FOLDER}")
    spec = spec_from_file_location("fill", FOLDER / "fill.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tensors(pair: str) -> dict[str, torch.Tensor]:
    """Return every tensor of the published checkpoint of a pair, filled."""
    make = fill()
    described = json.loads((FOLDER / f"{pair}.json").read_text())
    path = FOLDER / f"{pair}_integers.npz"
    integers = np.load(path) if path.is_file() else {}
    filled = {}
    for name, (shape, kind) in described.items():
        if kind == "float32":
            filled[name] = torch.from_numpy(make.reference_tensor(name, tuple(shape)))
        elif name.endswith("num_batches_tracked"):
            filled[name] = torch.zeros(shape, dtype=torch.int64)
        else:
            filled[name] = torch.from_numpy(integers[name].reshape(shape))
    return filled


def bands() -> torch.Tensor:
    """Return the input (1, 6, 512, 512) to which the outputs belong."""
    return torch.from_numpy(fill().reference_input(0))


def outputs(pair: str) -> dict[str, np.ndarray]:
    """Return probabilities (32, 32), every 16th pixel, of each published mask."""
    fill()
    return dict(np.load(FOLDER / f"{pair}.npz"))


def write(path: Path, filled: dict[str, torch.Tensor], prefix: str = "", **changes: object) -> Path:
    """Write a checkpoint in the published container."""
    state = {prefix + name: tensor for name, tensor in filled.items()}
    container = {"epoch": 46, "state_dict": state, "best_performance": 0.21422843, "optimizer": {"state": {}}}
    torch.save(container | changes, path)
    return path
