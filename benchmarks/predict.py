"""How fast and how lean: a full granule, files in to files out, with the peers beside it in the same run.

    python benchmarks/predict.py                    a 3660 x 3660 simulated granule
    python benchmarks/predict.py --vrt 12000        and a 12 000 x 12 000 VRT made of it, for the memory
    python benchmarks/predict.py --peers PYTHON     peers installed for another interpreter
    python benchmarks/predict.py --model FILE.onnx  another network than the one that is shipped

Peers are measured where they can be imported: `ukis-csmask[cpu]` and `omnicloudmask`. Each contender is a process
of its own, started anew for each repetition. Its wall seconds are those of the work, imports left out (those of
onnxruntime and openvino too), the loading of a network of ours not; peak memory is that of the whole process. The
stages of ours overlap in threads: they are summed over the threads that call them, and do not add up to the wall's; CPU
spent in GDAL's own threads, and in those of an engine, is in the total alone. Nothing else should run on the machine:
the last table, how many times faster ours is than each peer, compares wall seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""As ukis-csmask calls them."""

LIBRARIES = {"onnx": "onnxruntime", "openvino": "openvino"}
"""What each engine that runs networks is imported as."""


# ---------------------------------------------------------------- contenders, each in its own process


class Stages:
    """CPU and wall seconds by stage, summed over the threads that call it."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def time(self, stage: str):
        """Count what happens inside towards `stage`."""
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                before = self.seconds.get(stage, (0.0, 0.0))
                spent = (time.thread_time() - cpu, time.perf_counter() - wall)
                self.seconds[stage] = (before[0] + spent[0], before[1] + spent[1])

    def wrap(self, owner: object, name: str, stage: str) -> None:
        """Count the time of each call of `owner.name` towards `stage`."""
        inner = getattr(owner, name)

        def timed(*args, **kwargs):
            with self.time(stage):
                return inner(*args, **kwargs)

        setattr(owner, name, timed)


def run_ours(source: str, out: str, model: str, engine: str) -> dict:
    """Mask `source` from files to files: with the default options, but for the model and what computes it."""
    from hlsmask.granules.scene import FileScene
    from hlsmask.granules.source import locate
    from hlsmask.inference.options import Options
    from hlsmask.inference.run import open_engine
    from hlsmask.inference.stream import Blend
    from hlsmask.memory import bound
    from hlsmask.products import produce as producing
    from hlsmask.products.cog import CogWriter
    from hlsmask.products.output import Output
    from hlsmask.products.quicklook import Preview

    options = Options(**({"model": model} if model else {}), engine="auto" if engine == "nothing" else engine)
    if engine in LIBRARIES:  # ours are imported when they are used, those of the peers with the peers
        import_module(LIBRARIES[engine])
    bound()  # as the command line does
    stages = Stages()
    stages.wrap(FileScene, "read", "read")
    wall, cpu = time.perf_counter(), time.process_time()
    contender = nothing() if engine == "nothing" else open_engine(options)
    stages.wrap(type(contender), "__call__", "engine")
    stages.wrap(Blend, "feed", "blend")
    for name in ("write", "close"):
        stages.wrap(CogWriter, name, "write")
    for name in ("add_bands", "add_masks", "save"):
        stages.wrap(Preview, name, "quicklook")
    producing.produce(locate(source), contender, options, Output(Path(out)))
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "stages": stages.seconds,
        "note": f"{contender.card.name} {contender.card.version} on {contender.name}",
    }


def nothing():
    """Return an engine that costs nothing, to see all the rest: the blue band as every mask, no margins."""
    from dataclasses import replace

    import numpy as np

    from hlsmask.inference.spectral import Spectral

    class Nothing(Spectral):
        @property
        def card(self):
            return replace(super().card, size=1024, overlap=0)

        def __call__(self, bands, kept=(slice(None), slice(None)), *, overwrite=False):
            del overwrite
            part = bands[:, :1, *kept]
            given = np.empty((len(bands), 5, *part.shape[2:]), np.float32)
            given[:] = part
            return given

    return Nothing()


def read_all(source: str):
    """Read the six bands as reflectance (6, rows, columns), float32, with two threads: what every peer needs first."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    import rasterio

    def read(layer: str):
        with rasterio.open(next(Path(source).glob(f"*.{layer}.tif"))) as file:
            return file.read(1), file.profile

    with ThreadPoolExecutor(2) as pool:
        bands = list(pool.map(read, ("B02", "B03", "B04", "B8A", "B11", "B12")))
    stack = np.stack([np.maximum(band, 0) for band, _ in bands]).astype(np.float32) * np.float32(0.0001)
    return stack, bands[0][1]


