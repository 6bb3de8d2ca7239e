"""The openvino engine: runs the same `.onnx` files as the onnx engine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, ModelError, UsageError, first_line
from hlsmask.inference.doubling import SCALE
from hlsmask.inference.network import NetworkEngine, check_shapes
from hlsmask.models.files import sha256_of
from hlsmask.models.kept import AXES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.inference.options import Device


_DOUBLING: Final = {
    "mode": "linear_onnx",
    "shape_calculation_mode": "scales",
    "coordinate_transformation_mode": "half_pixel",
    "antialias": False,
    "pads_begin": [0, 0, 0, 0],
    "pads_end": [0, 0, 0, 0],
}
"""How OpenVINO tells of the operation that `doubled` does."""


def is_installed() -> bool:
    """Return whether there is an openvino to load; loads nothing."""
    return find_spec("openvino") is not None


class OpenVinoEngine(NetworkEngine):
    """A network run by OpenVINO on all cores, in float32.

    Compiled for one shape of arrays it is a tenth faster, since convolutions are then joined that else are not, and
    windows of a scene are of one shape: so it is, for the shape that came last or first. Arrays of any other shape
    take a form that fits all.

    Where a network doubles its logits at last, OpenVINO would take a tenth of its time for that. It is left out, and
    done for the part alone that is kept.
    """

    def __init__(self, path: Path | str, *, device: Device = "auto", threads: int | None = None) -> None:
        """Load and compile the network at `path`; `threads` bounds the cores it uses.

        Raises
        ------
        ModuleNotFoundError
            If openvino is not installed.
        ModelError
            If the file is missing or OpenVINO cannot run it.
        CardError
            If it has no card, or its inputs and outputs do not fit its card.
        UsageError
            If `device` is no processor.
        """
        if device not in {"auto", "cpu"}:
            raise UsageError(f"--engine openvino is for the CPU; leave out --device {device}, or use --engine onnx")
        import openvino  # noqa: PLC0415 - an extra, loaded when it is used

        path = Path(path)
        sha256 = sha256_of(path)
        # Processors with bfloat16 would use it by themselves: probabilities then differ by up to a few hundredths.
        config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads:
            config["INFERENCE_NUM_THREADS"] = threads
        try:
            self._core, self._config = openvino.Core(), config
            model = self._core.read_model(str(path))
            _keep_all(model)
            half = _before_doubling(model)
            self._model = half or model
            self._any = self._ready(self._model)
        except Exception as error:  # openvino's exceptions share no public base
            raise ModelError(f"{path} is no network that openvino can run: {first_line(error)}") from error
        entry = ["framework", METADATA_KEY]
        if not model.has_rt_info(entry):
            raise CardError(f"{path} has no card: its metadata lacks {METADATA_KEY!r}; export it with hlsmask")
        card = Card.from_json(model.get_rt_info(entry).value, source=str(path))
        super().__init__(card, sha256, halved=half is not None)
        inputs, outputs = ([_shape(port) for port in ports] for ports in (model.inputs, model.outputs))
        check_shapes(self.card, inputs, outputs, path)
        self._fixed: tuple[tuple[int, ...], Any] | None = None
        self._last: tuple[int, ...] = ()
        self._tensor = openvino.Tensor
        self._version = openvino.__version__.partition("-")[0]

    @property
    def name(self) -> str:
        """Name and version of what computes."""
        return f"openvino {self._version}"

    def compute(self, taken: NDArray[np.float32], kept: tuple[range, range]) -> NDArray[np.float32]:
        """Return what the network gives for what it takes (n, bands, h, w), before it is doubled if it is halved.

        All of it, whatever is kept: where margins are cut off differs from window to window, and what is compiled for
        one shape would be compiled anew.
        """
        del kept
        given = np.empty(self._given(taken.shape), np.float32)
        request = self._request(taken.shape)
        request.set_input_tensor(0, self._tensor(np.ascontiguousarray(taken), shared_memory=True))
        request.set_output_tensor(0, self._tensor(given, shared_memory=True))  # no array of its own to copy from
        request.infer()
        return given

    def _ready(self, model: Any) -> Any:  # noqa: ANN401 - of openvino, which is not always there
        """Return what computes with a network."""
        return self._core.compile_model(model, "CPU", self._config).create_infer_request()

    def _request(self, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - the same
        """Return what computes arrays of `shape`, which becomes the fixed one where it comes twice in a row."""
        if self._fixed is None or shape == self._last != self._fixed[0]:
            self._fixed = None  # let go of first: it holds as much as a window takes
            model = self._model.clone()
            model.reshape(list(shape))
            self._fixed = shape, self._ready(model)
        self._last = shape
        return self._fixed[1] if shape == self._fixed[0] else self._any


def _keep_all(model: Any) -> None:  # noqa: ANN401 - of openvino, which is not always there
    """Take out, in place, what would cut off margins: unasked, it cuts nothing, and takes its time for that."""
    for node in model.get_ops():
        inputs = node.input_values()
        if node.get_type_name() == "Slice" and inputs[-1].get_node().get_friendly_name() == AXES:
            node.output(0).replace(inputs[0])


def _before_doubling(model: Any) -> Any:  # noqa: ANN401 - of openvino, which is not always there
    """Return the network without the doubling that is the last of it, or None where that is anything else."""
    from openvino import Model  # noqa: PLC0415 - an extra, loaded when it is used

    last = model.outputs[0].get_node().input_value(0).get_node()
    if len(model.outputs) != 1 or last.get_type_name() != "Interpolate":
        return None
    told, factors = last.get_attributes(), [one.get_node() for one in last.input_values()[1:]]
    if [one.get_type_name() for one in factors] != ["Constant"] or factors[0].data.tolist() != [1, 1, SCALE, SCALE]:
        return None
    if any(told.get(name) != value for name, value in _DOUBLING.items()):
        return None
    return Model([last.input_value(0)], model.get_parameters(), model.get_friendly_name())


def _shape(port: Any) -> list[int | None]:  # noqa: ANN401 - of openvino, which is not always there
    return [size.get_length() if size.is_static else None for size in port.partial_shape]
