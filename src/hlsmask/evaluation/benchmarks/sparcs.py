"""SPARCS: 80 pieces of Landsat 8 scenes, every pixel of which was labelled.

Verified on public pages: the files of a piece (`_data.tif` with ten bands of Level-1 numbers, `_labels.tif`,
`_mtl.txt` of the whole scene) and the seven classes, in `readme.txt` of the authors' `sparcs_data_L8.zip`
(http://emapr.ceoas.oregonstate.edu/sparcs). Assumed, from public code that reads them: the ten bands are 1 to 7, 9,
10 and 11; the copy of the USGS, `l8cloudmasks.zip`, calls the labels `_mask.png`, with the same classes in a palette.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from hlsmask.bands import Sensor
from hlsmask.errors import DatasetError, SampleError
from hlsmask.evaluation.benchmarks.benchmark import Benchmark, no_split
from hlsmask.evaluation.benchmarks.codes import to_labels
from hlsmask.evaluation.benchmarks.handmade import HandmadeSamples, opened, read, square
from hlsmask.evaluation.benchmarks.landsat import NUMBERS, Calibration
from hlsmask.masks import ABSENT, PRESENT, Mask
from hlsmask.samples.sample import Record

if TYPE_CHECKING:
    from hlsmask.evaluation.benchmarks.handmade import Pixels
    from hlsmask.windows import Window

_IMAGE: Final = "_data.tif"
_LABELS: Final = ("_labels.tif", "_labels.png", "_mask.png")
_METADATA: Final = ("_mtl.txt", "_MTL.txt")

_NO_CLOUD: Final = {Mask.CLOUD: ABSENT, Mask.CLOUD_SHADOW: ABSENT}

CLASSES: Final = {
    0: {Mask.WATER: ABSENT, Mask.CLOUD: ABSENT, Mask.CLOUD_SHADOW: PRESENT},
    1: {Mask.WATER: PRESENT, Mask.CLOUD: ABSENT, Mask.CLOUD_SHADOW: PRESENT, Mask.SNOW_ICE: ABSENT},
    2: {Mask.WATER: PRESENT, **_NO_CLOUD, Mask.SNOW_ICE: ABSENT},
    3: {Mask.WATER: ABSENT, **_NO_CLOUD, Mask.SNOW_ICE: PRESENT},
    4: {Mask.WATER: ABSENT, **_NO_CLOUD, Mask.SNOW_ICE: ABSENT},
    5: {Mask.CLOUD: PRESENT, Mask.CLOUD_SHADOW: ABSENT},
    6: {**_NO_CLOUD, Mask.SNOW_ICE: ABSENT},
}
"""0 shadow, 1 shadow over water, 2 water, 3 ice and snow, 4 land, 5 cloud, 6 flooded.

A pixel has one class. Cloud and cloud shadow are judged everywhere, as all who publish figures do: a pixel of another
class is neither. What lies under cloud is not known, so water and snow are 255 there; snow is 255 in shadow on land
too. Flooded land is neither land nor open water: water is 255.
"""


class SparcsSamples(HandmadeSamples):
    """The pieces in a folder, in the order of their names."""

    def __init__(self, path: Path) -> None:
        """Look for pieces in the folder `path` and below.

        Raises
        ------
        DatasetError
            If there are none.
        """
        self.path = path
        self.stems = tuple(sorted(str(file)[: -len(_IMAGE)] for file in path.rglob(f"LC8*{_IMAGE}")))
        if not self.stems:
            raise DatasetError(f"{path} holds no piece of SPARCS: no file called LC8...{_IMAGE}, there or below")
        self._known: dict[int, tuple[Record, Calibration]] = {}

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return len(self.stems)

    def record(self, index: int) -> Record:
        """Return what is known of a piece but its pixels."""
        return self._scene(index)[0]

    def pixels(self, index: int, window: Window) -> Pixels:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a window."""
        record, calibration = self._scene(index)
        shape, labels = (record.size, record.size), self._beside(index, _LABELS)
        numbers = read(self.stems[index] + _IMAGE, NUMBERS, window, shape)
        codes = read(labels, (1,), window, shape)[0]
        return calibration.integers(numbers), to_labels(codes, CLASSES, str(labels))

    def _scene(self, index: int) -> tuple[Record, Calibration]:
        if index not in self._known:
            stem = Path(self.stems[index])
            calibration = Calibration.read(self._beside(index, _METADATA))
            with opened(f"{stem}{_IMAGE}") as layer:
                size = square(f"{stem}{_IMAGE}", layer)
            record = Record(stem.name, size, sensor=Sensor.L30, platform="L8", time=calibration.time)
            self._known[index] = record, calibration
        return self._known[index]

    def _beside(self, index: int, endings: tuple[str, ...]) -> Path:
        """Return the file of a piece that has one of these endings."""
        for ending in endings:
            if (found := Path(self.stems[index] + ending)).is_file():
                return found
        raise SampleError(
            f"{self.stems[index]}{_IMAGE} has no file beside it that ends in {' or '.join(endings)}; "
            "unpack all of SPARCS"
        )


def open_folder(folder: Path, split: str | None) -> Benchmark:
    """Open SPARCS in `folder`; it has no splits.

    Raises
    ------
    UsageError
        If a split is asked for.
    DatasetError
        If the folder holds no SPARCS.
    """
    no_split("sparcs", split)
    samples = SparcsSamples(folder)
    return Benchmark(
        name="sparcs",
        title="SPARCS (Landsat 8)",
        samples=samples,
        masks=(Mask.WATER, Mask.CLOUD, Mask.CLOUD_SHADOW, Mask.SNOW_ICE),
        protocol=(
            f"All pieces that are there ({len(samples)} of 80), 1000 x 1000 pixels at 30 m; there are no splits. Cloud "
            "shadow is shadow on land and over water; water is water and shadow over water. 255: water and snow under "
            "cloud, snow in shadow on land, water where flooded, terrain shadow. Reflectance is that at the top of the "
            "atmosphere; HLS has that at the surface."
        ),
        source=(
            "Hughes and Kennedy 2019, High-Quality Cloud Masking of Landsat 8 Imagery Using Convolutional Neural "
            "Networks, Remote Sensing 11(21), 2591, doi:10.3390/rs11212591; the authors ask to be cited, and name no "
            "licence"
        ),
    )