def write_one(path: Path, layers, profile: dict) -> None:
    """Write uint8 layers as a COG: what every peer's user does last."""
    import rasterio

    profile = {"driver": "COG", "dtype": "uint8", "count": len(layers), "compress": "deflate"} | {
        name: profile[name] for name in ("crs", "transform", "height", "width")
    }
    with rasterio.open(path, "w", **profile, num_threads="2") as file:
        file.write(layers)


def run_ukis(source: str, out: str, _: str) -> dict:
    """Cloud and cloud shadow by ukis-csmask, 6 bands, its L2A model."""
    import numpy as np
    from ukis_csmask.mask import CSmask

    started = _now()
    stack, profile = read_all(source)
    read = _now()
    masks = CSmask(
        img=np.ascontiguousarray(stack.transpose(1, 2, 0)), band_order=list(BANDS), product_level="l2a", nodata_value=0
    )
    found = masks.csm
    computed = _now()
    write_one(Path(out) / "ukis.tif", found[None, ..., 0].astype(np.uint8), profile)
    return _ended(started, read, computed)


def run_omni(source: str, out: str, _: str) -> dict:
    """Cloud and cloud shadow by OmniCloudMask; random weights of its architecture where its own cannot be had."""
    import numpy as np
    import omnicloudmask
    import torch

    note, options = "", {}
    try:
        from omnicloudmask.download_models import get_models

        with _offline():
            get_models()
    except Exception:  # noqa: BLE001 - whatever the missing network makes of it
        note, options = "random weights of its architecture", {"custom_models": omni_models()}
    torch.set_num_threads(os.cpu_count() or 1)
    started = _now()
    stack, profile = read_all(source)
    read = _now()
    found = omnicloudmask.predict_from_array(stack[[2, 1, 3]], inference_device="cpu", no_data_value=0, **options)
    computed = _now()
    write_one(Path(out) / "omni.tif", np.asarray(found, np.uint8).reshape(1, *stack.shape[1:]), profile)
    return _ended(started, read, computed) | {"note": note}


def omni_models() -> list:
    """Return untrained networks of the architectures that OmniCloudMask's own table names for its latest version."""
    import csv

    import segmentation_models_pytorch as smp
    from omnicloudmask.download_models import get_latest_model_version, model_index_path

    with model_index_path.open() as file:
        latest = [line for line in csv.DictReader(file) if float(line["version"]) == get_latest_model_version()]
    names = [line["timm_model_name"] for line in latest]
    return [smp.Unet(name, encoder_weights=None, in_channels=3, classes=4).eval() for name in names]


@contextmanager
def _offline():
    """Let look-ups for weights fail at once, not after minutes."""
    import socket

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _now() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def _ended(started: tuple, read: tuple, computed: tuple) -> dict:
    """Return the result of a contender that reads, computes and writes, one after the other."""
    ended = _now()
    spans = {"read": (started, read), "engine": (read, computed), "write": (computed, ended)}
    return {
        "wall": ended[1] - started[1],
        "cpu": ended[0] - started[0],
        "stages": {stage: (last[0] - first[0], last[1] - first[1]) for stage, (first, last) in spans.items()},
    }


