"""The onnx engine: runs any `.onnx` file that carries a card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import onnxruntime

from hlsmask.bands import BANDS
from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.sun import Sun

_QUIET: Final = 3
"""onnxruntime's log level for errors alone."""


class OnnxEngine:
    """A network run by onnxruntime on all cores."""

    blends: Final = True
    parallel: Final = False

    def __init__(self, path: Path | str, *, threads: int | None = None) -> None:
        """Load the network at `path`; `threads` bounds the cores it uses.

        Raises
        ------
        ModelError
            If the file is missing or is no network.
        CardError
            If it has no card, or its inputs and outputs do not fit its card.
        """
        path = Path(path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _QUIET
        options.enable_cpu_mem_arena = False  # the arena keeps the largest window's memory for good
        if threads:
            options.intra_op_num_threads = threads
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ModelError(f"{path} is no network that onnxruntime can run: {_first_line(error)}") from error
        self.sha256 = hashlib.sha256(content).hexdigest()
        entries = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in entries:
            raise CardError(f"{path} has no card: its metadata lacks {METADATA_KEY!r}; export it with hlsmask")
        self.card = Card.from_json(entries[METADATA_KEY], source=str(path))
        self._order = [BANDS.index(band) for band in self.card.bands]
        self._check(path)

    def _check(self, path: Path) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        wanted = len(self.card.bands) + self.card.elevation
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != wanted):  # noqa: PLR2004
            raise CardError(f"{path} takes {shape}, but its card says (n, {wanted}, rows, columns)")
        masks, shape = len(self.card.masks), outputs[0].shape
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != masks):  # noqa: PLR2004
            raise CardError(f"{path} gives {shape}, but its card says (n, {masks}, rows, columns)")
        self._input = inputs[0].name

    @property
    def name(self) -> str:
        """Name and version of what computes."""
        return f"onnxruntime {onnxruntime.__version__}"

    def for_scene(self, sun: Sun | None, *, elevation: bool, pixel: float) -> Self:
        """Return the engine itself: a network is the same for every scene.

        Raises
        ------
        CardError
            If it needs elevation and there is none.
        """
        del sun, pixel
        if self.card.elevation and not elevation:
            raise CardError(f"{self.card.name} needs the ground's elevation: name a DEM with --dem")
        return self

    def __call__(self, bands: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities (n, masks, h, w) for float32 reflectance (n, 6 or 7, h, w); NaN = not observed."""
        spectral = bands[:, self._order]
        taken = self.card.normalize(spectral) if not np.isnan(spectral).all() else np.zeros_like(spectral)
        if self.card.elevation:
            taken = np.concatenate([taken, bands[:, len(BANDS) :]], axis=1)
        np.nan_to_num(taken, copy=False)
        try:
            given: NDArray[np.float32] = self._session.run(None, {self._input: taken})[0]
        except Exception as error:  # as above
            window = "a window of {} x {}".format(*bands.shape[2:])
            raise ModelError(f"{self.card.name} failed on {window}: {_first_line(error)}") from error
        if given.shape != (len(bands), len(self.card.masks), *bands.shape[2:]):
            raise CardError(f"{self.card.name} gave {given.shape} for a window of {bands.shape}")
        given = given.astype(np.float32, copy=False)
        if self.card.output == "logits":
            with np.errstate(over="ignore"):  # exp of a large number: the probability is 0
                given = np.float32(1) / (np.float32(1) + np.exp(-given))
        return given


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
