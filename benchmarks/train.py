"""Samples a second through data alone, the network alone, and both: what share of training is lost to waiting.

    python benchmarks/train.py STORE [--simulate GROUND] [--backbone mobilenetv3] [--size 256] [--batch-size 8]
                               [--workers 2] [--batches 12] [--rounds 3] [--accelerator cpu] [--precision 32]

STORE is a store of samples (`hlsmask samples convert`, `build` or `simulate`). The three contenders are the parts of
`hlsmask train` itself, run by its trainer: loss, scores and optimizer included. "network alone" gets one batch, held in
memory, again and again (forward, backward, step); "data alone" is the loader with nothing that takes its batches;
"both" is training. They take turns, and the median of the rounds counts. Lost is 1 - both / network alone. On a CPU the
workers take cores from the network, which is part of what is lost.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import warnings
from itertools import islice, repeat
from pathlib import Path
from statistics import median
from time import perf_counter

import pytorch_lightning as pl
import torch

from hlsmask.training import Data, Learning, Machine, Network
from hlsmask.training.lesson import Lesson
from hlsmask.training.loading import Loaders
from hlsmask.training.losses import MaskLoss
from hlsmask.training.material import open_material
from hlsmask.training.placing import choose_place, trainer_options
from hlsmask.training.starting import start
from hlsmask.training.weighting import weighting

WARM = 3  # batches before the clock starts


class Clock(pl.Callback):
    """Seconds from the end of the warm-up to the end of the last batch."""

    def __init__(self, batches):
        self.batches, self.began, self.seconds = batches, 0.0, 0.0

    def on_train_batch_end(self, _trainer, lesson, _outputs, _batch, index):
        """Look at the clock at both ends."""
        if index + 1 in (WARM, WARM + self.batches):
            if lesson.device.type == "cuda":
                torch.cuda.synchronize()
            self.began, self.seconds = perf_counter(), perf_counter() - self.began


class Again:
    """One batch, again and again."""

    def __init__(self, batch, count):
        self.batch, self.count = batch, count

    def __len__(self):
        return self.count

    def __iter__(self):
        return repeat(self.batch, self.count)


class Held(Loaders):
    """One batch of the data, held in memory."""

    def train_dataloader(self):
        """Return a batch, as often as there are batches."""
        loader = super().train_dataloader()
        return Again(next(iter(loader)), len(loader))


def trained(loaders, place, arguments, batches):
    network = start(Network(arguments.backbone, pretrained=0), 0).net
    machine = Machine(accelerator=arguments.accelerator, precision=arguments.precision, compile=arguments.compile)
    masks = network.card.masks
    lesson = Lesson(network, MaskLoss("bce"), weighting("uniform", masks, None), Learning(epochs=1), machine)
    clock = Clock(batches)
    trainer = pl.Trainer(
        **trainer_options(place, machine),
        max_epochs=1,
        limit_train_batches=WARM + batches,
        limit_val_batches=0,
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(lesson, datamodule=loaders)
    return arguments.batch_size * batches / clock.seconds


def read(loaders, batches):
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    loaders.trainer = trainer
    batched = iter(loaders.train_dataloader())
    for _ in islice(batched, WARM):
        pass
    began = perf_counter()
    count = sum(len(labels) for _, labels in islice(batched, batches))
    rate = count / (perf_counter() - began)
    del batched
    return rate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, nargs="*")
    parser.add_argument("--simulate", type=Path, nargs="*", default=[])
    parser.add_argument("--backbone", default="mobilenetv3")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accelerator", default="cpu")
    parser.add_argument("--precision", default="32")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    wanted = (WARM + arguments.batches) * arguments.batch_size
    data = Data(
        tuple(arguments.store),
        tuple(arguments.simulate),
        size=arguments.size,
        batch_size=arguments.batch_size,
        workers=arguments.workers,
        samples_per_epoch=wanted,
    )
    place = choose_place(Machine(accelerator=arguments.accelerator))
    card = start(Network(arguments.backbone, pretrained=0), 0).net.card
    material = open_material(data, card)
    rates = {"data alone": [], "network alone": [], "both": []}
    for _ in range(arguments.rounds):
        rates["data alone"].append(read(Loaders(material, data, place), arguments.batches))
        rates["network alone"].append(trained(Held(material, data, place), place, arguments, arguments.batches))
        rates["both"].append(trained(Loaders(material, data, place), place, arguments, arguments.batches))
    where = torch.cuda.get_device_name() if place.accelerator == "cuda" else f"{os.cpu_count()} cores"
    print(
        f"{arguments.backbone}, {arguments.size} x {arguments.size}, batches of {arguments.batch_size}, "
        f"{arguments.workers} workers, {where}, torch {torch.__version__}, Python {platform.python_version()}"
    )
    for name, each in rates.items():
        print(f"  {name:14}{median(each):9.2f} samples a second   ({min(each):.2f} to {max(each):.2f})")
    print(f"  lost to waiting: {100 * (1 - median(rates['both']) / median(rates['network alone'])):.1f} %")


if __name__ == "__main__":
    main()
