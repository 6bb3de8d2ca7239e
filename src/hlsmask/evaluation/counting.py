"""What is counted of one contender while samples pass by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.evaluation.bootstrap import REPLICATES, Bootstrap
from hlsmask.evaluation.boundary import Boundary
from hlsmask.evaluation.confusion import Confusion
from hlsmask.evaluation.histogram import Histogram
from hlsmask.evaluation.verdict import SCORES, Verdict
from hlsmask.inference.decide import threshold
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hlsmask.evaluation.gallery import Gallery
    from hlsmask.evaluation.seen import Seen

_ORDER: Final = tuple(Mask)

_CODES: Final = 1 << (len(Mask) + 1)

_HOLDS: Final = np.array([[code >> bit & 1 for bit in range(len(Mask) + 1)] for code in range(_CODES)], np.int64)
"""For each code of a pixel, which of the five masks and of "none of them" hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a contender said of a sample."""

    said: NDArray[np.uint8]
    """Masks, shape (5, h, w): 0, 1, or 255 (not observed, or not given)."""

    sunlit: NDArray[np.uint8] | None
    """The published `sun_mask`, shape (h, w): 1, 0 or 255; None where terrain shadow is not given."""

    probabilities: NDArray[np.float32] | None
    """Shape (masks, h, w), NaN where not known; None of a contender that gives plain masks."""


@dataclass(frozen=True, slots=True)
class Rule:
    """From what a contender gives to what it says."""

    masks: tuple[Mask, ...]
    """What is judged, in the order in which it is given."""

    thresholds: Mapping[Mask, float]
    """Probability above which a mask is there; empty for plain masks."""

    sunlit_threshold: float | None = None
    """Probability of being sunlit above which ground is. None: where there is no terrain shadow."""

    def answer(self, seen: Seen, given: NDArray[Any]) -> Answer:
        """Return what is said of a sample; `given` (masks, h, w) is changed where nothing was observed."""
        blank = None if seen.counts_fill else seen.fill
        if not self.thresholds:
            said = np.full((len(Mask), *given.shape[1:]), NOT_OBSERVED, np.uint8)
            said[[_ORDER.index(mask) for mask in self.masks]] = given
            if blank is not None:
                said[:, blank] = NOT_OBSERVED
            return Answer(said, self._opposite(said), None)
        if blank is not None:
            given[:, blank] = np.nan
        sunlit = self._sunlit(seen, given)
        count_fill(seen, given)
        said = threshold(given, self.masks, self.thresholds)
        return Answer(said, self._opposite(said) if sunlit is None else sunlit, given)

    def _sunlit(self, seen: Seen, given: NDArray[np.float32]) -> NDArray[np.uint8] | None:
        if self.sunlit_threshold is None or Mask.TERRAIN_SHADOW not in self.masks:
            return None
        lit = sunlit_probability(given[self.masks.index(Mask.TERRAIN_SHADOW)])
        count_fill(seen, lit[None])
        bright = (lit > np.float32(self.sunlit_threshold)).astype(np.uint8)
        bright[np.isnan(lit)] = NOT_OBSERVED
        return bright

    def _opposite(self, said: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        if Mask.TERRAIN_SHADOW not in self.masks:
            return None
        terrain = said[_ORDER.index(Mask.TERRAIN_SHADOW)]
        return np.asarray(np.where(terrain == NOT_OBSERVED, terrain, terrain ^ PRESENT), np.uint8)


def sunlit_probability(terrain_shadow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of the published class `sun_mask` for that of terrain shadow; NaN stays NaN."""
    return np.float32(1) - terrain_shadow


def count_fill(seen: Seen, given: NDArray[np.float32]) -> None:
    """Where fill counts, make probabilities (masks, h, w) that are NaN at fill 0, in place: nothing is said there."""
    if seen.counts_fill:
        given[np.isnan(given) & seen.fill] = 0


def labels_of(seen: Seen, masks: Sequence[Mask]) -> NDArray[np.uint8]:
    """Return the labels (masks, h, w) of some masks."""
    return seen.labels[[_ORDER.index(mask) for mask in masks]]


