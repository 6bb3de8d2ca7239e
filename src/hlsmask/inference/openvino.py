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
from hlsmask.models.kept import KEPT

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

    A network that can be told what is kept of a window is compiled once, for arrays of any shape. Any other one is a
    tenth faster compiled for one shape, since convolutions are then joined that else are not, and windows of a scene
    are of one shape: so it is, for the shape that came last or first, and for all others as well.

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
        config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # Processors with bfloat16 would use it by themselves: probabilities then differ by up to a few hundredths.
            "INFERENCE_PRECISION_HINT": "f32",
            # Threads bound to a core each would wait there for those of ours that read and scale, the other core idle.
            "ENABLE_CPU_PINNING": False,
        }
        if threads:
            config["INFERENCE_NUM_THREADS"] = threads
        try:
            self._core, self._config = openvino.Core(), config
            model = self._core.read_model(str(path))
            inputs, outputs = ([_shape(port) for port in ports] for ports in (model.inputs, model.outputs))
            self._model, halved, cuts = _split(model)
            self._any = self._ready(self._model)
        except Exception as error:  # openvino's exceptions share no public base
            raise ModelError(f"{path} is no network that openvino can run: {first_line(error)}") from error
        entry = ["framework", METADATA_KEY]
        if not model.has_rt_info(entry):
            raise CardError(f"{path} has no card: its metadata lacks {METADATA_KEY!r}; export it with hlsmask")
        card = Card.from_json(model.get_rt_info(entry).value, source=str(path))
        super().__init__(card, sha256, halved=halved, cuts=cuts)
        check_shapes(self.card, inputs, outputs, path)
        self._fixed: tuple[tuple[int, ...], Any] | None = None
        self._last: tuple[int, ...] = ()
        self._tensor = openvino.Tensor
        self._version = openvino.__version__.partition("-")[0]

    @property
    def name(self) -> str:
        """Name and version of what computes."""
        return f"openvino {self._version}"

    def compute(
        self, taken: NDArray[np.float32], kept: tuple[range, range]
    ) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return what the network gives for what it takes (n, bands, h, w), before it is doubled if it is halved.

        That is whole blocks around what is kept if it cuts, else all of the window.
        """
        request = self._any if self.cuts else self._request(taken.shape)
        request.set_input_tensor(0, self._tensor(np.ascontiguousarray(taken), shared_memory=True))
        if not self.cuts:
            given = np.empty(self._given(taken.shape), np.float32)
            request.set_output_tensor(0, self._tensor(given, shared_memory=True))  # no array of its own to copy from
            request.infer()
            return given, (0, 0)
        rows, columns = kept
        asked = np.array([rows.start, columns.start, rows.stop, columns.stop], np.int64)
        request.set_input_tensor(1, self._tensor(asked, shared_memory=True))
        request.infer()
        part: NDArray[np.float32] = request.get_output_tensor(0).data.copy()
        top, left = request.get_output_tensor(1).data.tolist()  # where in that, once it is doubled, begins what is kept
        return part, (rows.start - top, columns.start - left)

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


def _split(model: Any) -> tuple[Any, bool, bool]:  # noqa: ANN401 - of openvino, which is not always there
    """Take a network apart, in place: return what is computed, whether that is to be doubled, and whether it cuts.

    A network that cuts takes what is kept as its second input, and leaves its last cut to us: it gives where that
    begins as its second output.
    """
    from openvino import Model, PartialShape, Type, op  # noqa: PLC0415 - an extra, loaded when it is used

    constants = {node.get_friendly_name(): node for node in model.get_ops() if node.get_type_name() == "Constant"}
    inputs, outputs = model.get_parameters(), [one.get_node().input_value(0) for one in model.outputs]
    cuts = KEPT in constants and len(outputs) == 1
    if cuts:
        asked = op.Parameter(Type.i64, PartialShape([4]))
        constants[KEPT].output(0).replace(asked.output(0))
        inputs = [*inputs, asked]
        whole, begin, *_ = outputs[0].get_node().input_values()  # of the last cut
        outputs = [whole, begin]
    halved = _doubles(outputs[0].get_node()) and len(outputs) == 1 + cuts
    if halved:
        outputs[0] = outputs[0].get_node().input_value(0)
    return (Model(outputs, inputs, model.get_friendly_name()) if cuts or halved else model), halved, cuts


def _doubles(node: Any) -> bool:  # noqa: ANN401 - the same
    """Return whether a node brings rows and columns to twice as many as `doubled` does."""
    if node.get_type_name() != "Interpolate":
        return False
    told, factors = node.get_attributes(), [one.get_node() for one in node.input_values()[1:]]
    if [one.get_type_name() for one in factors] != ["Constant"] or factors[0].data.tolist() != [1, 1, SCALE, SCALE]:
        return False
    return all(told.get(name) == value for name, value in _DOUBLING.items())


def _shape(port: Any) -> list[int | None]:  # noqa: ANN401 - of openvino, which is not always there
    return [size.get_length() if size.is_static else None for size in port.partial_shape]
