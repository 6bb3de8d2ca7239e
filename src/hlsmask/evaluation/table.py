"""Tables of scores: the published row with ours after it, one by sensor, one of all contenders."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Final

from hlsmask.aside import write_text
from hlsmask.evaluation.judged import counts_of, judged
from hlsmask.evaluation.verdict import SCORES
from hlsmask.masks import PUBLISHED_NAMES, Mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hlsmask.evaluation.confusion import Confusion
    from hlsmask.evaluation.verdict import Verdict

    Cell = str | float | int | None

PUBLISHED_TASKS: Final = ("water_mask", "cloudshadow_mask", "cloud_mask", "snowice_mask", "sun_mask")
"""The published tasks in the order of the published table; `sun_mask` there is the sunlit ground."""

_COLUMNS: Final = {"f1": "f1", "rec": "recall", "prec": "precision", "acc": "accuracy", "miou": "iou"}
"""Endings of the published columns, in order, and the score of `Confusion` that each holds."""

_COUNTS: Final = {"tp": "hits", "fp": "false_alarms", "fn": "misses", "tn": "quiet"}
"""Endings of the columns of pixels, and the count of `Confusion` that each holds."""

UNKNOWN_SENSOR: Final = "unknown"
"""What tables call the sensor of samples that do not tell it."""


_BY_SENSOR: Final = ("contender", "sensor", "mask", "threshold", *SCORES, *_COUNTS)

_COMPARED: Final = (
    *("contender", "mask", "samples", "threshold"),
    *(name + ending for name in SCORES for ending in ("", "_low", "_high")),
    *("boundary_f1", "average_precision", "calibration_error"),
    *_COUNTS,
)


def write_csv(path: Path, verdict: Verdict, *, backbone: str, head: str, checkpoint: str, pretrained: str) -> None:
    """Write one row: the published columns in their order, then ours.

    Columns `sun_mask_*` are about the sunlit ground, `terrain_shadow_*` about its opposite; `*_miou` is the
    intersection over union of what is there, as published. Cells of what was not judged are empty, a score that does
    not exist (nothing there and nothing said) is `nan`.

    Parameters
    ----------
    path
        The `.csv` file.
    verdict
        On the checkpoint.
    backbone, head
        Their names.
    checkpoint
        Path of the weights, as it was given.
    pretrained
        Whether the backbone was pre-trained, as it was given; "" where that is not known.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    row: dict[str, Cell] = {"backbone": backbone, "head": head, "ckpt_path": checkpoint, "pretrained": pretrained}
    masks = {task: PUBLISHED_NAMES[task] for task in PUBLISHED_TASKS}
    published = {task: (counts_of(verdict, mask), verdict.thresholds.get(mask)) for task, mask in masks.items()}
    lit = verdict.sunlit if verdict.sunlit is not None and verdict.sunlit.count else None
    published["sun_mask"] = (lit, verdict.sunlit_threshold)
    row |= {f"{task}_thresh": threshold for task, (_, threshold) in published.items()}
    for task, (counts, _) in published.items():
        row |= _scores(task, counts)
    row["terrain_shadow_thresh"] = verdict.thresholds.get(Mask.TERRAIN_SHADOW)
    row |= _scores("terrain_shadow", counts_of(verdict, Mask.TERRAIN_SHADOW))
    for mask in Mask:
        counts = counts_of(verdict, mask)
        row[f"{mask}_boundary_f1"] = None if counts is None else verdict.boundary.get(mask)
        row[f"{mask}_f1_low"], row[f"{mask}_f1_high"] = _interval(verdict, mask, "f1")
    row["samples"] = verdict.samples
    for mask in Mask:
        row |= _pixels(f"{mask}_", counts_of(verdict, mask))
    row |= _pixels("sun_mask_", lit)
    _write(path, list(row), [row])


def write_sensors(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write one row for each contender, sensor and mask that was judged: threshold, scores, pixels.

    Samples whose sensor is not known are in rows of `unknown`.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    rows = [
        {
            "contender": verdict.name,
            "sensor": sensor or UNKNOWN_SENSOR,
            "mask": mask.value,
            "threshold": verdict.thresholds.get(mask),
            **{name: getattr(counts[mask], name) for name in SCORES},
            **_pixels("", counts[mask]),
        }
        for verdict in verdicts
        for sensor, counts in sorted(verdict.sensors.items())
        for mask in verdict.masks
        if mask in counts and counts[mask].count
    ]
    _write(path, _BY_SENSOR, rows)


def write_comparison(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write one row for each contender and mask of it that was judged.

    Each score of `SCORES` with the ends of its 95 % interval (`_low`, `_high`), boundary F1, average precision,
    calibration error, threshold, samples and pixels. Empty cells as in `write_csv`; contenders that give no
    probabilities have no average precision, calibration error or threshold.

    Raises
    ------
    OutputError
        If the folder or the disk refuses.
    """
    _write(path, _COMPARED, [_compared(verdict, mask) for verdict in verdicts for mask in judged([verdict])])


def _compared(verdict: Verdict, mask: Mask) -> dict[str, Cell]:
    row: dict[str, Cell] = {"contender": verdict.name, "mask": mask.value, "samples": verdict.samples}
    row["threshold"] = verdict.thresholds.get(mask)
    counts = verdict.counts[mask]
    for name in SCORES:
        row[name] = getattr(counts, name)
        row[f"{name}_low"], row[f"{name}_high"] = _interval(verdict, mask, name)
    row["boundary_f1"] = verdict.boundary.get(mask)
    if verdict.histogram is not None:
        row["average_precision"] = verdict.histogram.average_precision(mask)
        row["calibration_error"] = verdict.histogram.calibration_error(mask)
    return row | _pixels("", counts)


def _scores(name: str, counts: Confusion | None) -> dict[str, Cell]:
    return {
        f"{name}_{ending}": None if counts is None else getattr(counts, score) for ending, score in _COLUMNS.items()
    }


def _pixels(prefix: str, counts: Confusion | None) -> dict[str, Cell]:
    return {prefix + ending: None if counts is None else getattr(counts, name) for ending, name in _COUNTS.items()}


def _interval(verdict: Verdict, mask: Mask, name: str) -> tuple[Cell, Cell]:
    """Return the ends of an interval; None twice where the mask was not judged."""
    if counts_of(verdict, mask) is None:
        return None, None
    return verdict.intervals.get(mask, {}).get(name, (None, None))


def _write(path: Path, head: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> None:
    """Write rows under the names of their columns; what a row lacks is an empty cell."""
    stream = StringIO()
    writer = csv.DictWriter(stream, head, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    write_text(path, stream.getvalue())


def _plain(value: Cell) -> Cell:
    """Return what `csv` writes in full: numpy's numbers as Python's."""
    return float(value) if isinstance(value, float) else value