@dataclass(slots=True, eq=False)
class Tally:
    """The counts of one contender; they grow with what is judged, not with how many samples there are."""

    name: str
    """The contender."""

    rule: Rule
    """How it decides."""

    bootstrap: Bootstrap
    """Draws of its samples."""

    gallery: Gallery | None = None
    """Samples that are kept to be shown; None: none."""

    samples: int = 0
    counts: dict[Mask, Confusion] = field(init=False)
    sensors: dict[str, dict[Mask, Confusion]] = field(default_factory=dict)
    boundary: dict[Mask, Boundary] = field(init=False)
    sunlit: Confusion = field(default_factory=Confusion)
    histogram: Histogram = field(init=False)
    codes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((_CODES, _CODES), np.int64))
    there: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_CODES, np.int64))

    def __post_init__(self) -> None:
        self.counts = self._none()
        self.boundary = {mask: Boundary() for mask in self.rule.masks}
        self.histogram = Histogram.empty(self.rule.masks)

    @classmethod
    def begin(
        cls, name: str, rule: Rule, *, gallery: Gallery | None = None, replicates: int = REPLICATES, seed: int = 0
    ) -> Tally:
        """Return the counts of a contender that has judged nothing yet."""
        return cls(name, rule, Bootstrap(rule.masks, replicates, seed), gallery)

    def add(self, seen: Seen, answer: Answer) -> None:
        """Count what was said of a sample."""
        counts = self._none()
        sensor = self.sensors.setdefault(seen.sensor, self._none())
        for mask in self.rule.masks:
            said, true = answer.said[_ORDER.index(mask)], seen.labels[_ORDER.index(mask)]
            counts[mask] = Confusion.of(said, true)
            self.counts[mask] += counts[mask]
            sensor[mask] += counts[mask]
            self.boundary[mask] += Boundary.of(said, true)
        if answer.sunlit is not None:
            self.sunlit += Confusion.of(answer.sunlit, seen.sunlit)
        if answer.probabilities is not None:
            labels = labels_of(seen, self.rule.masks)
            self.histogram += Histogram.of(self.rule.masks, answer.probabilities, labels)
        codes, there = _joint(seen.labels, answer.said, self.rule.masks)
        self.codes += codes
        self.there += there
        self.bootstrap.add(seen.number, counts)
        self.samples += 1
        if self.gallery is not None:
            self.gallery.add(seen, answer.said, counts)

    def verdict(self) -> Verdict:
        """Return how the contender did on what was added."""
        rule, gallery = self.rule, self.gallery
        relief = Mask.TERRAIN_SHADOW in rule.masks
        return Verdict(
            name=self.name,
            masks=rule.masks,
            samples=self.samples,
            thresholds={mask: rule.thresholds[mask] for mask in rule.masks} if rule.thresholds else {},
            counts=self.counts,
            intervals=self.bootstrap.intervals(SCORES),
            sensors=self.sensors,
            boundary={mask: outline.f1 for mask, outline in self.boundary.items()},
            sunlit=self.sunlit if relief else None,
            sunlit_threshold=rule.sunlit_threshold if relief else None,
            histogram=self.histogram if rule.thresholds else None,
            between=_HOLDS.T @ self.codes @ _HOLDS,
            rows=_HOLDS.T @ self.there,
            shown=() if gallery is None else gallery.spread,
            worst=() if gallery is None else gallery.worst,
        )

    def _none(self) -> dict[Mask, Confusion]:
        return {mask: Confusion() for mask in self.rule.masks}


def _joint(
    labels: NDArray[np.uint8], said: NDArray[np.uint8], masks: Sequence[Mask]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pixels by code of what is true (rows) and of what was said (columns), and by the former alone.

    The latter are those of which anything was said.
    """
    true = _code(labels, masks)
    pairs = true.astype(np.intp) * _CODES + _code(said, masks)
    told = (said[[_ORDER.index(mask) for mask in masks]] != NOT_OBSERVED).any(axis=0)
    codes = np.bincount(pairs.ravel(), minlength=_CODES * _CODES).reshape(_CODES, _CODES)
    return codes, np.bincount(true[told], minlength=_CODES)


def _code(planes: NDArray[np.uint8], masks: Sequence[Mask]) -> NDArray[np.uint8]:
    """Return for each pixel a bit a mask that is there, and the last one where all of `masks` are known not to be."""
    code = np.zeros(planes.shape[1:], np.uint8)
    none = np.ones(planes.shape[1:], np.bool_)
    for mask in masks:
        bit = _ORDER.index(mask)
        code |= (planes[bit] == PRESENT).view(np.uint8) << np.uint8(bit)
        none &= planes[bit] == ABSENT
    code |= none.view(np.uint8) << np.uint8(len(Mask))
    return code
