"""The torch engine: runs `.safetensors` files and published checkpoints, on a GPU where there is one."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from hlsmask.errors import CardError, ModelError, UsageError, first_line
from hlsmask.inference.network import NetworkEngine
from hlsmask.models import load
from hlsmask.models.files import sha256_of
from hlsmask.models.folding import folded

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from hlsmask.inference.options import Device, Precision

_CHANNELS_LAST: Final = ("cpu", "cuda")
"""Devices whose convolutions are faster with a pixel's channels side by side."""


class TorchEngine(NetworkEngine):
    """A network run by torch."""

    def __init__(
        self,
        path: Path | str,
        *,
        device: Device = "auto",
        precision: Precision = "auto",
        compile: bool = False,  # noqa: A002 - as the option is called
        threads: int | None = None,
    ) -> None:
        """Load the network at `path`; `threads` bounds the cores it uses on a CPU.

        Below float32 the layers that bear it are computed in `precision`, by autocast. A window whose numbers
        leave its range is computed again in float32.

        Raises
        ------
        ModelError
            If the file cannot be read, or is no network of ours nor a published one.
        CardError
            If it has no card, or its card asks for what no network takes.
        UsageError
            If there is no such device.
        """
        path = Path(path)
        self._device = _found(device)
        self.precision = _chosen(precision, self._device)
        self._half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.precision)
        self._threads = threads if self._device == "cpu" else None
        net = load(path)
        super().__init__(net.card, sha256_of(path))
        if self.card.output != "logits":
            raise CardError(f"the card of {path} says that it gives {self.card.output}; networks give logits here")
        self._format = torch.channels_last if self._device in _CHANNELS_LAST else torch.contiguous_format
        with _at_most(self._threads):
            self._net = folded(net).to(self._device)
        for parameter in self._net.parameters():
            if parameter.ndim == 4:  # noqa: PLR2004 - (out, in, row, column): torch refuses all others
                parameter.data = parameter.data.contiguous(memory_format=self._format)
        self._compiled = compile
        if compile:  # without the filling up of odd sizes, of which each kind would be compiled anew
            self._net.logits = torch.compile(self._net.logits)  # type: ignore[method-assign]

    @property
    def name(self) -> str:
        """Name and version of what computes, and where; in which precision, if not in float32."""
        version = torch.__version__.partition("+")[0]
        return f"torch {version} {self._device}" + (f" {self.precision}" if self._half else "")

    def compute(
        self, taken: NDArray[np.float32], kept: tuple[range, range]
    ) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return logits (n, masks, h, w) for what the network takes (n, 6, h, w), whatever is kept of them."""
        del kept
        with _at_most(self._threads), torch.inference_mode():
            bands = torch.from_numpy(taken).to(self._device).contiguous(memory_format=self._format)
            try:
                logits = self._logits(bands, self._half)
                if self._half is not None and not logits.isfinite().all():
                    logits = self._logits(bands, None)
            except Exception as error:
                if not self._compiled:
                    raise
                raise ModelError(
                    f"{self.card.name} cannot be run compiled: {first_line(error)}; leave out --compile"
                ) from error
            given: NDArray[np.float32] = logits.contiguous().cpu().numpy()
        return given, (0, 0)

    def _logits(self, bands: Tensor, half: torch.dtype | None) -> Tensor:
        if half is None:
            logits: Tensor = self._net(bands)
        else:
            with torch.autocast(self._device, half):
                logits = self._net(bands)
        return logits.float()


def _found(device: Device) -> str:
    """Return the device to use: the one that is asked for, or the fastest there is."""
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.cuda.is_available():
        there.insert(0, "cuda")
    if device == "auto":
        return there[0]
    if device not in there:
        raise UsageError(f"--device {device}: torch finds none here; there is {' and '.join(there)}")
    return device


def _chosen(precision: Precision, device: str) -> str:
    if precision == "auto":
        return "float16" if device == "cuda" else "float32"
    return precision


@contextmanager
def _at_most(threads: int | None) -> Iterator[None]:
    """Bound the cores that torch uses, which it keeps for the whole process; afterwards it is as it was."""
    if threads is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
