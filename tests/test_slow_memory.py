"""Memory is bounded, whatever the size of a scene: a process of its own for each, its peak as the system counts it."""

import subprocess
import sys
from pathlib import Path

import pytest
import rasterio

from hlsmask.bands import BANDS
from hlsmask.testing import simulate_granule, write_bands

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


def tiled(scene, height, width):
    """Return a VRT in which the scene is repeated."""
    with rasterio.open(scene) as file:
        side, wkt, place = file.width, file.crs.to_wkt(), ", ".join(map(str, file.transform.to_gdal()))
    bands = []
    for number, name in enumerate(BANDS, start=1):
        sources = "".join(
            f"<SimpleSource><SourceFilename>{scene}</SourceFilename><SourceBand>{number}</SourceBand>"
            f'<SrcRect xOff="0" yOff="0" xSize="{side}" ySize="{side}"/>'
            f'<DstRect xOff="{x}" yOff="{y}" xSize="{side}" ySize="{side}"/></SimpleSource>'
            for y in range(0, height, side)
            for x in range(0, width, side)
        )
        bands.append(
            f'<VRTRasterBand dataType="Int16" band="{number}"><Description>{name}</Description>'
            f"<NoDataValue>-9999</NoDataValue>{sources}</VRTRasterBand>"
        )
    path = Path(scene).with_name(f"{height}_{width}.vrt")
    path.write_text(
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>{wkt}</SRS>'
        f"<GeoTransform>{place}</GeoTransform>{''.join(bands)}</VRTDataset>",
        encoding="utf-8",
    )
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(3660, 3660), (12_000, 12_000), (1500, 60_000), (40_000, 1500)])
def test_peak_memory(scene, tmp_path, height, width):
    source = tiled(scene, height, width)
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
            "--workers",
            "2",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    peak = float(ended.stdout.split("peak ")[1])
    print(f"{height} x {width}: {peak:.0f} MB")  # noqa: T201 - shown with -s
    assert peak < MOST
    with rasterio.open(tmp_path / source.stem / f"{source.stem}.masks.tif") as file:
        assert file.shape == (height, width)
