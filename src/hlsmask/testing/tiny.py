"""Granules and band files of plain numbers, made in milliseconds, for tests of everything that reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from hlsmask.bands import ANGLE_SCALE, BANDS, HLS_FILL, HLS_SCALE, Sensor
from hlsmask.sun import Sun
from hlsmask.testing import spectra
from hlsmask.testing.files import write_granule
from hlsmask.testing.granule import CORNER, TILE, SimulatedGranule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PATCH = 8
"""Pixels across a patch of one kind of ground."""

CLEAR, WATER, CLOUD, SHADOW, SNOW = 64, 96, 66, 72, 80
"""Fmask bytes of the kinds of patches."""

_KINDS = (
    (spectra.MEADOW, CLEAR, None),
    (spectra.SOIL, CLEAR, None),
    ((0.030, 0.035, 0.022, 0.010, 0.003, 0.002), WATER, 0),
    ((0.055, 0.098, 0.118, 0.055, 0.007, 0.005), WATER, 0),
    (spectra.CLOUD, CLOUD, 1),
    ((0.014, 0.024, 0.018, 0.080, 0.045, 0.022), SHADOW, 2),
    (spectra.SNOW, SNOW, 3),
    ((0.012, 0.016, 0.012, 0.040, 0.022, 0.012), CLEAR, 4),
)
"""Reflectance, Fmask byte and true mask (its place in `Mask`) of each kind."""


def tiny_granule(
    folder: Path,
    shape: tuple[int, int] = (64, 48),
    *,
    sensor: Sensor = Sensor.S30,
    seed: int = 0,
    crs: str = "EPSG:32613",
    tags: Mapping[str, str] | None = None,
    granule_id: str | None = None,
) -> Path:
    """Write a granule of random patches of meadow, soil, water, cloud, shadow, snow and dark relief.

    Parameters
    ----------
    folder
        Where to make the granule's own folder.
    shape
        Rows and columns.
    sensor
        Whose layers it has.
    seed
        Which patches; another seed is another minute in the granule's name too.
    crs
        Coordinate reference system.
    tags
        Tags that each layer gets besides, or in place of, its own.
    granule_id
        Its name, in place of one made of sensor, tile and time.

    Returns
    -------
    Path
        `folder/ID`, with the files of `write_granule`. The first three columns and one row are fill.
    """
    rng = np.random.default_rng(seed)
    grid = (-(-shape[0] // PATCH), -(-shape[1] // PATCH))
    kind = rng.permutation(np.arange(grid[0] * grid[1]) % len(_KINDS)).reshape(grid)
    kind = kind.repeat(PATCH, 0).repeat(PATCH, 1)[: shape[0], : shape[1]]
    level = np.array([spectrum for spectrum, _, _ in _KINDS])[kind].transpose(2, 0, 1)
    level = level * rng.normal(1, 0.03, level.shape) + rng.normal(0, 0.001, level.shape)
    bands = np.rint(level / HLS_SCALE).astype(np.int16)
    truth = np.stack([np.array([at == mask for _, _, at in _KINDS])[kind] for mask in range(5)]).astype(np.uint8)
    fmask = np.array([flags for _, flags, _ in _KINDS], np.uint8)[kind]
    zenith, azimuth = (np.full(shape, value / ANGLE_SCALE, np.uint16) for value in (41.5, 148.25))
    blank = np.zeros(shape, np.bool_)
    blank[:, :3], blank[-1] = True, True
    bands[:, blank], truth[:, blank], fmask[blank] = HLS_FILL, 255, 255
    zenith[blank], azimuth[blank] = 40000, 40000
    time = datetime(2024, 7, 8, 17, 49 - seed // 60 % 40, seed % 60, tzinfo=UTC)
    rows, cols = np.indices(shape)
    granule = SimulatedGranule(
        id=granule_id or f"HLS.{sensor}.T{TILE}.{time:%Y%jT%H%M%S}.v2.0",
        sensor=sensor,
        bands=bands,
        fmask=fmask,
        zenith=zenith,
        azimuth=azimuth,
        elevation=(1500 + 40 * np.sin(rows / 7) + 25 * np.cos(cols / 5)).astype(np.float32),
        truth=truth,
        geobox=GeoBox(shape, Affine(30, 0, CORNER[0], 0, -30, CORNER[1]), crs),
        sun=Sun(148.25, 41.5),
        time=time,
    )
    return write_granule(granule, folder, tags=tags)


def write_bands(
    path: Path,
    data: NDArray[np.generic],
    *,
    names: Sequence[str] | None = BANDS,
    nodata: float | None = HLS_FILL,
    scale: float | None = None,
    crs: str | None = "EPSG:32613",
    origin: tuple[float, float] = CORNER,
    spacing: float = 30.0,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write any bands as one plain GeoTIFF.

    Parameters
    ----------
    path
        Where to.
    data
        Shape (band, row, column), of any type that a GeoTIFF holds.
    names
        Band descriptions, the first of which are used; None for none.
    nodata
        The file's nodata tag; None for none.
    scale
        The bands' scale tag; None for none.
    crs
        Coordinate reference system; None for a file without one.
    origin
        Easting and northing of the upper left corner.
    spacing
        Metres between pixels.
    tags
        The file's tags.

    Returns
    -------
    Path
        `path`.
    """
    count, rows, cols = data.shape
    profile = {
        "driver": "GTiff", "dtype": data.dtype, "count": count, "height": rows, "width": cols, "nodata": nodata,
        "crs": crs, "transform": Affine(spacing, 0, origin[0], 0, -spacing, origin[1]),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        target.write(data)
        target.update_tags(**(tags or {}))
        if names is not None:
            target.descriptions = tuple(f"{name}" for name in names[:count])
        if scale is not None:
            target.scales, target.offsets = (scale,) * count, (0.0,) * count
    return path


def write_mosaic(files: Sequence[Path], shape: tuple[int, int], path: Path) -> Path:
    """Write a VRT of six bands and any size, in which a scene is repeated.

    Parameters
    ----------
    files
        One file of six bands, or six files of one, in the order of `Band`.
    shape
        Rows and columns of the VRT.
    path
        Where to.

    Returns
    -------
    Path
        `path`.
    """
    with rasterio.open(files[0]) as file:
        height, width, wkt = file.height, file.width, file.crs.to_wkt()
        place = ", ".join(map(str, file.transform.to_gdal()))
    bands = []
    for number, name in enumerate(BANDS, start=1):
        file, index = (files[0], number) if len(files) == 1 else (files[number - 1], 1)
        sources = "".join(
            f"<SimpleSource><SourceFilename>{file}</SourceFilename><SourceBand>{index}</SourceBand>"
            f'<SrcRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>'
            f'<DstRect xOff="{x}" yOff="{y}" xSize="{width}" ySize="{height}"/></SimpleSource>'
            for y in range(0, shape[0], height)
            for x in range(0, shape[1], width)
        )
        bands.append(
            f'<VRTRasterBand dataType="Int16" band="{number}"><Description>{name}</Description>'
            f"<NoDataValue>{HLS_FILL}</NoDataValue>{sources}</VRTRasterBand>"
        )
    path.write_text(
        f'<VRTDataset rasterXSize="{shape[1]}" rasterYSize="{shape[0]}"><SRS>{escape(wkt)}</SRS>'
        f"<GeoTransform>{place}</GeoTransform>{''.join(bands)}</VRTDataset>",
        encoding="utf-8",
    )
    return path
