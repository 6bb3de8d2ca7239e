"""What tests share: where real imagery lies, and networks small enough to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper, numpy_helper

from hlsmask.card import METADATA_KEY, Card
from hlsmask.cli import main
from hlsmask.masks import Mask

if TYPE_CHECKING:
    from collections.abc import Callable

settings.register_profile("hlsmask", deadline=None)  # how long a test takes is no finding
settings.load_profile("hlsmask")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real imagery, beside the checkout of those who have it."""
    if not SHARED.is_dir():
        pytest.skip(f"no real imagery at {SHARED}")
    return SHARED


@pytest.fixture(autouse=True)
def no_openvino(monkeypatch):
    """Let `--engine auto` take onnxruntime, whether or not openvino is installed; tests of openvino name it."""
    monkeypatch.setattr("hlsmask.inference.openvino.is_installed", lambda: False)


@pytest.fixture
def make_network(tmp_path: Path) -> Callable[..., Path]:
    """Make a network of one 3 x 3 convolution; by default it averages the green band of the neighbourhood."""

    def make(
        card: Card | None = None,
        *,
        weight: np.ndarray | None = None,
        name: str = "tiny.onnx",
        with_card: bool = True,
        inputs: int = 6,
    ) -> Path:
        card = card or Card("tiny", tuple(Mask), output="probabilities", size=64, overlap=32, multiple=8)
        if weight is None:
            weight = np.zeros((len(card.masks), inputs, 3, 3), np.float32)
            weight[:, 1] = 1 / 9
        side = weight.shape[-1] // 2
        node = helper.make_node("Conv", ["bands", "weight"], ["masks"], pads=[side] * 4)
        graph = helper.make_graph(
            [node],
            "tiny",
            [helper.make_tensor_value_info("bands", TensorProto.FLOAT, ["n", inputs, "h", "w"])],
            [helper.make_tensor_value_info("masks", TensorProto.FLOAT, ["n", weight.shape[0], "h", "w"])],
            [numpy_helper.from_array(weight.astype(np.float32), "weight")],
        )
        model: Any = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        if with_card:
            helper.set_model_props(model, {METADATA_KEY: card.to_json()})
        onnx.checker.check_model(model)
        path = tmp_path / name
        onnx.save(model, str(path))
        return path

    return make


@pytest.fixture
def run(capfd):
    """Run the command line; return exit code, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return end.value.code, out, err

    return run


@pytest.fixture
def light(tmp_path):
    """Run the command line in a process where what the extras install is missing, as after `pip install hlsmask`."""

    def light(*arguments):
        code = (
            "import sys\n"
            "from hlsmask.extras import PACKAGES\n"
            "for names in PACKAGES.values():\n"
            "    sys.modules.update(dict.fromkeys(names))\n"
            "from hlsmask.cli import main\n"
            "main(sys.argv[1:])\n"
        )
        words = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)

    return light
