"""Simulated OPERA DSWx-HLS products: all ten layers, computed from a simulated granule as the real ones are.

The steps and codes are those of nasa/PROTEUS 1.0.2 with its defaults; names, types, fill and some tags are those of
`OPERA_L3_DSWx-HLS_T12SVG_20230411T180222Z_20230414T030945Z_L8_30_v1.0`. `tests/test_testing_dswx.py` holds them against
a second writing of the steps.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import numpy as np
from scipy.ndimage import uniform_filter

from hlsmask.bands import BANDS, HLS_FILL, Band, Sensor
from hlsmask.errors import OutputError, UsageError
from hlsmask.granules import dswx_codes as codes
from hlsmask.granules.dswx import LAYERS, PLATFORMS, Product
from hlsmask.granules.fmask import ADJACENT_BIT, BITS
from hlsmask.granules.fmask import FILL as FMASK_FILL
from hlsmask.inference.spectral.water import AGGRESSIVE, CONSERVATIVE, diagnostic, wtr1
from hlsmask.masks import PRESENT, Mask
from hlsmask.samples.labels.spectral import COLLAPSED, remap_aerosol
from hlsmask.samples.sample import reflectance
from hlsmask.testing.fields import noise
from hlsmask.testing.files import granule_tags, write_layer
from hlsmask.testing.relief import relief_parts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.testing.granule import SimulatedGranule

BRIGHT_NIR: Final = 1200
"""HLS integer above which partial water under trees or beside houses is none."""

YEAR: Final = 21
"""Year of the land cover map, less 2000."""

DELAY: Final = timedelta(days=2, hours=9, minutes=7)
"""Between acquisition and production."""

FREE: Final = (0, 1 << codes.CLOUD_AEROSOL_BIT)
"""CLOUD where nothing hides the ground."""

SNOWY: Final = tuple(value | 1 << codes.CLOUD_SNOW_BIT for value in FREE)
"""CLOUD where snow alone does."""

SPACECRAFT: Final = {
    "L8": "Landsat-8", "L9": "Landsat-9", "S2A": "Sentinel-2A", "S2B": "Sentinel-2B", "S2C": "Sentinel-2C",
}  # fmt: skip
"""Names in the tags."""


def simulate_product(granule: SimulatedGranule) -> dict[str, NDArray[Any]]:
    """Return the ten layers, each (row, column), by name: `WTR`, ..., `DEM`."""
    lit = ~relief_parts(granule.elevation, granule.sun).shad
    layers = product_layers(granule.bands, granule.fmask, lit.astype(np.uint8), simulate_land(granule))
    layers["DEM"] = granule.elevation.astype(np.float32)
    return {name: layers[name] for name in LAYERS}


def simulate_land(granule: SimulatedGranule) -> NDArray[np.uint8]:
    """Return a LAND layer, shape (row, column): an old and coarse map of this country.

    It has most waters, as far as they can be seen, and none of the rest; here and there a forest and a town, never
    on water.
    """
    rng = np.random.default_rng(crc32(granule.id.encode()))
    shape = granule.fmask.shape
    water = granule.truth[0] == PRESENT
    old = noise(shape, rng, 2.2, longest=300) > -1.3  # noqa: PLR2004 - nine in ten waters were there when it was made
    wooded = noise(shape, rng, 2.4, longest=200) > 0.8  # noqa: PLR2004 - a fifth of the land
    town = noise(shape, rng, 2.0, longest=60)
    land = np.full(shape, codes.LAND_OTHER, np.uint8)
    land[wooded] = codes.LAND_EVERGREEN
    land[town > 1.6] = codes.LAND_LOW_DEVELOPED[YEAR]  # noqa: PLR2004 - houses in a twentieth of the land
    land[town > 2.2] = codes.LAND_HIGH_DEVELOPED[YEAR]  # noqa: PLR2004 - streets in a hundredth
    land[water] = codes.LAND_OTHER
    land[old & (uniform_filter(water.astype(np.float32), 3) > 0.3)] = codes.LAND_WATER  # noqa: PLR2004 - 3 of 9
    return land


def product_layers(
    bands: NDArray[np.int16], fmask: NDArray[np.uint8], shad: NDArray[np.uint8], land: NDArray[np.uint8]
) -> dict[str, NDArray[Any]]:
    """Return all layers but DEM, each (row, column), that DSWx-HLS makes of these.

    Parameters
    ----------
    bands
        HLS integers, shape (6, row, column).
    fmask
        The Fmask layer, shape (row, column).
    shad
        1 lit, 0 terrain shadow, shape (row, column).
    land
        The LAND layer, shape (row, column).
    """
    fill = (bands == HLS_FILL).any(axis=0) | (fmask == FMASK_FILL)
    tests = diagnostic(reflectance(bands))
    nir = bands[BANDS.index(Band.NIR)]
    first = wtr1(tests)
    classes, changed = remap_aerosol(first, nir, fmask)
    classes[(shad == codes.SHADED) & (land != codes.LAND_WATER)] = codes.NOT_WATER
    soft = (land == codes.LAND_EVERGREEN) | (land < codes.LAND_HIGH_DEVELOPED.start)
    partial = (classes == CONSERVATIVE) | (classes == AGGRESSIVE)
    classes[soft & partial & (nir > BRIGHT_NIR)] = codes.NOT_WATER
    classes[(land >= codes.LAND_HIGH_DEVELOPED.start) & (land < codes.LAND_HIGH_DEVELOPED.stop)] = codes.NOT_WATER

    cloud = _cloud(fmask, changed)
    wtr = COLLAPSED[classes]
    conf = classes.copy()
    conf[(cloud & (1 << codes.CLOUD_SHADOW_BIT | 1 << codes.CLOUD_CLOUD_BIT)) != 0] += codes.UNDER_CLOUD
    conf[cloud == 1 << codes.CLOUD_SNOW_BIT] += codes.UNDER_SNOW
    layers: dict[str, NDArray[Any]] = {
        "WTR": np.where(np.isin(cloud, SNOWY), codes.SNOW, np.where(np.isin(cloud, FREE), wtr, codes.CLOUD)),
        "CONF": conf,
        "DIAG": codes.diag_digits(tests),
        "WTR-1": COLLAPSED[first],
        "WTR-2": wtr,
        "LAND": land,
        "SHAD": shad,
        "CLOUD": cloud,
    }
    layers["BWTR"] = np.where(layers["WTR"] == codes.PARTIAL_WATER, codes.OPEN_WATER, layers["WTR"])
    for name in ("WTR", "BWTR", "CONF", "WTR-1", "WTR-2", "CLOUD"):
        layers[name] = np.where(fill, codes.FILL, layers[name]).astype(np.uint8)
    layers["DIAG"] = np.where(fill, np.uint16(codes.DIAG_FILL), layers["DIAG"])
    return layers


def _cloud(fmask: NDArray[np.uint8], changed: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return CLOUD (row, column), its fill aside; what is adjacent counts as shadow (mode "mask")."""
    shadow = (fmask >> BITS[Mask.CLOUD_SHADOW] | fmask >> ADJACENT_BIT) & 1
    cloud = shadow << codes.CLOUD_SHADOW_BIT
    cloud |= (fmask >> BITS[Mask.SNOW_ICE] & 1) << codes.CLOUD_SNOW_BIT
    cloud |= (fmask >> BITS[Mask.CLOUD] & 1) << codes.CLOUD_CLOUD_BIT
    cloud |= changed.astype(np.uint8) << codes.CLOUD_AEROSOL_BIT
    return np.asarray(cloud, np.uint8)


