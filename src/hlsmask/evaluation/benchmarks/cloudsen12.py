"""CloudSEN12 and CloudSEN12+: Sentinel-2 patches of 5 km in which experts labelled thick cloud, thin cloud and shadow.

Two forms are read. CloudSEN12+, `cloudsen12-l1c.NNNN.part.taco`; verified: the files, padding and scale on the page of
the data set (https://huggingface.co/datasets/tacofoundation/cloudsen12), the container in the code of `tacoreader.v1`,
the classes in table 3 of doi:10.1038/s41597-022-01878-2; assumed, from public code that reads it: the columns
`label_type`, `real_proj_shape` and `tortilla:data_split`, the image first and the label second in a sample, 99 where
there is no label. CloudSEN12 of 2022, `<split>/L1C_B2.dat` and so on, raw numbers of (patches, 512, 512); verified:
names, types and classes on its page (https://huggingface.co/datasets/csaybar/CloudSEN12-high).
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.bands import HLS_FILL, Sensor
from hlsmask.errors import DatasetError, SampleError
from hlsmask.evaluation.benchmarks.benchmark import Benchmark, one_split
from hlsmask.evaluation.benchmarks.codes import to_labels
from hlsmask.evaluation.benchmarks.handmade import MSI, HandmadeSamples, read, top_of_atmosphere
from hlsmask.evaluation.benchmarks.tortilla import ID, OFFSET, address, table
from hlsmask.masks import ABSENT, PRESENT, Mask
from hlsmask.samples.sample import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.evaluation.benchmarks.handmade import Pixels
    from hlsmask.windows import Window

SPLITS: Final = {"train": (), "val": ("validation", "valid"), "test": ()}
"""The official splits, and what else they are called."""

UNLABELLED: Final = 99
"""Class of a pixel without a label."""

CLASSES: Final = {
    0: {Mask.CLOUD: ABSENT, Mask.CLOUD_SHADOW: ABSENT},
    1: {Mask.CLOUD: PRESENT, Mask.CLOUD_SHADOW: ABSENT},
    2: {Mask.CLOUD: PRESENT, Mask.CLOUD_SHADOW: ABSENT},
    3: {Mask.CLOUD: ABSENT, Mask.CLOUD_SHADOW: PRESENT},
    UNLABELLED: {},
}
"""0 clear, 1 thick cloud, 2 thin cloud, 3 cloud shadow. Both clouds are cloud."""

SIDE: Final = 512
"""Rows and columns of a patch: 509, and zeros."""

_REAL: Final = 509
_PARTS: Final = "cloudsen12-l1c*.taco"
_LABELS: Final = "LABEL_manual_hq.dat"
_BANDS: Final = ("L1C_B2.dat", "L1C_B3.dat", "L1C_B4.dat", "L1C_B8A.dat", "L1C_B11.dat", "L1C_B12.dat")
_CHOSEN: Final = ("label_type", "real_proj_shape", "tortilla:data_split")
_TOLD: Final = ("s2_id", "stac:time_start", "stac:centroid")


class TacoSamples(HandmadeSamples):
    """Patches of CloudSEN12+ of one split: those of 509 x 509 pixels with labels of the kind `high`."""

    def __init__(self, path: Path, parts: Sequence[Path], split: str) -> None:
        """Find the patches of `split` in the files `parts` of the folder `path`.

        Raises
        ------
        DatasetError
            If a file cannot be read, or there are no such patches.
        MissingPackageError
            If pyarrow is not installed.
        """
        self.path = path
        self.split = split
        self.rows: list[tuple[Path, dict[str, Any]]] = []
        for part in parts:
            self.rows += [
                (part, row)
                for row in table(part, (ID, *_CHOSEN), _TOLD)
                if row["label_type"] == "high"
                and row["real_proj_shape"] == _REAL
                and row["tortilla:data_split"] in (split, *SPLITS[split])
            ]
        if not self.rows:
            raise DatasetError(
                f"{path} has no patches of {_REAL} x {_REAL} pixels with labels of high quality in the split {split}; "
                "download all parts of cloudsen12-l1c"
            )

    def __len__(self) -> int:
        """Return how many patches there are."""
        return len(self.rows)

    def record(self, index: int) -> Record:
        """Return what is known of a patch but its pixels."""
        row = self.rows[index][1]
        tile = re.search(r"_T(\d{2}[A-Z]{3})", str(row.get("s2_id")))
        place = re.fullmatch(r"POINT ?\((-?[\d.]+) (-?[\d.]+)\)", str(row.get("stac:centroid")))
        return Record(
            str(row[ID]),
            SIDE,
            split=self.split,
            sensor=Sensor.S30,
            tile=tile[1] if tile else "",
            time=_time(row.get("stac:time_start")),
            lon=float(place[1]) if place else None,
            lat=float(place[2]) if place else None,
        )

    def pixels(self, index: int, window: Window) -> Pixels:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a window."""
        part, row = self.rows[index]
        files = table(part, (), start=row[OFFSET])
        if len(files) < 2:  # noqa: PLR2004 - image and labels
            raise SampleError(f"{row[ID]} in {part} holds {len(files)} files; use an image and its labels")
        image, labels = (address(part, file) for file in files[:2])
        bands = top_of_atmosphere(read(image, MSI, window, (SIDE, SIDE)))
        return _judged(bands, read(labels, (1,), window, (SIDE, SIDE))[0], f"{row[ID]} in {part}")


