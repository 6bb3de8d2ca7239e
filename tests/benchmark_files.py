"""Tiny files in exactly the layouts in which the human-labelled benchmarks are distributed."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

SCENE = "LC80420082013220LGN00"
GAIN, OFFSET, ELEVATION = 2.0e-5, -0.1, 41.5

MTL = """GROUP = L1_METADATA_FILE
  GROUP = PRODUCT_METADATA
    SPACECRAFT_ID = "LANDSAT_8"
    DATE_ACQUIRED = 2013-08-08
    SCENE_CENTER_TIME = 18:31:05.1234567Z
  END_GROUP = PRODUCT_METADATA
  GROUP = IMAGE_ATTRIBUTES
    SUN_AZIMUTH = 158.41
    SUN_ELEVATION = {elevation}
  END_GROUP = IMAGE_ATTRIBUTES
  GROUP = RADIOMETRIC_RESCALING
{bands}
  END_GROUP = RADIOMETRIC_RESCALING
END_GROUP = L1_METADATA_FILE
END
"""


def write_raster(path, pixels, driver="GTiff", colours=None, **profile):
    """Write pixels (band, row, column), or (row, column), as they are; `colours` is a palette."""
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver=driver, count=count, height=height, width=width, dtype=pixels.dtype, **profile
        ) as file:
            file.write(pixels)
            if colours:
                file.write_colormap(1, colours)
    return path


def write_mtl(path, elevation=ELEVATION, without=""):
    """Write a metadata file; band n has the gain n x GAIN, so that no two bands can be mixed up."""
    lines = [f"    REFLECTANCE_MULT_BAND_{n} = {GAIN * n:.4E}" for n in range(1, 10)]
    lines += [f"    REFLECTANCE_ADD_BAND_{n} = {OFFSET:.6f}" for n in range(1, 10)]
    text = MTL.format(elevation=elevation, bands="\n".join(lines))
    path.write_text("\n".join(line for line in text.split("\n") if not without or without not in line))
    return path


def numbers(bands, shape, seed=0):
    """Level-1 numbers that no two bands share, with a strip of fill on the left."""
    rng = np.random.default_rng(seed)
    made = rng.integers(6000, 9000, (bands, *shape)) + 500 * np.arange(bands)[:, None, None]
    made[:, :, :3] = 0
    return made.astype(np.uint16)


def write_sparcs(folder, name=f"{SCENE}_18", size=64, ending="_labels.tif", seed=0):
    """Write a piece: ten bands (1 to 7, 9, 10, 11), classes 0 to 6, metadata; return numbers and classes."""
    image = numbers(10, (size, size), seed)
    classes = np.random.default_rng(seed + 1).integers(0, 7, (size, size)).astype(np.uint8)
    write_raster(folder / f"{name}_data.tif", image)
    driver = "PNG" if ending.endswith("png") else "GTiff"
    write_raster(folder / f"{name}{ending}", classes, driver)
    write_mtl(folder / f"{name}_mtl.txt")
    return image, classes


def write_biome(folder, name=SCENE, shape=(150, 101), *, together=False, shadow=True, seed=0):
    """Write a scene as the USGS has it, or with all bands in one file; return numbers of bands 1 to 11 and classes."""
    home = folder / name
    image = numbers(11, shape, seed)
    values = [0, 64, 128, 192, 255] if shadow else [0, 128, 192, 255]
    classes = np.random.default_rng(seed + 1).choice(np.array(values, np.uint8), shape)
    if shadow:  # one pixel of shadow, in the last strip that is looked through
        classes[classes == 64] = 128
        classes[-1, -1] = 64
    if together:
        write_raster(home / f"{name}.TIF", image)
        write_raster(home / f"{name}_fixedmask.TIF", classes)
    else:
        for at, number in enumerate(range(1, 12)):
            write_raster(home / f"{name}_B{number}.TIF", image[at])
        write_raster(home / f"{name}_fixedmask.img", classes, "ENVI")
    write_mtl(home / f"{name}_MTL.txt")
    return image, classes


def write_floods(folder, split="test", chips=("Ghana_103272", "Bolivia_60373"), size=64):
    """Write the chips of a split; return numbers and classes by chip."""
    made = {}
    where = {"crs": "EPSG:4326", "transform": from_origin(-1.5, 10.25, 9e-5, 9e-5)}
    for seed, chip in enumerate(chips):
        image = numbers(13, (size, size), seed)
        classes = np.random.default_rng(seed + 9).integers(-1, 2, (size, size)).astype(np.int16)
        home = folder / "data" / "flood_events" / "HandLabeled"
        write_raster(home / "S2Hand" / f"{chip}_S2Hand.tif", image, **where)
        write_raster(home / "LabelHand" / f"{chip}_LabelHand.tif", classes, **where)
        made[chip] = image, classes
    lists = folder / "splits" / "flood_handlabeled"
    lists.mkdir(parents=True, exist_ok=True)
    lines = [f"{chip}_S1Hand.tif,{chip}_LabelHand.tif" for chip in chips]
    (lists / f"flood_{split}_data.csv").write_text("\n".join(lines) + "\n")
    return made


def patch(seed, edge=0):
    """Return 13 bands and classes of a patch of 512 x 512, its left and lower edge filled up with `edge`."""
    rng = np.random.default_rng(seed)
    small = rng.integers(300, 9000, (13, 8, 8)) + 20 * np.arange(13)[:, None, None]
    image = np.kron(small, np.ones((64, 64), np.int64)).astype(np.uint16)
    classes = np.kron(rng.integers(0, 4, (16, 16)), np.ones((32, 32), np.int64)).astype(np.uint8)
    image[:, :, :3] = image[:, 509:] = classes[:, :3] = classes[509:] = edge
    return image, classes


def geotiff(pixels):
    """Return the bytes of a GeoTIFF."""
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    with warnings.catch_warnings(), MemoryFile() as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        count, height, width = pixels.shape
        with memory.open(
            driver="GTiff", count=count, height=height, width=width, dtype=pixels.dtype, compress="deflate"
        ) as file:
            file.write(pixels)
        return memory.read()


def container(files, rows, magic=b"#y"):
    """Return a container of TACO version 1: header of 200 bytes, files, table in Parquet."""
    at = 200 + np.cumsum([0, *(len(file) for file in files)])
    told = [
        {**row, "tortilla:offset": int(start), "tortilla:length": len(file)}
        for row, start, file in zip(rows, at, files, strict=False)
    ]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(told), sink, compression="zstd")
    footer = sink.getvalue().to_pybytes()
    header = magic + int(at[-1]).to_bytes(8, "little") + len(footer).to_bytes(8, "little") + (1).to_bytes(8, "little")
    return header.ljust(200, b"\0") + b"".join(files) + footer


def taco_sample(image, classes):
    """Return the container of one sample: the image, then its labels."""
    rows = [
        {"tortilla:id": "s2l1c", "tortilla:file_format": "GTiff"},
        {"tortilla:id": "target", "tortilla:file_format": "GTiff"},
    ]
    return container([geotiff(image), geotiff(classes)], rows)


def write_taco(path, samples, **changes):
    """Write a part: `samples` are (id, image, classes, what its row tells instead of the usual)."""
    rows = [
        {
            "tortilla:id": name,
            "tortilla:file_format": "TORTILLA",
            "tortilla:data_split": "test",
            "label_type": "high",
            "real_proj_shape": 509,
            "s2_id": "20190213T142031_20190213T143214_T19FDF",
            "stac:time_start": 1550067624.0,
            "stac:centroid": "POINT (-70.12 -52.5)",
            **changes,
            **told,
        }
        for name, _, _, told in samples
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(container([taco_sample(image, classes) for _, image, classes, _ in samples], rows, b"WX"))


def write_memmaps(folder, split, patches):
    """Write CloudSEN12 of 2022: one file of raw numbers a band, all patches in a row."""
    home = folder / split
    home.mkdir(parents=True)
    names = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"]
    for at, name in enumerate(names):
        np.stack([image[at] for image, _ in patches]).astype("<i2").tofile(home / f"L1C_{name}.dat")
    np.stack([classes for _, classes in patches]).astype("i1").tofile(home / "LABEL_manual_hq.dat")
