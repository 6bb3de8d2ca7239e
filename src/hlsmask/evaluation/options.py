"""What a person can choose when weights are judged; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations

from hlsmask.errors import UsageError
from hlsmask.evaluation.bootstrap import LEAST, REPLICATES
from hlsmask.evaluation.thresholds import STEP, sweep
from hlsmask.inference.options import Device, Precision  # noqa: TC001 - the same
from hlsmask.masks import Mask


@dataclass(frozen=True, slots=True)
class Options:
    """How weights are judged."""

    data_dir: Path | None = None
    """Samples: a store, or the folder of published val.npy and test.npy. Thresholds are chosen on the split `val`,
    scores are those of `test`."""

    benchmark: tuple[str, Path] | None = None
    """NAME FOLDER: judge on human labels instead: sparcs, l8biome, cloudsen12 or sen1floods11, and the folder that
    holds them as distributed. Thresholds stay those of the checkpoint."""

    split: str | None = None
    """Split of the benchmark, such as bolivia of sen1floods11. Else its test split, or all of it."""

    tasks: tuple[str, ...] = ()
    """Masks to judge, by our names or the published ones. All that the checkpoint gives, if none is named."""

    threshold_step: float = STEP
    """Thresholds tried are 0, this, twice this, ... up to 1: a multiple of 0.001."""

    published_scoring: bool = False
    """Score as the paper does: the upper left 512 x 512 pixels of each sample, and fill counts, as holding no mask."""

    compare: tuple[str, ...] = ()
    """Judge others on the same samples: spectral, fmask (the layer of the samples), ukis-csmask (if installed),
    hlsmask_s (the network that comes with hlsmask), and files of weights, at the thresholds of their cards."""

    predictions: Path | None = None
    """Also write, for each sample, probabilities, masks and labels to ID.npz in this folder."""

    out: Path | None = None
    """Folder of the results. Else they go beside the checkpoint, whose card is rewritten all the same (--keep-card);
    of hlsmask_s, whose card stays as it is, into the current folder."""

    keep_card: bool = False
    """Leave the card of the checkpoint as it is; thresholds and scores are in the tables alone."""

    batch_size: int = 12
    """Samples that the network is given at once."""

    device: Device = "auto"
    """What it computes on. `auto` takes a GPU if there is one that can be used: CUDA, else Apple's (mps)."""

    precision: Precision = "auto"
    """Numbers that the network is computed in. `auto`: float16 on CUDA, float32 elsewhere."""

    workers: int = 2
    """Threads that read samples ahead."""

    skip_broken: bool = False
    """Leave out samples that are missing or cannot be read, and say how many; else the first one stops the run."""

    bootstrap: int = REPLICATES
    """Data sets that are drawn for the 95 % intervals."""

    seed: int = 0
    """From which they are drawn."""

    backbone: str | None = None
    """Backbone of the checkpoint. Not needed: files tell. If named, it must be the one."""

    head: str | None = None
    """Head of the checkpoint; as --backbone."""

    pretrained: int | None = None
    """For the column `pretrained` of the table alone (published)."""

    is_distrib: int | None = None
    """Published; not used: one process judges."""

    weight: str | None = None
    """Published; not used: losses are no part of judging."""

    method: str | None = None
    """Published; not used: all networks give all their masks at once."""

    def __post_init__(self) -> None:
        if (self.data_dir is None) == (self.benchmark is None):
            raise UsageError("name either --data-dir FOLDER or --benchmark NAME FOLDER to judge on")
        for name, least in (("batch_size", 1), ("workers", 1), ("bootstrap", LEAST), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise UsageError(f"--{name.replace('_', '-')} is {value}; use {least} or more")
        if self.benchmark is not None and self.published_scoring:
            raise UsageError("--published-scoring is for data of the published kind; leave it out with --benchmark")
        if self.benchmark is not None and self.threshold_step != STEP:
            raise UsageError("--threshold-step is for --data-dir; with --benchmark thresholds stay the checkpoint's")
        if self.benchmark is None and self.split is not None:
            raise UsageError("--split is for a --benchmark; data are judged on their split test")
        if len(set(self.compare)) < len(self.compare):
            raise UsageError(f"--compare names {' '.join(self.compare)}; name each contender once")
        self.steps()
        self.wanted()

    def steps(self) -> tuple[float, ...]:
        """Return the thresholds to try, ascending."""
        return sweep(self.threshold_step)

    def wanted(self) -> tuple[Mask, ...] | None:
        """Return the masks to judge, in order; None for all that the checkpoint gives."""
        return Mask.parse_all(self.tasks) if self.tasks else None
