"""From granules to clear-water reflectance at sites: the way that hlsmask replaces, and ours, on the same granules.

    python benchmarks/pipeline.py                       3 simulated granules of 3660 x 3660, 20 sites
    python benchmarks/pipeline.py --size 1024 --granules 5

**The way before**, a product at a time, all of each: the six bands and the water tests of DSWx on them (three or
more); Fmask for cloud, what is beside it, shadow and snow; SZA and SAA for the sun; a DEM in degrees, of an arc second,
brought to the granule's grid anew each time, and the slopes that turn from the sun (DSWx's SHAD). Clear water is what
remains; it is cut out around each site. It needs Fmask and the DEM beside the bands.

**Ours**: `hlsmask predict` (five masks, their files), then `hlsmask extract` at the sites. It needs the bands alone.
Masks stay: the second time, for other sites, only `extract` is to be done, which the third row tells.

Each is a process of its own, with warm files. Wall seconds, CPU seconds and megabytes read (`rchar` of /proc/self/io)
by granule; imports are left out. The paper that we follow claims a pipeline 30 times faster, without saying what
was timed; what it is here is the last line. What each finds is no judgement of either: they mask differently.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.features import geometry_mask
from rasterio.warp import calculate_default_transform, reproject, transform, transform_geom

SIDE = 500.0  # metres around a site
ARC_SECOND = 1 / 3600
BITS = (1, 2, 3, 4)  # Fmask: cloud, adjacent, cloud shadow, snow
BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")


def make(home: Path, size: int, count: int, sites: int) -> None:
    """Write granules, the DEM of each in degrees, and sites on their water."""
    from hlsmask.testing import simulate_granule, write_granule

    features = []
    for seed in range(count):
        folder = write_granule(simulate_granule(size, seed), home / "granules")
        with rasterio.open(folder / f"{folder.name}.dem.tif") as dem:
            to_degrees(dem, home / f"{folder.name}.dem.tif")
        (folder / f"{folder.name}.dem.tif").unlink()
        with rasterio.open(folder / f"{folder.name}.truth.tif") as truth:
            rows, columns = np.nonzero(truth.read(1) == 1)
            each = np.random.default_rng(seed).choice(rows.size, sites // count + 1, replace=False)
            easting, northing = truth.transform * (columns[each] + 0.5, rows[each] + 0.5)
            longitude, latitude = transform(truth.crs, "EPSG:4326", easting, northing)
        (folder / f"{folder.name}.truth.tif").unlink()
        for x, y in zip(longitude, latitude, strict=True):
            point = {"type": "Point", "coordinates": [x, y]}
            about = {"id": f"site {len(features) + 1}", "radius": SIDE}
            features.append({"type": "Feature", "geometry": point, "properties": about})
    collection = {"type": "FeatureCollection", "features": features[:sites]}
    (home / "sites.geojson").write_text(json.dumps(collection), encoding="utf-8")


def to_degrees(dem: rasterio.DatasetReader, path: Path) -> None:
    """Write a DEM as it is distributed: in degrees, a pixel an arc second."""
    place, width, height = calculate_default_transform(
        dem.crs, "EPSG:4326", dem.width, dem.height, *dem.bounds, resolution=ARC_SECOND
    )
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "transform": place}
    with rasterio.open(path, "w", width=width, height=height, tiled=True, compress="deflate", **profile) as file:
        values = np.zeros((height, width), np.float32)
        reproject(
            dem.read(1),
            values,
            src_transform=dem.transform,
            src_crs=dem.crs,
            dst_transform=place,
            dst_crs="EPSG:4326",
            resampling=Resampling.cubic,
        )
        file.write(values, 1)


# ---------------------------------------------------------------- the contenders, each in its own process


def before(home: Path) -> list[dict]:
    """Go the way before; return a row for each site and granule."""
    from hlsmask.granules.hls import find_granules
    from hlsmask.inference.spectral.relief import terrain_shadow
    from hlsmask.inference.spectral.water import diagnostic
    from hlsmask.sun import Sun

    passed = np.array([code.bit_count() for code in range(32)], np.uint8)
    sites = json.loads((home / "sites.geojson").read_text(encoding="utf-8"))["features"]
    rows = []

    def read(href: str) -> np.ndarray:
        with rasterio.open(href) as file:
            return file.read(1)

    for granule in find_granules(home / "granules"):
        first = granule.hrefs[granule.sensor.layers["blue"]]
        with rasterio.open(first) as file:
            grid, crs, shape = file.transform, file.crs, file.shape
        stored = np.stack([read(granule.hrefs[granule.sensor.layers[band]]) for band in BANDS])
        bands = np.where(stored == -9999, np.nan, stored * np.float32(1e-4))
        clear = passed[diagnostic(bands)] >= 3
        fmask = read(granule.hrefs["Fmask"])
        clear &= (fmask & sum(1 << bit for bit in BITS) == 0) & (fmask != 255)
        angles = [read(granule.hrefs[layer]).astype(np.float32) for layer in ("SZA", "SAA")]
        zenith, azimuth = (float(np.mean(angle[angle < 40000])) / 100 for angle in angles)
        ground = np.zeros(shape, np.float32)
        with rasterio.open(home / f"{granule.id}.dem.tif") as dem:
            reproject(
                rasterio.band(dem, 1),
                ground,
                dst_transform=grid,
                dst_crs=crs,
                resampling=Resampling.cubic,
                num_threads=2,
            )
        clear &= terrain_shadow(ground, Sun(zenith=zenith, azimuth=azimuth), 30.0) != 1
        for site in sites:
            row, column, side = around(site, crs, grid)
            rows_of = slice(max(0, row - side), max(0, row + side))
            columns_of = slice(max(0, column - side), max(0, column + side))
            part = clear[rows_of, columns_of]
            if part.size == 0:
                continue
            place = grid * rasterio.Affine.translation(columns_of.start, rows_of.start)
            inside = disc(site, crs, place, part.shape)
            taken = bands[:, rows_of, columns_of][:, part & inside]
            quartiles = np.percentile(taken, (25, 50, 75), axis=1) if taken.size else np.full((3, 6), np.nan)
            rows.append({"count": int(taken.shape[1]), "blue_median": float(quartiles[1, 0])})
    return rows


def around(site: dict, crs: rasterio.CRS, grid: rasterio.Affine) -> tuple[int, int, int]:
    """Return row and column of a site, and half the side of the square that holds it, in pixels."""
    (x,), (y,) = transform("EPSG:4326", crs, *([value] for value in site["geometry"]["coordinates"]))
    column, row = ~grid * (x, y)
    return int(row), int(column), int(site["properties"]["radius"] / 30) + 2


def disc(site: dict, crs: rasterio.CRS, place: rasterio.Affine, shape: tuple) -> np.ndarray:
    """Return which pixels of a part, which lies at `place`, lie around a site."""
    point = transform_geom("EPSG:4326", crs, site["geometry"])["coordinates"]
    angles = np.linspace(0, 2 * np.pi, 65)
    ring = np.stack([point[0] + SIDE * np.cos(angles), point[1] + SIDE * np.sin(angles)], axis=1).tolist()
    polygon = {"type": "Polygon", "coordinates": [ring]}
    return geometry_mask([polygon], shape, place, invert=True)


def masked(home: Path) -> list[dict]:
    """Mask all granules with the default network and defaults."""
    from hlsmask.archive.listing import list_sources
    from hlsmask.inference.options import Options
    from hlsmask.inference.run import open_engine
    from hlsmask.products.output import Output
    from hlsmask.products.produce import produce

    options = Options()
    engine = open_engine(options)
    for source in list_sources([str(home / "granules")]).sources:
        produce(source, engine, options, Output(home / "masks", overwrite=True))
    return []


def extracted(home: Path) -> list[dict]:
    """Extract the sites from masks and granules."""
    from hlsmask.archive.sites import extract, read_sites

    sites = read_sites(home / "sites.geojson")
    rows = [row for outcome in extract(home / "masks", sites, processes=1) for row in outcome.rows]
    return [{"count": row.clear_water or 0, "blue_median": row.bands["blue_median"]} for row in rows]


CONTENDERS = {"before": before, "predict": masked, "extract": extracted}


def contend(name: str, home: Path) -> None:
    """Run one contender in this process; print what it took."""
    import hlsmask.archive.listing  # noqa: F401 - imports are left out of the time

    read = read_bytes()
    wall, cpu = time.perf_counter(), time.process_time()
    rows = CONTENDERS[name](home)
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "read": read_bytes() - read}
    print(json.dumps({**took, "rows": len(rows), "clear": sum(row["count"] for row in rows)}))


def read_bytes() -> int:
    """Return the bytes that this process has read so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


