"""L8 Biome: 96 whole Landsat 8 scenes of eight biomes, with cloud, thin cloud and, in part of them, cloud shadow.

Verified on public pages: what a scene consists of (band files, `MTL.txt`, manual mask in `.img`, ENVI), on the page of
the USGS (https://www.usgs.gov/landsat-missions/landsat-8-cloud-cover-assessment-validation-data); the one-file form of
TorchGeo's copy (https://huggingface.co/datasets/torchgeo/l8biome), its eleven bands and the values of the mask, in the
documentation and code of `torchgeo.datasets.L8Biome`. Assumed: that this copy has `_MTL.txt` beside each scene, as its
documentation says; that a scene whose mask has no shadow at all was not looked through for shadow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.bands import BANDS, HLS_FILL, Sensor
from hlsmask.errors import DatasetError, SampleError
from hlsmask.evaluation.benchmarks.benchmark import Benchmark, no_split
from hlsmask.evaluation.benchmarks.codes import to_labels
from hlsmask.evaluation.benchmarks.handmade import HandmadeSamples, opened, read
from hlsmask.evaluation.benchmarks.landsat import NUMBERS, Calibration
from hlsmask.granules.features import parse_time
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, Mask
from hlsmask.samples.sample import Record
from hlsmask.windows import Tiling, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.evaluation.benchmarks.handmade import Pixels

TILE: Final = 1024
"""Rows and columns that a scene is cut into."""

SHADOW: Final = 64
"""Class of cloud shadow."""

CLASSES: Final = {
    0: {},
    SHADOW: {Mask.CLOUD: ABSENT, Mask.CLOUD_SHADOW: PRESENT},
    128: {Mask.CLOUD: ABSENT, Mask.CLOUD_SHADOW: ABSENT},
    192: {Mask.CLOUD: PRESENT, Mask.CLOUD_SHADOW: ABSENT},
    255: {Mask.CLOUD: PRESENT, Mask.CLOUD_SHADOW: ABSENT},
}
"""0 fill, 64 cloud shadow, 128 clear, 192 thin cloud, 255 cloud. Both clouds are cloud, as those who publish figures
have it; where a scene has no 64, nobody labelled shadow in it, and all of that mask is 255."""

_STRIP: Final = 512
"""Rows of a mask that are looked through at once."""

_SCENE: Final = re.compile(r"(LC8\d{6}(\d{7})[A-Z]{3}\d{2})(_B2)?\.tif", re.IGNORECASE)
"""Name of a scene in one file, or of its second band: path, row, date, station, version."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a scene lies, and how it is cut."""

    stem: str
    """Path of its files, up to where their names begin to differ."""

    suffix: str
    """`.TIF` or `.tif`."""

    together: bool
    """Whether all bands are in one file."""

    day: str
    """Year and day of the year, such as `2013220`."""

    tiling: Tiling
    """Its tiles, which do not overlap."""

    @property
    def name(self) -> str:
        """Such as `LC80420082013220LGN00`."""
        return Path(self.stem).name

    @property
    def mask(self) -> Path:
        """The labels: `_fixedmask.img`, or the same as GeoTIFF."""
        return self.beside("_fixedmask.img", "_fixedmask.TIF", "_fixedmask.tif")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.tiling.shape

    def beside(self, *endings: str) -> Path:
        """Return the file of the scene that has one of these endings.

        Raises
        ------
        SampleError
            If there is none.
        """
        for ending in endings:
            if (found := Path(self.stem + ending)).is_file():
                return found
        raise SampleError(f"{self.stem} has no file that ends in {' or '.join(endings)}; unpack all of L8 Biome")

    def numbers(self, window: Window) -> NDArray[Any]:
        """Return the six bands of a window as they are stored, shape (6, h, w)."""
        if self.together:
            return read(f"{self.stem}{self.suffix}", NUMBERS, window, self.shape)
        return np.concatenate(
            [read(f"{self.stem}_B{number}{self.suffix}", (1,), window, self.shape) for number in NUMBERS]
        )


