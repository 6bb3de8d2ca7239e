"""The onnx engine: runs any `.onnx` file that carries a card."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime

from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, ModelError, UsageError, first_line
from hlsmask.inference.network import NetworkEngine, check_shapes
from hlsmask.models.files import sha256_of
from hlsmask.models.kept import KEPT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.inference.options import Device

_QUIET: Final = 3
"""onnxruntime's log level for errors alone."""

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class OnnxEngine(NetworkEngine):
    """A network run by onnxruntime on all cores, or on a GPU."""

    def __init__(self, path: Path | str, *, device: Device = "auto", threads: int | None = None) -> None:
        """Load the network at `path`; `threads` bounds the cores it uses.

        Raises
        ------
        ModelError
            If the file is missing or is no network.
        CardError
            If it has no card, or its inputs and outputs do not fit its card.
        UsageError
            If onnxruntime cannot use `device`.
        """
        path = Path(path)
        providers = _providers(device)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _QUIET
        options.enable_mem_pattern = False  # it would hold a second set of all that lies between input and output
        # What waits for its turn sleeps: the other cores read and scale the next windows.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if _one_pool():
            options.add_session_config_entry("session.use_env_allocators", "1")
        if threads:
            options.intra_op_num_threads = threads
        sha256 = sha256_of(path)
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ModelError(f"{path} is no network that onnxruntime can run: {first_line(error)}") from error
        self._cuda = _CUDA in self._session.get_providers()
        if device == "cuda" and not self._cuda:
            raise UsageError("--device cuda: onnxruntime found no GPU that it can use; use --device cpu")
        entries = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in entries:
            raise CardError(f"{path} has no card: its metadata lacks {METADATA_KEY!r}; export it with hlsmask")
        cuts = any(one.name == KEPT for one in self._session.get_overridable_initializers())
        super().__init__(Card.from_json(entries[METADATA_KEY], source=str(path)), sha256, cuts=cuts)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        check_shapes(self.card, [one.shape for one in inputs], [one.shape for one in outputs], path)
        self._input = inputs[0].name

    @property
    def name(self) -> str:
        """Name and version of what computes."""
        return f"onnxruntime {onnxruntime.__version__}" + (" cuda" if self._cuda else "")

    def compute(
        self, taken: NDArray[np.float32], kept: tuple[range, range]
    ) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return what the network gives for what it takes (n, bands, h, w), of `kept` alone if it cuts."""
        asked: dict[str, NDArray[Any]] = {self._input: taken}
        first = 0, 0
        if self.cuts:
            rows, columns = kept
            first = rows.start, columns.start
            asked[KEPT] = np.array([*first, rows.stop, columns.stop], np.int64)
        given: NDArray[Any] = self._session.run(None, asked)[0]
        return given, first


@cache
def _one_pool() -> bool:
    """Give networks of ours one pool of memory that grows by what is asked for; return whether onnxruntime took it.

    Left to itself each network has its own, which doubles: a granule takes 45 MB more then, and no less time.
    """
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    as_asked = {
        "max_mem": 0,
        "arena_extend_strategy": 1,
        "initial_chunk_size_bytes": -1,
        "max_dead_bytes_per_chunk": -1,
    }
    try:
        onnxruntime.create_and_register_allocator(where, onnxruntime.OrtArenaCfg(as_asked))
    except Exception:  # noqa: BLE001 - of any kind, such as that the program it runs in has set one up: it does without
        return False
    return True


def has_gpu() -> bool:
    """Return whether this onnxruntime was made to compute on CUDA."""
    return _CUDA in onnxruntime.get_available_providers()


def _providers(device: Device) -> list[str]:
    """Return what onnxruntime is to compute with, the first that works."""
    if device not in {"auto", "cpu", "cuda"}:
        raise UsageError(f"--device {device} is for the torch engine; use auto, cpu or cuda with an .onnx file")
    there = has_gpu()
    if device == "cuda" and not there:
        raise UsageError(
            "--device cuda: this onnxruntime has no CUDA; install onnxruntime-gpu in its place, or use --device cpu"
        )
    return [_CUDA, _CPU] if there and device != "cpu" else [_CPU]
