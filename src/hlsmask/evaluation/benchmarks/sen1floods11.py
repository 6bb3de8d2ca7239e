"""Sen1Floods11: 446 Sentinel-2 chips of eleven floods, in which people labelled the water.

Verified on public pages: folders, bands and their order, scale and labels, in `README.md` and `docs/README.md` of
https://github.com/cloudtostreet/Sen1Floods11. Assumed, from public code that reads them: the lists
`flood_<split>_data.csv` have no header and name `<chip>_S1Hand.tif,<chip>_LabelHand.tif` in each line; that of
Sentinel-2 is called `<chip>_S2Hand.tif`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hlsmask.bands import Sensor
from hlsmask.errors import DatasetError, first_line
from hlsmask.evaluation.benchmarks.benchmark import Benchmark, one_split
from hlsmask.evaluation.benchmarks.codes import to_labels
from hlsmask.evaluation.benchmarks.handmade import MSI, HandmadeSamples, opened, read, square, top_of_atmosphere
from hlsmask.masks import ABSENT, PRESENT, Mask
from hlsmask.samples.building.grids import crs_name
from hlsmask.samples.sample import SPLITS as KNOWN
from hlsmask.samples.sample import Record

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.evaluation.benchmarks.handmade import Pixels
    from hlsmask.windows import Window

SPLITS: Final = {"train": (), "val": ("valid", "validation"), "test": (), "bolivia": ()}
"""The official splits, and what else they are called; `bolivia` is a flood that no other split holds."""

CLASSES: Final = {-1: {}, 0: {Mask.WATER: ABSENT}, 1: {Mask.WATER: PRESENT}}
"""-1 no data, 0 no water, 1 water."""

_LISTS: Final = "splits/flood_handlabeled"
_CHIPS: Final = "data/flood_events/HandLabeled"
_LINE: Final = re.compile(r'(?:^|[,"\s])([\w-]+)_LabelHand\.tif"?\s*$')
"""A chip's name is no path, so that no list leads out of the folder."""


class Sen1Floods11Samples(HandmadeSamples):
    """The chips of one split, in the order of its list."""

    def __init__(self, path: Path, split: str, asked: str | None = None) -> None:
        """Read the list of `split`, which was `asked` for by another name perhaps, in the folder `path`.

        Raises
        ------
        DatasetError
            If it is not there, or names no chips.
        """
        self.path = path
        self.split = split
        file = path / _LISTS / f"flood_{'valid' if split == 'val' else split}_data.csv"
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise DatasetError(
                f"{path} has no list of the split {asked or split}: download v1.1/{_LISTS} into it"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"{file}, the list of the split {split}, cannot be read: {first_line(error)}") from error
        found = [_LINE.search(line) for line in lines if line.strip()]
        self.chips = tuple(each[1] for each in found if each)
        if not self.chips or len(self.chips) < len(found):
            raise DatasetError(f"{file} is no list of chips: each line must end in ,<chip>_LabelHand.tif")
        self._known: dict[int, Record] = {}

    def __len__(self) -> int:
        """Return how many chips there are."""
        return len(self.chips)

    def record(self, index: int) -> Record:
        """Return what is known of a chip but its pixels."""
        if index not in self._known:
            self._known[index] = self._record(index)
        return self._known[index]

    def _record(self, index: int) -> Record:
        labels = self._file(index, "Label")
        with opened(labels) as layer:
            size, geobox = square(labels, layer), layer.geobox
        known = geobox.crs is not None
        lon, lat = geobox.extent.to_crs("EPSG:4326").centroid.coords[0] if known else (None, None)
        return Record(
            self.chips[index],
            size,
            split=self.split if self.split in KNOWN else "",
            sensor=Sensor.S30,
            crs=crs_name(geobox),
            left=geobox.transform.c if known else None,
            top=geobox.transform.f if known else None,
            lon=lon,
            lat=lat,
        )

    def pixels(self, index: int, window: Window) -> Pixels:
        """Return HLS integers (6, h, w) and labels (5, h, w) of a window."""
        labels, size = self._file(index, "Label"), self.size(index)
        numbers = read(self._file(index, "S2"), MSI, window, (size, size))
        codes = read(labels, (1,), window, (size, size))[0]
        return top_of_atmosphere(numbers), to_labels(codes, CLASSES, str(labels))

    def _file(self, index: int, kind: str) -> Path:
        return self.path / _CHIPS / f"{kind}Hand" / f"{self.chips[index]}_{kind}Hand.tif"


def open_folder(folder: Path, split: str | None) -> Benchmark:
    """Open Sen1Floods11 in `folder`, or in its folder `v1.1`: `train`, `val`, `test` (by default) or `bolivia`.

    Raises
    ------
    UsageError
        If there is no such split.
    DatasetError
        If the folder does not hold it.
    """
    wanted = one_split("sen1floods11", split, SPLITS)
    homes = (folder, folder / "v1.1")
    home = next((each for each in homes if (each / _CHIPS).is_dir()), None)
    if home is None:
        raise DatasetError(f"{folder} does not hold Sen1Floods11: it needs the folders {_CHIPS} and {_LISTS} of v1.1")
    return Benchmark(
        name="sen1floods11",
        title="Sen1Floods11 (Sentinel-2)",
        samples=Sen1Floods11Samples(home, wanted, split),
        masks=(Mask.WATER,),
        protocol=(
            f"The official split {wanted} of the chips labelled by hand, 512 x 512 pixels at 10 m, three times finer "
            "than HLS. Water is the one class. 255: no data; cloud, cloud shadow, snow and terrain shadow, which "
            "nobody labelled. Reflectance is Level-1C, at the top of the atmosphere; HLS has that at the surface."
        ),
        source=(
            "Bonafilia et al. 2020, Sen1Floods11, CVPR Workshops, pp. 210-211; "
            "https://github.com/cloudtostreet/Sen1Floods11, which names no licence of the data on its front page"
        ),
    )