class MemmapSamples(HandmadeSamples):
    """Patches of CloudSEN12 of 2022 of one split; of each file only the pages that hold a patch are read."""

    def __init__(self, path: Path, split: str) -> None:
        """Find the files of `split` in the folder `path`.

        Raises
        ------
        DatasetError
            If one is missing, or they do not hold the same patches.
        """
        self.path = path
        self.split = split
        folder = path / split
        counts = {}
        for name in (_LABELS, *_BANDS):
            try:
                length = (folder / name).stat().st_size
            except OSError as error:
                raise DatasetError(f"{folder} lacks {name}, which CloudSEN12-high has for every split") from error
            width = 1 if name == _LABELS else 2
            counts[name], rest = divmod(length, SIDE * SIDE * width)
            if rest or not length:
                raise DatasetError(f"{folder / name} holds {length} bytes, which are no patches of {SIDE} x {SIDE}")
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise DatasetError(f"{folder} holds files of different numbers of patches ({told}); download them again")
        self._count = counts[_LABELS]

    def __len__(self) -> int:
        """Return how many patches there are."""
        return self._count

    def record(self, index: int) -> Record:
        """Return what is known of a patch but its pixels: not more than its number."""
        return Record(f"{self.split}/{index:05d}", SIDE, split=self.split, sensor=Sensor.S30)

    def pixels(self, index: int, window: Window) -> Pixels:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a window."""
        numbers = np.stack([self._plane(name, "<i2", index, window) for name in _BANDS])
        codes = self._plane(_LABELS, "i1", index, window)
        return _judged(top_of_atmosphere(numbers), codes, f"patch {index} of {self.path / self.split / _LABELS}")

    def _plane(self, name: str, dtype: str, index: int, window: Window) -> NDArray[Any]:
        file = self.path / self.split / name
        try:
            stored = np.memmap(file, dtype, "r", shape=(self._count, SIDE, SIDE))
        except (OSError, ValueError) as error:
            raise SampleError(f"{file} cannot be read, or is shorter than when it was opened") from error
        return np.array(stored[index][window.slices])


def _time(seconds: object) -> datetime | None:
    """Return the time that is meant by seconds since 1970; None where they are not known."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _judged(bands: NDArray[np.int16], codes: NDArray[Any], name: str) -> Pixels:
    """Return bands and labels; what has no label is no image either, but the edge that fills a patch up."""
    np.copyto(bands, np.int16(HLS_FILL), where=codes == UNLABELLED)
    return bands, to_labels(codes, CLASSES, name)


def open_folder(folder: Path, split: str | None) -> Benchmark:
    """Open CloudSEN12+ or CloudSEN12 in `folder`: its split `train`, `val` or `test` (by default).

    Raises
    ------
    UsageError
        If there is no such split.
    DatasetError
        If the folder holds neither, or the split is not there.
    MissingPackageError
        If it is CloudSEN12+, and pyarrow is not installed.
    """
    wanted = one_split("cloudsen12", split, SPLITS)
    plus = sorted(folder.rglob(_PARTS))
    if not plus and not any((folder / each / _LABELS).is_file() for each in SPLITS):
        raise DatasetError(
            f"{folder} holds neither CloudSEN12+ (files {_PARTS}) nor CloudSEN12-high (folders train, val and test "
            f"with {_LABELS})"
        )
    about: Mapping[str, str] = _PLUS if plus else _FIRST
    return Benchmark(
        name="cloudsen12",
        samples=TacoSamples(folder, plus, wanted) if plus else MemmapSamples(folder, wanted),
        masks=(Mask.CLOUD, Mask.CLOUD_SHADOW),
        protocol=(
            f"The official split {wanted}, patches of 509 x 509 pixels with labels of high quality, at 10 m, three "
            "times finer than HLS. Cloud is thick and thin cloud. 255: the zeros that fill a patch up to 512 x 512; "
            "water, snow and terrain shadow, which nobody labelled. Reflectance is Level-1C, at the top of the "
            "atmosphere; HLS has that at the surface."
        ),
        **about,
    )


_PLUS: Final = {
    "title": "CloudSEN12+ (Sentinel-2)",
    "source": "Aybar et al. 2024, CloudSEN12+, Data in Brief, doi:10.1016/j.dib.2024.110852; CC0 1.0",
}
_FIRST: Final = {
    "title": "CloudSEN12 (Sentinel-2)",
    "source": "Aybar et al. 2022, CloudSEN12, Scientific Data 9, 782, doi:10.1038/s41597-022-01878-2; CC BY-NC 4.0",
}
