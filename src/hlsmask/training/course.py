"""The course of a run, epoch by epoch: the log."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from hlsmask.aside import write_text
from hlsmask.evaluation.confusion import Confusion
from hlsmask.masks import PUBLISHED_NAMES, Mask
from hlsmask.training.tally import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SCORES: Final = ("f1", "precision", "recall", "iou")
"""Columns of each mask beside its loss."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch."""

    number: int
    """From 1."""

    seconds: float
    """That training and validation took."""

    rate: float
    """Learning rate at its end."""

    train: Result
    """How training went, while the weights changed."""

    val: Result
    """How validation went after it."""

    weights: dict[Mask, float] = field(default_factory=dict)
    """Weight of each mask's loss at its end."""

    best: bool = False
    """Whether its weights are the best so far."""

    def row(self) -> dict[str, str]:
        """Return the columns of the log; what is not known is empty."""
        row = {
            "epoch": str(self.number),
            "seconds": f"{self.seconds:.1f}",
            "lr": f"{self.rate:.6g}",
            "train_loss": _number(self.train.loss),
            "val_loss": _number(self.val.loss),
            "best": str(int(self.best)),
        }
        for part, result in (("train", self.train), ("val", self.val)):
            for mask, counts in result.counts.items():
                row[f"{part}_{mask}_loss"] = _number(result.losses[mask])
                row |= {f"{part}_{mask}_{score}": _number(getattr(counts, score)) for score in SCORES}
        return row | {f"weight_{mask}": _number(weight) for mask, weight in self.weights.items()}

    def plain(self) -> dict[str, Any]:
        """Return it as numbers, strings and lists, as a checkpoint holds it."""
        return {
            "number": self.number,
            "seconds": self.seconds,
            "rate": self.rate,
            "best": self.best,
            "weights": {mask.value: weight for mask, weight in self.weights.items()},
            "train": _plain(self.train),
            "val": _plain(self.val),
        }

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> Epoch:
        """Return the epoch that `plain` was made of."""
        return cls(
            values["number"],
            values["seconds"],
            values["rate"],
            _result(values["train"]),
            _result(values["val"]),
            {Mask(mask): weight for mask, weight in values["weights"].items()},
            values["best"],
        )


def write_log(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write the log: CSV, a line each epoch.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = [epoch.row() for epoch in epochs]
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[-1]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(path, text.getvalue())


_SHORT: Final = {
    "water_mask": "wm", "cloudshadow_mask": "csm", "cloud_mask": "cm", "snowice_mask": "sim", "sun_mask": "sun",
}  # fmt: skip
"""Masks as the columns of the published log call them, in its order."""


def write_published_log(path: Path, epochs: Iterable[Epoch], masks: Sequence[Mask]) -> None:
    """Write the log as the improv-mask project does: columns parted by tabs, `sun` of the sunlit ground.

    Masks that are not trained have 0 throughout, as there.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    parts = (("T", "train"), ("V", "val"))
    names = ["Epoch"]
    for letter, _ in parts:
        for short in _SHORT.values():
            names += [f"{letter}.L{short}", *(f"{letter}.{short}{score}" for score in ("F1", "Rec", "Prec"))]
    names += [*(f"W{short}" for short in _SHORT.values()), "opt.lr"]
    lines = ["\t".join(names) + "\t"]
    for epoch in epochs:
        numbers = [float(epoch.number - 1)]
        for _, part in parts:
            result: Result = getattr(epoch, part)
            for name in _SHORT:
                numbers += _published(result, PUBLISHED_NAMES[name])
        numbers += [epoch.weights.get(PUBLISHED_NAMES[name], 1.0) * (PUBLISHED_NAMES[name] in masks) for name in _SHORT]
        lines.append("\t".join(f"{number:.6f}" for number in [*numbers, epoch.rate]) + "\t")
    write_text(path, "\n".join(lines) + "\n")


def _published(result: Result, mask: Mask) -> list[float]:
    """Return loss, F1, recall and precision of a mask, 0 where there are none."""
    counts = result.counts.get(mask, Confusion())
    if mask is Mask.TERRAIN_SHADOW:
        counts = Confusion(counts.quiet, counts.misses, counts.false_alarms, counts.hits)
    values = (result.losses.get(mask, 0.0), counts.f1, counts.recall, counts.precision)
    return [0.0 if isnan(value) else value for value in values]


def _plain(result: Result) -> dict[str, Any]:
    return {
        mask.value: [loss, counts.hits, counts.false_alarms, counts.misses, counts.quiet]
        for (mask, loss), counts in zip(result.losses.items(), result.counts.values(), strict=True)
    }


def _result(values: dict[str, list[Any]]) -> Result:
    return Result(
        {Mask(mask): float(loss) for mask, (loss, *_) in values.items()},
        {Mask(mask): Confusion(*(int(count) for count in counts)) for mask, (_, *counts) in values.items()},
    )


def _number(value: float) -> str:
    return "" if isnan(value) else f"{value:.6g}"
