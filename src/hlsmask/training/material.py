"""What a run learns from and is validated on, opened as its options say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hlsmask.errors import DatasetError, SampleError, UsageError
from hlsmask.samples.augment import Augmentation
from hlsmask.samples.crops import PUBLISHED_SIZE
from hlsmask.samples.dataset import SampleDataset
from hlsmask.samples.lists import Lists, lists_in
from hlsmask.samples.opening import open_samples
from hlsmask.samples.simulate import SimulatedSamples, Simulation
from hlsmask.samples.simulate.parameters import read_parameters
from hlsmask.samples.store.reading import StoreSamples, is_store
from hlsmask.training.mixture import Mixture, Simulated, Stored
from hlsmask.windows import round_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hlsmask.card import Card
    from hlsmask.samples.crops import Crop
    from hlsmask.samples.sequence import Samples
    from hlsmask.training.mixture import Source
    from hlsmask.training.options import Data

SIMULATED: Final = 1000
"""Samples of an epoch where all are simulated."""

SIMULATED_SIZE: Final = 256
"""Rows and columns of a sample where all are simulated."""

AUGMENTATIONS: Final[Mapping[str, Augmentation | None]] = {
    "turns": Augmentation(),
    "published": Augmentation.published(),
    "strong": Augmentation(gain=0.1, noise=0.02),
    "none": None,
}
"""What `--augment` can be."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a run learns from and is validated on."""

    train: Mixture
    """Items of training, others in each epoch."""

    val: Mixture
    """Items of validation, always the same."""

    size: int
    """Rows and columns of an item."""

    hashes: Mapping[str, str]
    """SHA-256 of what each place holds, by its path: of a store its content, of published samples the names and sizes
    of their files, of simulated ones that of their backgrounds and all parameters."""

    terrain_shadow: str
    """What terrain shadow means in the labels: `shad`, `shad+cast`, or both, joined by a comma."""

    datasets: tuple[SampleDataset, ...]
    """Those that read from disk: they know what was broken."""

    notes: tuple[str, ...] = ()
    """What whoever trains should know, a sentence each."""

    @property
    def broken(self) -> int:
        """Samples that could not be read so far."""
        return sum(len(dataset.broken) for dataset in self.datasets)


def open_material(data: Data, card: Card, *, later: bool = False) -> Material:
    """Open what `data` names, for a network with this card.

    With `later`, what is simulated is left to the device that learns, where nothing else is learned from.

    Raises
    ------
    DatasetError
        If a folder holds no samples, or has nothing to train on or to validate on.
    UsageError
        If size and network do not fit.
    """
    return _Opening(data, card, later=later).material()


