"""What of a dataset can be used: every sample is read, whatever kind it is of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hlsmask.errors import DatasetError, SampleError
from hlsmask.masks import Mask
from hlsmask.samples.ahead import read_ahead
from hlsmask.samples.lists import MissingSamplesError, lists_in, there
from hlsmask.samples.published import PublishedSamples
from hlsmask.samples.sample import SPLITS
from hlsmask.samples.store.manifest import Row, fingerprint
from hlsmask.samples.store.reading import StoreSamples, is_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hlsmask.samples.sample import Sample
    from hlsmask.samples.sequence import Samples


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that cannot be used."""

    kind: str
    """`list`, `missing`, `broken`, or `twice` for a sample that is in two lists."""

    split: str
    """`train`, `val`, `test`, or "" for none."""

    name: str
    """Of the file or sample."""

    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """A split, or what is in none."""

    listed: int = 0
    """Samples that a list or manifest names."""

    usable: int = 0
    """Samples that were read whole."""

    missing: int = 0
    """Samples whose files are not there."""

    broken: int = 0
    """Samples whose files cannot be used."""

    sizes: Counter[int] = field(default_factory=Counter)
    """How many of the usable have how many rows and columns."""

    fmask: int = 0
    """How many of the usable have an Fmask layer."""

    counts: tuple[tuple[int, int, int], ...] = ((0, 0, 0),) * len(Mask)
    """For each mask: pixels at which it is present, absent, not known, over the usable."""

    def __add__(self, other: Part) -> Part:
        counts = tuple((a[0] + b[0], a[1] + b[1], a[2] + b[2]) for a, b in zip(self.counts, other.counts, strict=True))
        return Part(
            self.listed + other.listed,
            self.usable + other.usable,
            self.missing + other.missing,
            self.broken + other.broken,
            self.sizes + other.sizes,
            self.fmask + other.fmask,
            counts,
        )


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found."""

    path: Path
    """The dataset's folder."""

    kind: str
    """`store` or `published`."""

    parts: dict[str, Part]
    """By split, in the order train, val, test, none."""

    findings: tuple[Finding, ...]
    """All that cannot be used, and samples that are in two lists."""

    @property
    def usable(self) -> bool:
        """Whether all can be used."""
        return bool(self.parts) and all(finding.kind == "twice" for finding in self.findings)


def inspect(path: Path, *, workers: int = 1, progress: Callable[[int, int], None] | None = None) -> Inspection:
    """Read every sample of a dataset and say what is there, missing, or broken.

    Parameters
    ----------
    path
        Folder of a store, or of published lists.
    workers
        Threads that read.
    progress
        Called with how many samples are read, of how many.

    Raises
    ------
    DatasetError
        If the folder holds no samples at all, or a store was cut off.
    """
    if not there(path, Path.is_dir):
        raise DatasetError(f"{path} is no folder: name a store of samples, or the folder of train.npy")
    findings: list[Finding] = []
    if is_store(path):
        opened: list[Samples] = [StoreSamples(path)]
    else:
        published = _published(path, findings)
        findings += _twice(published)
        opened = [*published]
    parts = {finding.split: Part() for finding in findings}
    for finding in findings:
        if finding.kind == "missing":
            parts[finding.split] += Part(listed=1, missing=1)
    done, total = 0, sum(len(samples) for samples in opened)
    for samples in opened:
        for index, read in read_ahead(samples, range(len(samples)), workers=workers):
            found = _judge(samples, index, read)
            part = Part(listed=1, broken=1) if isinstance(found, Finding) else found
            split = found.split if isinstance(found, Finding) else _split(samples, index)
            parts[split] = parts.get(split, Part()) + part
            if isinstance(found, Finding):
                findings.append(found)
            done += 1
            if progress is not None:
                progress(done, total)
    ordered: dict[str, Part] = {split: parts[split] for split in (*SPLITS, "") if split in parts}
    return Inspection(path, "store" if is_store(path) else "published", ordered, tuple(findings))


def _published(path: Path, findings: list[Finding]) -> list[PublishedSamples]:
    """Open the lists of a folder that can be opened; note what is wrong with them."""
    opened = []
    lists: list[str | None] = [*lists_in(path)]
    for split in lists or [None]:
        try:
            samples = PublishedSamples(path, split, missing="skip")
        except MissingSamplesError as error:
            findings.append(Finding("list", split or "", str(path / f"{split}.npy"), "names nothing that exists"))
            findings += [Finding("missing", part, name, "is not there") for part, name in error.missing]
        except DatasetError as error:
            if split is None:
                raise
            findings.append(Finding("list", split, str(path / f"{split}.npy"), str(error)))
        else:
            opened.append(samples)
            findings += [Finding("missing", part, name, "is not there") for part, name in samples.missing]
    return opened


def _twice(opened: Sequence[PublishedSamples]) -> list[Finding]:
    """Find samples that are listed more than once: a network would be judged on what it was trained on."""
    seen: dict[Path, str] = {}
    findings = []
    for samples in opened:
        for split, path in samples.files:
            if path in seen:
                findings.append(Finding("twice", split, str(path), f"is listed in {seen[path]}.npy already"))
            seen.setdefault(path, split)
    return findings


def _split(samples: Samples, index: int) -> str:
    return samples.files[index][0] if isinstance(samples, PublishedSamples) else samples.record(index).split


def _judge(samples: Samples, index: int, read: Sample | SampleError) -> Part | Finding:
    """Return what a sample counts for, or what is wrong with it."""
    split = _split(samples, index)
    if isinstance(samples, StoreSamples):
        name = samples.rows[index].record.id
        if not isinstance(read, SampleError) and fingerprint(read) != samples.rows[index].sha256:
            return Finding("broken", split, name, "is not what was written: its hash differs from the manifest's")
    else:
        name = str(samples.files[index][1]) if isinstance(samples, PublishedSamples) else str(index)
    if isinstance(read, SampleError):
        return Finding("broken", split, name, str(read))
    row = Row.of(read, 0)
    pixels = read.record.size**2
    counts = tuple((there, known - there, pixels - known) for there, known in zip(row.present, row.known, strict=True))
    return Part(
        listed=1, usable=1, sizes=Counter({read.record.size: 1}), fmask=int(read.fmask is not None), counts=counts
    )
