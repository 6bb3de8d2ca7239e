"""Memory is bounded, whatever the size of a scene: a process of its own for each, its peak as the system counts it."""

import subprocess
import sys

import pytest
import rasterio

from hlsmask.testing import simulate_granule, write_bands, write_mosaic

MOST = 600  # MB
PEAK = """
import sys
from hlsmask.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code
status = open("/proc/self/status").read()
print("peak", int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_bands(tmp_path_factory.mktemp("scene") / "scene.tif", simulate_granule(1500, 1).bands)


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(3660, 3660), (12_000, 12_000), (1500, 60_000), (40_000, 1500)])
@pytest.mark.parametrize("engine", ["onnx", "openvino", "spectral"])
def test_peak_memory(scene, tmp_path, engine, height, width):
    if engine == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed: pip install 'hlsmask[openvino]'")
    source = write_mosaic([scene], (height, width), scene.with_name(f"{height}_{width}.vrt"))
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            PEAK,
            "predict",
            str(source),
            "--out",
            str(tmp_path),
            "--probabilities",
            "--engine",
            engine,
            "--workers",
            "2",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    peak = float(ended.stdout.split("peak ")[1])
    print(f"{engine}, {height} x {width}: {peak:.0f} MB")  # noqa: T201 - shown with -s
    assert peak < MOST
    with rasterio.open(tmp_path / source.stem / f"{source.stem}.masks.tif") as file:
        assert file.shape == (height, width)