def run_floor(source: str, out: str, _: str) -> dict:
    """Nothing but rasterio: read the six bands with two threads, write one 6-band COG. No masker can be faster."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    import rasterio

    def read(layer: str):
        with rasterio.open(next(Path(source).glob(f"*.{layer}.tif"))) as file:
            return file.read(1), file.profile

    started = _now()
    with ThreadPoolExecutor(2) as pool:
        bands = list(pool.map(read, ("B02", "B03", "B04", "B8A", "B11", "B12")))
    done = _now()
    layers = np.stack([band > 1000 for band, _ in bands]).astype(np.uint8)
    write_one(Path(out) / "floor.tif", layers, bands[0][1])
    return _ended(started, done, done)


NETWORKS = {f"hlsmask, {library}": engine for engine, library in LIBRARIES.items()}
"""The default network, and the engines that run it."""
CONTENDERS = {
    "rasterio: read, write, no more": run_floor,
    "hlsmask, engine aside": lambda source, out, _: run_ours(source, out, "spectral", "nothing"),
    "hlsmask spectral": lambda source, out, _: run_ours(source, out, "spectral", "spectral"),
    **{name: partial(run_ours, engine=engine) for name, engine in NETWORKS.items()},
    "ukis-csmask": run_ukis,
    "omnicloudmask": run_omni,
}
PEERS = {"ukis-csmask": "ukis_csmask", "omnicloudmask": "omnicloudmask"}
"""And the module that each is imported as."""


# ---------------------------------------------------------------- the run


def measure(python: str, contender: str, source: str, model: str) -> dict:
    """Run one contender in a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        ended = subprocess.run(
            [python, __file__, "--run", contender, "--source", source, "--out", out, "--model", model],
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode:
        return {"failed": ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else "it was killed"}
    return json.loads(ended.stdout.strip().splitlines()[-1])


def peak_megabytes() -> float:
    """Return the most memory this process ever held (ru_maxrss would count its parent's too)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def has(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def make_granule(folder: Path, size: int) -> Path:
    from hlsmask.testing import simulate_granule, write_granule

    done = sorted(folder.glob(f"{size}/HLS*"))
    return done[0] if done else write_granule(simulate_granule(size, 0), folder / str(size))


def make_vrt(granule: Path, size: int) -> Path:
    """Repeat the granule's bands in one VRT of `size` x `size` pixels with six bands."""
    from hlsmask.testing import write_mosaic

    files = [next(granule.glob(f"*.{layer}.tif")) for layer in ("B02", "B03", "B04", "B8A", "B11", "B12")]
    return write_mosaic(files, (size, size), granule.parent / f"mosaic_{size}.vrt")


def row(name: str, runs: list[dict], pixels: int) -> str:
    if failed := [run["failed"] for run in runs if "failed" in run]:
        return f"{name:34} failed: {failed[0]}"

    def middle(key: str) -> float:
        return median(run[key] for run in runs)

    stages = runs[0]["stages"]
    parts = "  ".join(
        f"{stage} {median(run['stages'][stage][0] for run in runs):.2f}/"
        f"{median(run['stages'][stage][1] for run in runs):.2f}"
        for stage in stages
    )
    note = f"  ({runs[0]['note']})" if runs[0].get("note") else ""
    wall = middle("wall")
    rate = pixels / 1e6 / wall
    return f"{name:34} {wall:8.2f} {middle('cpu'):8.2f} {middle('peak'):8.0f} {rate:8.2f}   {parts}{note}"


def compare(walls: dict[str, float]) -> None:
    """Print how many times faster each of ours is than each peer, by wall seconds of this run."""
    for peer in PEERS:
        for name, wall in walls.items():
            if peer in walls and name.startswith("hlsmask") and "aside" not in name:
                print(f"{name:34} {walls[peer] / wall:8.1f} times as fast as {peer}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=3660)
    arguments.add_argument("--vrt", type=int, default=0, help="also a VRT of so many rows and columns")
    arguments.add_argument("--repeat", type=int, default=3, help="runs of ours; the slower peers run once")
    arguments.add_argument("--peers", default=sys.executable, help="interpreter in which peers are installed")
    arguments.add_argument("--model", default="", help="an .onnx file; else the default network")
    arguments.add_argument("--only", choices=CONTENDERS, nargs="+", default=list(CONTENDERS), metavar="NAME")
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "hlsmask-benchmark")
    arguments.add_argument("--run", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments.add_argument("--source", help=argparse.SUPPRESS)
    arguments.add_argument("--out", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.run:
        result = CONTENDERS[asked.run](asked.source, asked.out, asked.model)
        result["peak"] = peak_megabytes()
        print(json.dumps(result))
        return

    granule = make_granule(asked.folder, asked.size)
    print(f"{granule.name}, {asked.size} x {asked.size} pixels, six bands; {os.cpu_count()} cores")
    print(f"{'':34} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'Mpx/s':>8}   stages: CPU s/wall s")
    walls = {}
    for name in asked.only:
        ours = name not in PEERS
        python = sys.executable if ours else asked.peers
        if not ours and not has(python, PEERS[name]):
            print(f"{name:34} not installed")
            continue
        runs = [measure(python, name, str(granule), asked.model) for _ in range(asked.repeat if ours else 1)]
        print(row(name, runs, asked.size**2), flush=True)
        if not any("failed" in run for run in runs):
            walls[name] = median(run["wall"] for run in runs)
    compare(walls)
    for name in asked.only if asked.vrt else ():
        if name in NETWORKS or name == "hlsmask spectral":
            runs = [measure(sys.executable, name, str(make_vrt(granule, asked.vrt)), asked.model)]
            print(row(f"{name}, VRT of {asked.vrt}", runs, asked.vrt**2), flush=True)


if __name__ == "__main__":
    main()
