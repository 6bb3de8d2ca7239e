"""Simulated granules on disk, laid down as HLS v2.0 granules are distributed.

The layout and the tags are those of the Fmask layers of `HLS.S30.T13RCN.2024128T173909.v2.0` and
`HLS.L30.T06WVS.2024120T211159.v2.0`; `tests/test_testing_files.py` holds them against those files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError

from hlsmask.bands import ANGLE_FILL, ANGLE_SCALE, HLS_FILL, HLS_SCALE, Sensor
from hlsmask.errors import OutputError, UsageError
from hlsmask.masks import NOT_OBSERVED, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from hlsmask.testing.granule import SimulatedGranule

BLOCK: Final = 256
"""Rows and columns of a block in a real HLS layer."""

OVERVIEWS: Final = (2, 4, 8, 16)
"""Overviews of a real HLS layer."""

LONG_NAMES: Final = ("Blue", "Green", "Red", "NIR", "SWIR1", "SWIR2")

FMASK_NOTE: Final = (
    "Bits are listed from the MSB (bit 7) to the LSB (bit 0): \n7-6    aerosol:\n       00 - climatology\n"
    "       01 - low\n       10 - average\n       11 - high\n5      water\n4      snow/ice\n3      cloud shadow\n"
    "2      adjacent to cloud\n1      cloud\n0      cirrus cloud\n"
)
"""What the real files say about their bits."""


def write_granule(granule: SimulatedGranule, folder: Path, *, tags: Mapping[str, str] | None = None) -> Path:
    """Write a granule as it would be distributed, and the truth beside it.

    Parameters
    ----------
    granule
        From `simulate_granule`.
    folder
        Where to make the granule's own folder; made if it is not there.
    tags
        Tags that every layer of the six bands, Fmask, SZA and SAA gets besides, or in place of, its own.

    Returns
    -------
    Path
        `folder/ID`, with `ID.<layer>.tif` for the six bands of the sensor, `ID.Fmask.tif`, `ID.SZA.tif`,
        `ID.SAA.tif`, `ID.truth.tif` (5 bands named by mask, 255 = not known) and `ID.dem.tif` (metres).

    Raises
    ------
    OutputError
        If the folder or a file in it cannot be written.
    """
    home = folder / granule.id
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {home}: {error.strerror}") from error
    common, more = granule_tags(granule), dict(tags or {})
    box = granule.geobox
    for name, layer, data in zip(LONG_NAMES, granule.sensor.layers.values(), granule.bands, strict=True):
        own = _scaling(HLS_FILL, HLS_SCALE) | {"long_name": name}
        path = home / f"{granule.id}.{layer}.tif"
        write_layer(path, data, box, nodata=HLS_FILL, tags=common | own | more, scale=HLS_SCALE, names=(name,))
    note = "Fmask description" if granule.sensor is Sensor.S30 else "Fmask bit description"
    own = {"_FillValue": f"{NOT_OBSERVED}", note: FMASK_NOTE}
    path = home / f"{granule.id}.Fmask.tif"
    write_layer(path, granule.fmask, box, nodata=NOT_OBSERVED, tags=common | own | more)
    for layer, data in (("SZA", granule.zenith), ("SAA", granule.azimuth)):
        own = _scaling(ANGLE_FILL, ANGLE_SCALE)
        path = home / f"{granule.id}.{layer}.tif"
        write_layer(path, data, box, nodata=ANGLE_FILL, tags=common | own | more, scale=ANGLE_SCALE)
    write_layer(home / f"{granule.id}.truth.tif", granule.truth, box, nodata=NOT_OBSERVED, names=tuple(Mask))
    write_layer(home / f"{granule.id}.dem.tif", granule.elevation, box, nodata=float("nan"))
    return home


def _epsg(geobox: GeoBox) -> int:
    """Return the EPSG code of a grid.

    Raises
    ------
    UsageError
        If it has none.
    """
    code = geobox.crs.to_epsg() if geobox.crs is not None else None
    if code is None:
        raise UsageError("a granule needs a coordinate reference system with an EPSG code")
    return int(code)


def _scaling(fill: int, scale: float) -> dict[str, str]:
    """Return the tags that say what a stored integer means."""
    return {"_FillValue": f"{fill}", "scale_factor": f"{scale}", "add_offset": "0.0"}


def granule_tags(granule: SimulatedGranule) -> dict[str, str]:
    """Return the tags that every layer of a granule carries."""
    rows, cols = granule.fmask.shape
    seen = granule.observed
    cloudy = (granule.fmask[seen] & 0b10) > 0
    tile = granule.id.split(".")[2][1:]
    stamp = f"{granule.time:%Y-%m-%dT%H:%M:%S}.000000Z"
    epsg = _epsg(granule.geobox)
    zone = epsg % 100
    tags = {
        "HORIZONTAL_CS_NAME": f"UTM, WGS84, UTM ZONE {zone}",
        "MEAN_SUN_AZIMUTH_ANGLE": f"{granule.sun.azimuth:.12f}",
        "MEAN_SUN_ZENITH_ANGLE": f"{granule.sun.zenith:.12f}",
        "MEAN_VIEW_AZIMUTH_ANGLE": "198.117720414897",
        "MEAN_VIEW_ZENITH_ANGLE": "2.85707672176761",
        "NBAR_SOLAR_ZENITH": f"{granule.sun.zenith:.12f}",
        "NCOLS": f"{cols}",
        "NROWS": f"{rows}",
        "OVR_RESAMPLING_ALG": "NEAREST",
        "SENSING_TIME": stamp,
        "SPATIAL_RESOLUTION": "30",
        "ULX": f"{granule.geobox.affine.c:.0f}",
        "ULY": f"{granule.geobox.affine.f:.0f}",
        "cloud_coverage": f"{round(100 * float(cloudy.mean())) if cloudy.size else 0}",
        "spatial_coverage": f"{round(100 * float(seen.mean()))}",
        "ACCODE": "simulated",
    }
    if granule.sensor is Sensor.S30:
        tags["HORIZONTAL_CS_CODE"] = f"EPSG:{epsg}"
        tags["HORIZONTAL_CS_NAME"] = f"WGS84 / UTM zone {zone}N"
        return tags | {
            "SPACECRAFT_NAME": "Sentinel-2B",
            "TILE_ID": f"S2B_OPER_MSI_L1C_TL_2BPS_{granule.time:%Y%m%dT%H%M%S}_A037447_T{tile}_N05.10",
            "PRODUCT_URI": f"S2B_MSIL1C_{granule.time:%Y%m%dT%H%M%S}_N0510_R098_T{tile}_simulated.SAFE",
        }
    return tags | {"SENTINEL2_TILEID": tile, "SENSOR": "OLI_TIRS", "PROCESSING_LEVEL": "L1TP"}


def write_layer(
    path: Path,
    data: NDArray[np.generic],
    geobox: GeoBox,
    *,
    nodata: float | None,
    tags: dict[str, str] | None = None,
    scale: float | None = None,
    names: Sequence[str] = (),
) -> None:
    """Write `data`, (row, column) or (band, row, column), as HLS layers are: a COG in blocks of 256.

    Deflate with a predictor, overviews 2 to 16 by nearest neighbour, and no more of them than the size allows.
    """
    rows, cols = data.shape[-2:]
    data = data.reshape(-1, rows, cols)
    count = len(data)
    profile = {
        "driver": "GTiff", "dtype": data.dtype, "count": count, "height": rows, "width": cols, "nodata": nodata,
        "crs": f"EPSG:{_epsg(geobox)}", "transform": geobox.affine,
    }  # fmt: skip
    factors = [factor for factor in OVERVIEWS if max(rows, cols) > factor * 16]
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as draft:
            draft.write(data)
            draft.update_tags(**(tags or {}))
            if names:
                draft.descriptions = tuple(names)
            if scale is not None:
                draft.scales, draft.offsets = (scale,) * count, (0.0,) * count
            draft.build_overviews(factors, Resampling.nearest)
        predictor = 3 if data.dtype.kind == "f" else 2
        layout = {"blocksize": BLOCK, "compress": "DEFLATE", "predictor": predictor, "num_threads": 2}
        try:
            rasterio.shutil.copy(memory.name, str(path), driver="COG", overviews="FORCE_USE_EXISTING", **layout)
        except RasterioIOError as error:
            raise OutputError(f"cannot write {path}: {error}") from error