class L8BiomeSamples(HandmadeSamples):
    """The tiles of all scenes in a folder, scene by scene; no more than a tile is ever in memory."""

    def __init__(self, path: Path, size: int = TILE) -> None:
        """Look for scenes in the folder `path` and below, and cut them into squares of `size`.

        Raises
        ------
        DatasetError
            If there are none.
        """
        self.path = path
        files = ((file, found) for file in sorted(path.rglob("LC8*")) if (found := _SCENE.fullmatch(file.name)))
        scenes = {
            file.with_name(found[1]): Scene(
                str(file.with_name(found[1])), file.suffix, found[3] is None, found[2], _cut(file, size)
            )
            for file, found in files
        }
        self.scenes = tuple(scenes.values())
        if not self.scenes:
            raise DatasetError(
                f"{path} holds no scene of L8 Biome: no file called LC8..._B2.TIF or LC8....TIF, there or below"
            )
        self.edge = size
        self._ends = np.cumsum([len(scene.tiling) for scene in self.scenes])
        self._known: dict[str, Calibration] = {}
        self._shadowed: dict[str, bool] = {}

    def __len__(self) -> int:
        """Return how many tiles there are."""
        return int(self._ends[-1])

    def size(self, index: int) -> int:
        """Return rows and columns of a tile."""
        del index
        return self.edge

    def record(self, index: int) -> Record:
        """Return what is known of a tile but its pixels."""
        scene, cell = self._place(index)
        return Record(
            f"{scene.name}/{cell.row}_{cell.col}",
            self.edge,
            sensor=Sensor.L30,
            platform="L8",
            time=self._calibration(scene).time or parse_time(scene.day),
            row=cell.row,
            col=cell.col,
        )

    def pixels(self, index: int, window: Window) -> Pixels:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a window; fill beyond the edge of the scene."""
        scene, cell = self._place(index)
        wanted = Window(cell.row + window.row, cell.col + window.col, *window.shape)
        real = wanted & cell
        bands = np.full((len(BANDS), *window.shape), HLS_FILL, np.int16)
        labels = np.full((len(Mask), *window.shape), NOT_OBSERVED, np.uint8)
        if 0 in real.shape:
            return bands, labels
        rows, columns = real.within(wanted)
        bands[:, rows, columns] = self._calibration(scene).integers(scene.numbers(real))
        mask = scene.mask
        labels[:, rows, columns] = to_labels(read(mask, (1,), real, scene.shape)[0], CLASSES, str(mask))
        if not self._has_shadow(scene):
            labels[list(Mask).index(Mask.CLOUD_SHADOW)] = NOT_OBSERVED
        return bands, labels

    def _place(self, index: int) -> tuple[Scene, Window]:
        at = int(np.searchsorted(self._ends, index, side="right"))
        scene = self.scenes[at]
        return scene, scene.tiling[index - int(self._ends[at])].keep  # counted from the scene's last tile

    def _calibration(self, scene: Scene) -> Calibration:
        if scene.stem not in self._known:
            self._known[scene.stem] = Calibration.read(scene.beside("_MTL.txt", "_mtl.txt"))
        return self._known[scene.stem]

    def _has_shadow(self, scene: Scene) -> bool:
        """Say whether shadow was labelled anywhere in a scene; its mask is looked through once, strip by strip."""
        if scene.stem not in self._shadowed:
            rows, columns = scene.shape
            with opened(scene.mask) as layer:
                self._shadowed[scene.stem] = any(
                    bool((layer.read((1,), Window(row, 0, min(_STRIP, rows - row), columns)) == SHADOW).any())
                    for row in range(0, rows, _STRIP)
                )
        return self._shadowed[scene.stem]


def _cut(image: Path, size: int) -> Tiling:
    """Return how a scene is cut; one that cannot be opened has one tile, which says why when it is read."""
    try:
        with opened(image) as layer:
            return Tiling(tuple(layer.dataset.shape), size)
    except SampleError:
        return Tiling((1, 1), size)


def open_folder(folder: Path, split: str | None) -> Benchmark:
    """Open L8 Biome in `folder`; it has no splits.

    Raises
    ------
    UsageError
        If a split is asked for.
    DatasetError
        If the folder holds no L8 Biome.
    """
    no_split("l8biome", split)
    samples = L8BiomeSamples(folder)
    return Benchmark(
        name="l8biome",
        title="L8 Biome (Landsat 8)",
        samples=samples,
        masks=(Mask.CLOUD, Mask.CLOUD_SHADOW),
        protocol=(
            f"All scenes that are there ({len(samples.scenes)} of 96), whole, at 30 m, in tiles of {TILE} x {TILE} "
            "pixels that do not overlap; there are no splits. Cloud is cloud and thin cloud. 255: fill; cloud shadow "
            "in scenes whose mask has none at all (only part of the scenes were labelled for it); water, snow and "
            "terrain shadow, which nobody labelled. Reflectance is that at the top of the atmosphere; HLS has that at "
            "the surface."
        ),
        source=(
            "U.S. Geological Survey 2016, L8 Biome Cloud Validation Masks, doi:10.5066/F7251GDH; Foga et al. 2017, "
            "doi:10.1016/j.rse.2017.03.026; CC0 1.0, as TorchGeo's copy says"
        ),
    )