def write_product(
    granule: SimulatedGranule,
    folder: Path,
    *,
    version: str = "1.0",
    platform: str | None = None,
    produced: datetime | None = None,
    nested: bool = True,
) -> Path:
    """Write the product of a granule as it would be distributed.

    Parameters
    ----------
    granule
        From `simulate_granule`.
    folder
        Where to put it; made if it is not there.
    version
        As its name has it.
    platform
        `L8`, `L9`, `S2A`, `S2B` or `S2C`; None: `S2B` or `L8`, as the granule's tags say.
    produced
        When it was made; None: two days after it was seen.
    nested
        Whether it gets a folder of its own, called as it is.

    Returns
    -------
    Path
        The folder in which its ten layers lie.

    Raises
    ------
    UsageError
        If that satellite does not give granules of this sensor.
    OutputError
        If the folder or a file in it cannot be written.
    """
    platform = platform or ("S2B" if granule.sensor is Sensor.S30 else "L8")
    if PLATFORMS.get(platform) is not granule.sensor:
        fit = ", ".join(name for name, sensor in PLATFORMS.items() if sensor is granule.sensor)
        raise UsageError(f"{platform} gives no {granule.sensor} granules; use {fit}")
    tile = granule.id.split(".")[2][1:]
    product = Product(tile, granule.time, produced or granule.time + DELAY, platform, version)
    home = folder / product.id if nested else folder
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {home}: {error.strerror}") from error
    tags = _tags(granule, product)
    layers = simulate_product(granule)
    for number, name in enumerate(LAYERS, start=1):
        path = home / f"{product.id}_B{number:02}_{name}.tif"
        write_layer(path, layers[name], granule.geobox, nodata=NODATA[name], tags=tags)
    return home


NODATA: Final = dict.fromkeys(LAYERS, codes.FILL) | {"DIAG": codes.DIAG_FILL, "SHAD": None, "DEM": float("nan")}
"""The fill that each file names; SHAD names none."""


def _tags(granule: SimulatedGranule, product: Product) -> dict[str, str]:
    """Return the tags that every layer of a product carries; a few of the real ones."""
    common = granule_tags(granule)
    copied = ("MEAN_SUN_AZIMUTH_ANGLE", "MEAN_SUN_ZENITH_ANGLE", "SENSING_TIME")
    return {name: common[name] for name in copied} | {
        "HLS_DATASET": granule.id,
        "MASK_ADJACENT_TO_CLOUD_MODE": "mask",
        "OCEAN_MASKING_ENABLED": "FALSE",
        "PROCESSING_DATETIME": f"{product.produced:%Y-%m-%dT%H:%M:%SZ}",
        "PRODUCT_ID": "dswx_hls",
        "PRODUCT_TYPE": "DSWx-HLS",
        "PRODUCT_VERSION": product.version,
        "SHADOW_MASKING_ALGORITHM": "SUN_LOCAL_INC_ANGLE",
        "SPACECRAFT_NAME": SPACECRAFT[product.platform],
    }
