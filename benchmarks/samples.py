"""Size on disk and samples a second: published npz files against the compact store, in one run.

    python benchmarks/samples.py CHIPS.tif [--samples 24] [--workers 2] [--rounds 3] [--repeat 3]

CHIPS.tif holds real HLS chips of 128 x 128 pixels, top to bottom: six bands (int16, reflectance x 10,000) and the
Fmask byte. Samples of 768 x 768 are laid of 36 chips each; their labels are Fmask's bits and the DSWx water tests.
The same samples are written as published files (plain and deflated; features of float32, float64 and int16, since
what the published files hold is not documented) and as a store. Then:

- read: worker processes read whole samples in shuffled order, as float32 reflectance and uint8 labels, and keep them
  to themselves. "bare" is numpy alone: six layers loaded, turned to float32 (6, h, w) and stacked, nothing checked.
  "cold" is read after the kernel was told to forget the files, as with a dataset larger than the memory.
- trained on: a DataLoader hands batches of 8 random crops of 512 x 512, turned and normalized, to the process that
  would train. On two cores that process competes with the workers.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
import warnings
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from torch.utils.data import DataLoader, Dataset

import hlsmask.samples
from hlsmask.granules.fmask import decode
from hlsmask.inference.spectral.water import MODERATE, NOT_WATER, diagnostic, wtr1
from hlsmask.samples import Augmentation, SampleDataset
from hlsmask.samples.sample import Record, Sample, reflectance
from hlsmask.samples.store import StoreWriter
from hlsmask.samples.store.layout import to_differences
from hlsmask.testing import write_published

CHIP, ACROSS = 128, 6
MASKS = ("water_mask", "cloud_mask", "cloudshadow_mask", "snowice_mask", "sun_mask")


def make_samples(chips: Path, count: int) -> list[Sample]:
    """Return samples of 768 x 768 laid of chips, which are used again, turned, where there are too few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        file = rasterio.open(chips)
    with file:
        layers = file.read([1, 2, 3, 4, 5, 6, 7])
    number = layers.shape[1] // CHIP
    squares = layers.reshape(7, number, CHIP, CHIP).transpose(1, 0, 2, 3)
    samples = []
    for at in range(count):
        picked = squares[np.arange(at * ACROSS**2, (at + 1) * ACROSS**2) % number]
        picked = np.rot90(picked, at * ACROSS**2 // number, axes=(2, 3))
        laid = picked.reshape(ACROSS, ACROSS, 7, CHIP, CHIP).transpose(2, 0, 3, 1, 4).reshape(7, 768, 768)
        bands, fmask = np.ascontiguousarray(laid[:6].astype(np.int16)), laid[6].astype(np.uint8)
        labels = decode(fmask)
        classes = wtr1(diagnostic(reflectance(bands)))
        labels[0] = (classes != NOT_WATER) & (classes <= MODERATE)
        labels[4] = 0
        samples.append(Sample.of(Record(f"b{at // 8:03d}/s{at:04d}", 768, split="train"), bands, labels, fmask))
    return samples


class Bare(Dataset):
    """Published files, read by numpy alone."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.rglob("s*.npy"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int):
        with np.load(self.files[index]) as archive:
            bands = archive["features"].transpose(2, 0, 1).astype(np.float32)
            return bands, np.stack([archive[name] for name in MASKS])


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def forget(folder: Path) -> None:
    """Tell the kernel to drop the files of a folder from memory."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Kept(Dataset):
    """Reads samples whole, and hands over how large they were."""

    def __init__(self, samples) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> int:
        bands, labels = self.samples[index]
        return bands.nbytes + labels.nbytes


def speed(samples, workers: int, rounds: int, batch: int | None = None) -> float:
    """Return items a second over some passes in shuffled order; the first pass, while workers start, is not counted."""
    loader = DataLoader(samples, batch_size=batch, shuffle=True, num_workers=workers, persistent_workers=True)
    for _ in loader:
        pass
    start = perf_counter()
    for _ in range(rounds):
        for _ in loader:
            pass
    return rounds * len(samples) / (perf_counter() - start)


def cold_speed(samples, folder: Path, workers: int, rounds: int) -> float:
    """Return the same, with the files forgotten before each pass, and workers started before the clock."""
    loader = DataLoader(samples, batch_size=None, shuffle=True, num_workers=workers, persistent_workers=True)
    for _ in loader:
        pass
    seconds = 0.0
    for _ in range(rounds):
        forget(folder)
        start = perf_counter()
        for _ in loader:
            pass
        seconds += perf_counter() - start
    return rounds * len(samples) / seconds


def read(contenders, count: int, options) -> None:
    """Print the table of sizes, and of whole samples that workers read."""
    warm = {name: [] for name in contenders}
    cold = {name: [] for name in contenders}
    for _ in range(options.repeat):
        for name, (samples, folder) in contenders.items():
            warm[name].append(speed(Kept(samples), options.workers, options.rounds))
            cold[name].append(cold_speed(Kept(samples), folder, options.workers, options.rounds))
    sizes = {name: size_of(folder) / count for name, (_, folder) in contenders.items()}
    ours = sizes["store"], median(warm["store"]), median(cold["store"])
    print("| files | MB a sample | store takes | read: samples/s | store is | cold: samples/s | store is |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, size in sizes.items():
        first, second = median(warm[name]), median(cold[name])
        print(
            f"| {name} | {size / 1e6:.2f} | {ours[0] / size:.2f} | {first:.1f} | {ours[1] / first:.1f} x | "
            f"{second:.1f} | {ours[2] / second:.1f} x |"
        )


def trained_on(contenders, options) -> None:
    """Print the table of crops that reach the process that trains."""
    augmentation = Augmentation()
    sets = {
        name: SampleDataset(samples, size=512, augmentation=augmentation, seed=0)
        for name, samples in contenders.items()
    }
    speeds = {name: [] for name in sets}
    for _ in range(options.repeat):
        for name, dataset in sets.items():
            speeds[name].append(speed(dataset, options.workers, options.rounds, batch=8))
    ours = median(speeds["store"])
    print("\n| files | trained on: crops/s | store is |\n| --- | ---: | ---: |")
    for name, found in speeds.items():
        print(f"| {name} | {median(found):.1f} | {ours / median(found):.1f} x |")


class ByBand:
    """Packs chunks (6, 256, 256) by an image codec, a band at a time."""

    def __init__(self, encode, decode) -> None:
        self.pack, self.unpack = encode, decode

    def encode(self, chunk):  # noqa: D102 - as numcodecs has it
        return b"".join(self.pack((band.astype(np.int32) + 10_000).astype(np.uint16)) for band in chunk)


def image_codecs() -> dict:
    """Return lossless image codecs, where the package imagecodecs is installed (it is nobody's dependency)."""
    try:
        import imagecodecs
    except ModuleNotFoundError:
        return {}

    def jpegxl(band):
        return imagecodecs.jpegxl_encode(band, lossless=True, effort=3)

    return {
        "JPEG-LS": ByBand(imagecodecs.jpegls_encode, imagecodecs.jpegls_decode),
        "JPEG XL, effort 3": ByBand(jpegxl, imagecodecs.jpegxl_decode),
    }


def codecs(samples: list[Sample]) -> None:
    """Print what other ways to compress the bands would give, chunk by chunk of 256 x 256, in one thread."""
    from numcodecs import Blosc, PCodec
    from numcodecs.blosc import set_nthreads

    set_nthreads(1)
    ways = {
        "blosc lz4 5, bitshuffle": (Blosc("lz4", 5, Blosc.BITSHUFFLE), False),
        "blosc zstd 3, bitshuffle": (Blosc("zstd", 3, Blosc.BITSHUFFLE), False),
        "blosc zstd 9, shuffle": (Blosc("zstd", 9, Blosc.SHUFFLE), False),
        "blosc zstd 3, bitshuffle, of band differences": (Blosc("zstd", 3, Blosc.BITSHUFFLE), True),
        "pcodec 8": (PCodec(level=8), False),
        "pcodec 8 of band differences": (PCodec(level=8), True),
        "pcodec 12 of band differences": (PCodec(level=12), True),
    } | {name: (codec, False) for name, codec in image_codecs().items()}
    print("\n| bands kept by | MB a sample | written in ms | read in ms |\n| --- | ---: | ---: | ---: |")
    for name, (codec, differences) in ways.items():
        size = written = read = 0.0
        for sample in samples[:6]:
            bands = to_differences(sample.bands) if differences else sample.bands
            parts = [
                np.ascontiguousarray(bands[:, row : row + 256, col : col + 256])
                for row in range(0, 768, 256)
                for col in range(0, 768, 256)
            ]
            start = perf_counter()
            packed = [codec.encode(part) for part in parts]
            written += perf_counter() - start
            size += sum(len(part) for part in packed)
            if isinstance(codec, ByBand):
                packed = [codec.pack((band.astype(np.int32) + 10_000).astype(np.uint16)) for p in parts for band in p]
            start = perf_counter()
            for part in packed:
                codec.unpack(part) if isinstance(codec, ByBand) else codec.decode(part)
            read += perf_counter() - start
        count = len(samples[:6])
        print(f"| {name} | {size / count / 1e6:.2f} | {1e3 * written / count:.0f} | {1e3 * read / count:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chips", type=Path)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="passes over the samples that are timed together")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each contender, of which the median counts")
    parser.add_argument("--codecs", action="store_true", help="print the table of codecs alone")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    options = parser.parse_args()
    samples = make_samples(options.chips, options.samples)
    if options.codecs:
        codecs(samples)
        return
    home = Path(tempfile.mkdtemp(dir=options.folder, prefix="samples-"))
    try:
        folders = {}
        for dtype in ("float32", "float64", "int16"):
            for compressed in (False, True):
                kind = f"savez{'_compressed' if compressed else ''}, {dtype}"
                folders[kind] = write_published(home / kind, samples, dtype=dtype, compressed=compressed)
        with StoreWriter(home / "store") as writer:
            for sample in samples:
                writer.append(sample)
        folders["store"] = home / "store"
        contenders = {f"{kind}, bare": (Bare(folder), folder) for kind, folder in folders.items() if kind != "store"}
        contenders |= {kind: (hlsmask.samples.open(folder, "train"), folder) for kind, folder in folders.items()}
        cpu = platform.processor() or platform.machine()
        print(f"{len(samples)} samples of 768 x 768, {options.workers} workers, {os.cpu_count()} cores, {cpu}\n")
        read(contenders, len(samples), options)
        trained_on({kind: samples for kind, (samples, _) in contenders.items() if "bare" not in kind}, options)
        codecs(samples)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
