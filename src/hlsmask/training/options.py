"""What a person can choose when training; each option is described here, once, and loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from hlsmask.errors import UsageError
from hlsmask.masks import Mask
from hlsmask.training.kinds import Best, OptimizerName, SchedulerName, WeightingKind, parts_of


def _expand(part: object) -> None:
    """Put the home folder in place of `~` in all paths of a group of options."""
    for option in fields(part):  # type: ignore[arg-type]
        value = getattr(part, option.name)
        if isinstance(value, Path):
            object.__setattr__(part, option.name, value.expanduser())
        elif isinstance(value, tuple) and value and isinstance(value[0], Path):
            object.__setattr__(part, option.name, tuple(path.expanduser() for path in value))


Precision = Literal["32", "bf16-mixed", "16-mixed"]
Accelerator = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, slots=True)
class Data:
    """What is learned from."""

    data_dir: tuple[Path, ...] = ()
    """Samples: a store, or the folder of a published train.npy. Several are taken together."""

    simulate: tuple[Path, ...] = ()
    """Backgrounds, samples of clear ground, to simulate clouds, shadows, snow and relief over, without end."""

    parameters: Path | None = None
    """A .toml or .json file with parameters of the simulation, such as `[clouds]` with `share = 0.5`."""

    mix: tuple[float, ...] = ()
    """Share of each --data-dir, then of each --simulate, in what is learned from, such as `--mix 3 1`. Else every
    sample of the data once an epoch, and as many simulated ones."""

    samples_per_epoch: int | None = None
    """Samples of an epoch. Else as many as the data holds; 1000 where all are simulated."""

    val_samples: int = 64
    """Samples simulated once for validation where there is no --data-dir."""

    size: int | None = None
    """Rows and columns of a crop. Else those of the samples, 512 at most; 256 where all are simulated."""

    published_crop: bool = False
    """Take the upper left 512 x 512 pixels of each sample alone, as the paper does."""

    augment: Literal["turns", "published", "strong", "none"] = "turns"
    """How samples are varied. `turns`: flipped and rotated; `published`: flipped, bands mixed, noise; `strong`: turned,
    each band brightened or darkened by up to 10 %, noise; `none`."""

    missing: Literal["raise", "skip"] = "raise"
    """What happens where a published list names files that are not there."""

    skip_broken: bool = False
    """Leave out samples that cannot be read, and say how many; else the first one stops the run."""

    batch_size: int = 8
    """Samples a step, over all devices together."""

    workers: int = 4
    """Processes that read samples, over all devices of a node together; 0: none but the one that trains."""

    seed: int = 0
    """From which all chance is drawn: weights, crops, order, simulation."""

    def __post_init__(self) -> None:
        _expand(self)
        if self.mix and len(self.mix) != len(self.data_dir) + len(self.simulate):
            given = f"{len(self.data_dir)} --data-dir and {len(self.simulate)} --simulate"
            raise UsageError(f"--mix has {len(self.mix)} shares for {given}; give one for each, in that order")
        if self.mix and (min(self.mix) < 0 or max(self.mix) <= 0 or not max(self.mix) < float("inf")):
            raise UsageError(f"--mix is {' '.join(map(str, self.mix))}; use shares of 0 or more, one above 0")
        for name in ("batch_size", "workers", "val_samples", "seed", "samples_per_epoch"):
            value, least = getattr(self, name), int(name not in ("workers", "seed"))
            if value is not None and value < least:
                raise UsageError(f"--{name.replace('_', '-')} is {value}; use {least} or more")
        if self.parameters is not None and not self.simulate:
            raise UsageError("--parameters is for simulated samples; name their backgrounds with --simulate")
        if self.published_crop and (self.simulate or self.size is not None):
            raise UsageError("--published-crop fixes crops at 512 pixels of real samples; leave out --size, --simulate")


@dataclass(frozen=True, slots=True)
class Network:
    """What learns."""

    backbone: str = "mobilenetv3"
    """Its backbone; `hlsmask models list` names all."""

    head: str | None = None
    """Its head. Else the one that fits the backbone."""

    tasks: tuple[str, ...] = ()
    """Masks to learn, by our names or the published ones; all five if none is named."""

    normalization: Literal["fixed", "published"] | None = None
    """How reflectance is scaled. `fixed`: the same everywhere; `published`: by the least and greatest value of each
    chip. Else fixed, but published where a published run is gone on with."""

    pretrained: int = 1
    """1: the backbone starts from pretrained weights, where the published network does. 0: from random ones."""

    pretrained_weights: Path | None = None
    """The pretrained weights of the backbone, in a file, for machines without a network."""

    init: Path | None = None
    """Start from the weights of this file, ours or a published checkpoint, or from those that come with hlsmask
    (`hlsmask_s`): fine-tuning."""

    freeze: Literal["none", "backbone"] = "none"
    """What keeps its weights: nothing, or the backbone, so that the heads alone learn."""

    ckpt_path: Path | None = None
    """Go on with a run that was stopped: its `_checkpoint.ckpt`, or a published checkpoint. `--resume` is the same."""

    def __post_init__(self) -> None:
        _expand(self)
        self.masks()
        if self.pretrained not in (0, 1):
            raise UsageError(f"--pretrained is {self.pretrained}; use 1 or 0")
        if self.init is not None and self.ckpt_path is not None:
            raise UsageError("--init starts a new run and --ckpt-path goes on with an old one; give one of them")

    def masks(self) -> tuple[Mask, ...]:
        """Return the masks to learn, in order."""
        return Mask.parse_all(self.tasks) if self.tasks else tuple(Mask)


@dataclass(frozen=True, slots=True)
class Learning:
    """How it learns."""

    epochs: int = 50
    """Times that all samples are gone through, those of a run that is resumed included."""

    lr: float = 1e-4
    """Learning rate, at its highest."""

    loss_type: str = "bce"
    """Loss of a mask: bce, adaptive_maxpool, dice, focal, tversky, or several joined, such as bce+dice."""

    weight: WeightingKind = "uniform"
    """How the losses of masks are added: as they are (uniform), by --task-weights (fixed), or learned (uncertainty;
    uncert is the same)."""

    task_weights: tuple[str, ...] = ()
    """MASK=NUMBER: weight of each mask's loss, 1 for those not named. Makes --weight fixed."""

    optimizer: OptimizerName = "adam"
    """adam, as published, or adamw."""

    weight_decay: float = 0.0
    """Decay of weights at each step; with adamw that of convolutions and matrices alone."""

    scheduler: SchedulerName = "none"
    """Course of the learning rate: none, steplr (halved every 100 epochs, as published), cosine or onecycle."""

    warmup: float = 0.0
    """Epochs in which the learning rate rises from almost nothing."""

    clip: float = 0.0
    """Largest norm of the gradient; 0 for no bound."""

    accumulate: int = 1
    """Steps whose gradients are added before the weights change."""

    ema: float = 0.0
    """Decay of the moving average of weights that is validated and kept, such as 0.999; 0 for none."""

    best: Best = "loss"
    """Epoch whose weights are kept as the best: that of the lowest validation loss, of the highest mean F1 of the masks
    in validation (f1), or the last, which suits averaged weights whose learning rate has come down."""

    patience: int = 0
    """Epochs without a better validation loss after which training stops; 0 for never."""

    def __post_init__(self) -> None:
        parts_of(self.loss_type)
        if self.epochs < 1 or self.accumulate < 1:
            raise UsageError(f"--epochs is {self.epochs} and --accumulate {self.accumulate}; use 1 or more")
        if not 0 < self.lr < float("inf"):
            raise UsageError(f"--lr is {self.lr}; use a number above 0, such as 0.0001")
        for name in ("weight_decay", "warmup", "clip", "patience"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise UsageError(f"--{name.replace('_', '-')} is {value}; use 0 or more")
        if not 0 <= self.ema < 1:
            raise UsageError(f"--ema is {self.ema}; use 0 to below 1, such as 0.999")
        self.weights()

    def weights(self) -> dict[Mask, float]:
        """Return the weights that were named."""
        weights = {}
        for text in self.task_weights:
            name, equals, value = text.partition("=")
            try:
                number = float(value)
            except ValueError:
                number = -1.0
            if not equals or not 0 < number < float("inf"):
                raise UsageError(
                    f"--task-weights is {text!r}; use MASK=NUMBER with a number above 0, such as water=2; a mask that "
                    "is not to be learned is left out of --tasks"
                )
            weights[Mask.parse(name)] = number
        return weights


@dataclass(frozen=True, slots=True)
class Machine:
    """What it learns on."""

    devices: int | None = None
    """Devices of each node: GPUs, or processes on a CPU. Else one; all GPUs with --strategy ddp."""

    nodes: int = 1
    """Machines that train together."""

    strategy: Literal["auto", "ddp"] = "auto"
    """ddp: a process for each device, under torchrun and SLURM too. `auto`: so where there are several devices."""

    accelerator: Accelerator = "auto"
    """cpu, cuda or mps. `auto`: the fastest there is. `--device` is the same."""

    precision: Precision = "32"
    """Numbers that the network is computed in: 32, bf16-mixed, or 16-mixed."""

    channels_last: bool = True
    """Keep the channels of a pixel side by side, which is faster for most networks."""

    compile: bool = False
    """Compile the network first: minutes at the start, faster steps after."""

    sync_batchnorm: bool = True
    """With several devices: take the statistics of batch norms over all of them, as one device would."""

    gpu: int | None = None
    """Train on the GPU of this number alone (published)."""

    multiprocessing_distributed: bool = False
    """A process for each GPU of the node, or one on a CPU (published); as --strategy ddp."""

    world_size: int = -1
    """Number of nodes (published); as --nodes."""

    rank: int = -1
    """Number of this node, from 0 (published); for several nodes without torchrun or SLURM."""

    dist_url: str | None = None
    """Where nodes meet, such as tcp://10.0.0.1:8003 (published); env:// leaves that to the environment."""

    dist_backend: Literal["nccl", "gloo"] | None = None
    """How processes talk (published). Where there is no CUDA it is gloo in any case."""

    find_unused_param: int = 0
    """1: let DDP look for parameters without gradients at each step (published; slower, and not needed here)."""

    def __post_init__(self) -> None:
        if (self.devices is not None and self.devices < 1) or self.nodes < 1:
            raise UsageError(f"--devices is {self.devices} and --nodes {self.nodes}; use 1 or more")
        if self.world_size == 0 or self.world_size < -1:
            raise UsageError(f"--world-size is {self.world_size}; use the number of nodes")
        if self.world_size > 0 and self.nodes not in (1, self.world_size):
            raise UsageError(f"--nodes is {self.nodes} and --world-size {self.world_size}; they are the same: give one")
        if self.gpu is not None and (self.gpu < 0 or self.devices not in (None, 1) or self.accelerator == "cpu"):
            raise UsageError(f"--gpu {self.gpu} names one GPU by its number; leave out --devices and --accelerator cpu")


@dataclass(frozen=True, slots=True)
class Records:
    """What is kept of a run."""

    out: Path = Path("results/opera-mtl-baselines")
    """Folder of the results: START_BACKBONE_HEAD_checkpoint.ckpt, _best.safetensors, _log.csv and _config.toml."""

    published_files: bool = False
    """Also write _checkpoint.pth.tar, _best.pth.tar and _log.txt as the improv-mask project does."""

    tensorboard: bool = False
    """Also write the log for TensorBoard, into OUT/tensorboard."""

    def __post_init__(self) -> None:
        _expand(self)


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that can be chosen for a run."""

    data: Data
    """What is learned from."""

    network: Network = Network()
    """What learns."""

    learning: Learning = Learning()
    """How."""

    machine: Machine = Machine()
    """On what."""

    records: Records = Records()
    """What is kept."""

    def __post_init__(self) -> None:
        if not self.data.data_dir and not self.data.simulate:
            raise UsageError("there is nothing to learn from: name --data-dir, --simulate, or both")
        if self.learning.task_weights and self.learning.weight in ("uncertainty", "uncert"):
            raise UsageError("--task-weights are fixed and --weight uncertainty learns them; give one of them")
        if self.learning.weight == "fixed" and not self.learning.task_weights:
            raise UsageError("--weight fixed needs --task-weights, such as water=2 cloud=1")
        wanted = self.network.masks()
        if strangers := [mask for mask in self.learning.weights() if mask not in wanted]:
            raise UsageError(f"--task-weights names {', '.join(strangers)}; the masks to learn are {', '.join(wanted)}")