class _Opening:
    """One opening: what is found on the way is needed again."""

    def __init__(self, data: Data, card: Card, *, later: bool) -> None:
        self.data, self.card = data, card
        self.later = later and not data.data_dir
        self.held = [open_samples(path, "train", missing=data.missing) for path in data.data_dir]
        self.backgrounds = [_backgrounds(path, data.missing) for path in data.simulate]
        self.simulation = read_parameters(data.parameters) if data.parameters else Simulation()
        self.size = self._size()
        self.datasets: list[SampleDataset] = []
        self.notes: list[str] = []

    def material(self) -> Material:
        data = self.data
        held = sum(len(samples) for samples in self.held)
        length = data.samples_per_epoch or (None if held and not data.mix else held or SIMULATED)
        endless = length or held
        augmentation = AUGMENTATIONS[data.augment]
        sources: list[Source] = [self._stored(samples, augmentation) for samples in self.held]
        sources += [self._simulated(samples, endless, 0) for samples, _ in self.backgrounds]
        train = Mixture(sources, shares=data.mix, length=length, seed=data.seed)
        val = self._validation()
        datasets, notes = tuple(self.datasets), tuple(self.notes)
        return Material(train, val, self.size, self._hashes(), self._meaning(), datasets, notes)

    def _size(self) -> int:
        """Return rows and columns of an item."""
        card, data = self.card, self.data
        if card.fixed:
            if data.size not in (None, card.size):
                raise UsageError(f"--size is {data.size}; {card.backbone} takes crops of {card.size} alone")
            return card.size
        if data.published_crop:
            return PUBLISHED_SIZE
        if data.size is not None:
            if data.size < 1 or data.size % card.multiple:
                raise UsageError(f"--size is {data.size}; {card.backbone} takes a multiple of {card.multiple}")
            return data.size
        if not self.held:
            return SIMULATED_SIZE
        return min(card.size, round_up(max(_first_size(samples) for samples in self.held), card.multiple))

    def _stored(self, samples: Samples, augmentation: Augmentation | None, *, judged: bool = False) -> Stored:
        crop: Crop = "published" if self.data.published_crop else "grid" if judged else "random"
        dataset = SampleDataset(
            samples,
            self.card,
            size=self.size,
            crop=crop,
            augmentation=augmentation,
            seed=self.data.seed,
            skip_broken=self.data.skip_broken,
        )
        self.datasets.append(dataset)
        return Stored(dataset)

    def _simulated(self, samples: Samples, length: int, seed: int) -> Simulated:
        stream = SimulatedSamples(samples, self.simulation, size=self.size, seed=2 * self.data.seed + seed)
        return Simulated(stream, self.card, self.card.masks, length, later=self.later)

    def _validation(self) -> Mixture:
        if self.data.data_dir:
            held = [open_samples(path, "val", missing=self.data.missing) for path in self.data.data_dir]
            return Mixture([self._stored(samples, None, judged=True) for samples in held])
        sources = []
        parts = len(self.backgrounds)
        for at, (train, val) in enumerate(self.backgrounds):
            count = (self.data.val_samples + at) // parts
            if val is None:
                self.notes.append(f"{train.path} has no split val: validation is simulated over what is trained on too")
            if count:
                sources.append(self._simulated(val or train, count, 1))
        return Mixture(sources)

    def _hashes(self) -> dict[str, str]:
        hashes = {str(path.resolve()): content_of(path) for path in self.data.data_dir}
        for path in self.data.simulate:
            parameters = f"{content_of(path)} {self.size} {self.data.seed} {self.simulation.to_json()}"
            hashes[f"simulated over {path.resolve()}"] = hashlib.sha256(parameters.encode()).hexdigest()
        return hashes

    def _meaning(self) -> str:
        known = {_meaning_of(samples) for samples in self.held}
        known |= {self.simulation.relief.meaning} if self.backgrounds else set()
        return ", ".join(sorted(known - {""})) or "shad"


def _backgrounds(path: Path, missing: str) -> tuple[Samples, Samples | None]:
    """Return the backgrounds to train over and those to validate over; None if there are no others."""
    splits = _splits(path)
    if "train" not in splits:
        return open_samples(path, missing=missing), None
    return open_samples(path, "train", missing=missing), (
        open_samples(path, "val", missing=missing) if "val" in splits else None
    )


def _splits(path: Path) -> set[str]:
    if path.is_dir() and is_store(path):
        return {row.record.split for row in StoreSamples(path).rows}
    return set(lists_in(path)) if path.is_dir() else set()


def _first_size(samples: Samples) -> int:
    """Return rows and columns of the first sample that can be read."""
    for index in range(len(samples)):
        try:
            return samples.size(index)
        except SampleError:
            continue
    raise DatasetError(f"{samples.path}: not one of its {len(samples)} samples can be read")


def _meaning_of(samples: Samples) -> str:
    """Return what terrain shadow means in samples: in a store all tell, of others the first that can be read."""
    if isinstance(samples, StoreSamples):
        return ", ".join(sorted({row.record.terrain_shadow for row in samples.rows}))
    for index in range(len(samples)):
        try:
            return samples.record(index).terrain_shadow
        except SampleError:
            continue
    return ""


def content_of(path: Path) -> str:
    """Return a SHA-256 (hexadecimal) that changes when samples at `path` are others.

    Of a store it is the content hash of its manifest; of published samples that of split, name and size of each file.
    """
    if is_store(path):
        return str(StoreSamples(path).notes["content"])
    lines = []
    for split, file in Lists.read(path).files:
        lines.append(f"{split} {file.relative_to(path).as_posix()} {file.stat().st_size}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
