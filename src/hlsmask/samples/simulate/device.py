"""Where to simulate."""

from __future__ import annotations

import torch

from hlsmask.errors import UsageError


def choose_device(name: str) -> str:
    """Return the device called `name` (cpu, cuda, mps); `auto` is CUDA where there is one, else the processor.

    Raises
    ------
    UsageError
        If this machine has none of that name.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there.get(name, False):
        raise UsageError(f"--device is {name}; this machine has {', '.join(word for word in there if there[word])}")
    return name