def main() -> None:
    """Make the data, run all contenders, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=3660)
    parser.add_argument("--granules", type=int, default=3)
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--contend", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contend:
        contend(given.contend[0], Path(given.contend[1]))
        return
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        make(home, given.size, given.granules, given.sites)
        took: dict[str, list[dict]] = {name: [] for name in CONTENDERS}
        for _ in range(given.repeat):
            for name, results in took.items():
                command = [sys.executable, __file__, "--contend", name, place]
                run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                results.append(json.loads(run.stdout.splitlines()[-1]))

    def each(name: str, key: str) -> float:
        return median(result[key] for result in took[name]) / given.granules

    print(f"{given.granules} granules of {given.size} x {given.size}, {given.sites} sites; ", end="")
    print(f"by granule, median of {given.repeat}\n")
    print("| | wall s | CPU s | read, MB | sites | clear-water pixels |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    titles = {"before": "the way before", "predict": "hlsmask predict", "extract": "hlsmask extract"}
    for name, title in titles.items():
        wall, cpu, size = (each(name, key) for key in ("wall", "cpu", "read"))
        last = took[name][-1]
        found = f"{last['rows']} | {last['clear']:,}" if last["rows"] else " | "
        print(f"| {title} | {wall:.2f} | {cpu:.2f} | {size / 1e6:.0f} | {found} |")
    first = each("before", "wall") / (each("predict", "wall") + each("extract", "wall"))
    later = each("before", "wall") / each("extract", "wall")
    print(
        f"\nours is {first:.2f} times as fast the first time, and {later:.1f} times where the masks are there already"
    )


if __name__ == "__main__":
    main()
