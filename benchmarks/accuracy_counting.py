"""What `accuracy.py` counts with: scores by place, paired resamples, edges left out, masks grown, and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation

from chips import inner
from hlsmask.evaluation.confusion import Confusion
from hlsmask.masks import NOT_OBSERVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

REPLICATES = 2000
BLOCK = 64  # pixels, side of the blocks of a scene that are drawn together


def counted(prediction: np.ndarray, truth: np.ndarray, where: np.ndarray) -> Confusion:
    """Count boolean (or 0, 1, 255) masks of one shape where `where` is True."""
    said = np.where(where, prediction, NOT_OBSERVED).astype(np.uint8)
    return Confusion.of(said, truth.astype(np.uint8))


def by_place(prediction: np.ndarray, truth: np.ndarray, where: np.ndarray, places: np.ndarray) -> list[Confusion]:
    """Count windows (n, h, w), those of a place (n,) together, places in sorted order."""
    return [
        counted(prediction[places == place], truth[places == place], where[places == place])
        for place in np.unique(places)
    ]


def by_block(prediction: np.ndarray, truth: np.ndarray, where: np.ndarray) -> list[Confusion]:
    """Count a scene (h, w), blocks of 64 x 64 pixels apart."""
    corners = [(row, col) for row in range(0, truth.shape[0], BLOCK) for col in range(0, truth.shape[1], BLOCK)]
    cells = [np.s_[row : row + BLOCK, col : col + BLOCK] for row, col in corners]
    return [counted(prediction[cell], truth[cell], where[cell]) for cell in cells]


def total(counts: Sequence[Confusion]) -> Confusion:
    return sum(counts, Confusion())


class Paired:
    """F1 of several contenders on the same resamples of the same places, drawn with replacement."""

    def __init__(self, counts: Mapping[str, Sequence[Confusion]], seed: int = 0) -> None:
        """Draw; `counts` has one Confusion a place for each contender, in the same order."""
        lengths = {len(own) for own in counts.values()}
        if len(lengths) != 1:
            raise ValueError(f"contenders were counted over {sorted(lengths)} places; a paired draw needs the same")
        (places,) = lengths
        times = np.random.default_rng(seed).multinomial(places, np.full(places, 1 / places), REPLICATES)
        self.f1 = {}
        for name, own in counts.items():
            pairs = np.array([[one.hits, one.false_alarms + one.misses] for one in own], np.float64)
            hits, wrong = (times @ pairs).T
            none = np.full(REPLICATES, np.nan)
            self.f1[name] = np.divide(2 * hits, 2 * hits + wrong, out=none, where=hits + wrong > 0)

    def interval(self, name: str) -> str:
        """Return the 95 % interval of F1."""
        values = self.f1[name][~np.isnan(self.f1[name])]
        if not len(values):
            return ""
        low, high = np.percentile(values, (2.5, 97.5))
        return f"{low:.3f} to {high:.3f}"

    def ahead(self, name: str, rival: str) -> float:
        """Return the share of resamples in which `name` has the higher F1; those in which either has none are out."""
        ours, theirs = self.f1[name], self.f1[rival]
        known = ~np.isnan(ours) & ~np.isnan(theirs)
        return float((ours[known] > theirs[known]).mean()) if known.any() else float("nan")


def away_from_edges(drawn: np.ndarray) -> np.ndarray:
    """Return where labels (n, h, w) are known, 2 pixels on either side of their edges left out."""
    return np.stack([inner(own, 0) | inner(own, 1) for own in drawn])


def grown(masks: np.ndarray) -> np.ndarray:
    """Return boolean masks (n, h, w), each grown by one pixel to all eight sides."""
    return binary_dilation(masks, np.ones((1, 3, 3), bool))


def scores(counts: Confusion) -> list[str]:
    """Return F1, precision, recall and pixels there, as tables have them."""
    return [f"{counts.f1:.3f}", f"{counts.precision:.3f}", f"{counts.recall:.3f}", f"{counts.hits + counts.misses:,}"]


SCORES = ["F1", "precision", "recall", "pixels there"]


class Report:
    """Markdown that is printed as it comes about, and the goals that were reached or not."""

    def __init__(self) -> None:
        """Begin."""
        self.text = ""
        self.goals: list[tuple[str, str, bool]] = []

    def say(self, text: str = "") -> None:
        """Print and keep a line, or lines."""
        print(text, flush=True)
        self.text += f"{text}\n"

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table: names left, figures right."""
        wide = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
        rule = ["-" * wide[0], *("-" * (width - 1) + ":" for width in wide[1:])]
        for row in (head, rule, *rows):
            cells = [row[0].ljust(wide[0]), *(cell.rjust(width) for cell, width in zip(row[1:], wide[1:], strict=True))]
            self.say(f"| {' | '.join(cells)} |")
        self.say()

    def goal(self, name: str, figure: str, *, reached: bool) -> None:
        """Note whether a goal was reached."""
        self.goals.append((name, figure, bool(reached)))

    def close(self, path: Path | None) -> None:
        """Add the goals, and write all to `path`."""
        self.say("## Goals\n")
        rows = [[name, figure, "reached" if reached else "not reached"] for name, figure, reached in self.goals]
        self.table(["goal", "figure", ""], rows)
        if path is not None:
            path.write_text(self.text, encoding="utf-8")
