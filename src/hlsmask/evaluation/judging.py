"""One pass over samples: probabilities of one network for its thresholds, or verdicts on all contenders at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsmask.evaluation.bootstrap import REPLICATES
from hlsmask.evaluation.counting import Rule, Tally, count_fill, labels_of, sunlit_probability
from hlsmask.evaluation.gallery import Gallery
from hlsmask.evaluation.histogram import Histogram
from hlsmask.evaluation.thresholds import best_threshold, tells_apart, why_none
from hlsmask.masks import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hlsmask.evaluation.contenders import Contender
    from hlsmask.evaluation.counting import Answer
    from hlsmask.evaluation.seen import Feed, Seen
    from hlsmask.evaluation.verdict import Verdict

    Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Survey:
    """The probabilities that a network gives on validation samples."""

    samples: int
    """How many there were."""

    histogram: Histogram
    """Of its masks."""

    sunlit: Histogram
    """Of the published class `sun_mask`, in a row called terrain shadow; empty where that is not given."""

    def thresholds(self, steps: Sequence[float]) -> dict[Mask, float]:
        """Return the best of `steps` for each mask; none where no step is better than saying the mask everywhere."""
        found = {mask: best_threshold(self.histogram, mask, steps) for mask in self.histogram.masks}
        return {
            mask: value
            for mask, value in found.items()
            if value is not None and tells_apart(self.histogram, mask, value)
        }

    def unchosen(self, steps: Sequence[float]) -> dict[Mask, str]:
        """Return why no threshold was chosen, for each mask that has none: the first half of a sentence."""
        found = {mask: why_none(self.histogram, mask, steps) for mask in self.histogram.masks}
        return {mask: why for mask, why in found.items() if why is not None}

    def sunlit_threshold(self, steps: Sequence[float]) -> float | None:
        """Return the best of `steps` for the sunlit class, as published; None where no step has an F1 above 0."""
        return best_threshold(self.sunlit, Mask.TERRAIN_SHADOW, steps)


def survey(feed: Feed, network: Contender, *, advance: Advance | None = None) -> Survey:
    """Go once over validation samples; `advance` is called with how many more samples are done.

    Raises
    ------
    SampleError
        If a sample is broken and such are not skipped.
    DatasetError
        If there are no samples that can be read.
    """
    masks = network.masks
    histogram, sunlit = Histogram.empty(masks), Histogram.empty([Mask.TERRAIN_SHADOW])
    relief = masks.index(Mask.TERRAIN_SHADOW) if Mask.TERRAIN_SHADOW in masks else None
    samples = 0
    for batch in feed:
        for seen, given in zip(batch, network(batch), strict=True):
            if relief is not None:
                lit = sunlit_probability(given[relief])[None]
                count_fill(seen, lit)
                sunlit += Histogram.of(sunlit.masks, lit, seen.sunlit[None])
            count_fill(seen, given)
            histogram += Histogram.of(masks, given, labels_of(seen, masks))
        samples += len(batch)
        if advance is not None:
            advance(len(batch))
    return Survey(samples, histogram, sunlit)


def judge(
    feed: Feed,
    contenders: Sequence[Contender],
    *,
    keep: Callable[[Seen, Answer], None] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    advance: Advance | None = None,
) -> tuple[Verdict, ...]:
    """Go once over test samples and return a verdict on each contender.

    Parameters
    ----------
    feed
        The samples.
    contenders
        Who is judged; samples to show are kept of the first alone.
    keep
        Called with each sample and what the first contender said of it.
    replicates
        Data sets that are drawn for intervals.
    seed
        From which they are drawn.
    advance
        Called with how many more samples are done.

    Raises
    ------
    SampleError
        If a sample is broken and such are not skipped.
    DatasetError
        If there are no samples that can be read.
    """
    tallies = []
    for at, contender in enumerate(contenders):
        gallery = None if at else Gallery(len(feed))
        rule = Rule(contender.masks, contender.thresholds, _sunlit(contender))
        tallies.append(Tally.begin(contender.name, rule, gallery=gallery, replicates=replicates, seed=seed))
    for batch in feed:
        for at, (contender, tally) in enumerate(zip(contenders, tallies, strict=True)):
            for seen, given in zip(batch, contender(batch), strict=True):
                answer = tally.rule.answer(seen, given)
                tally.add(seen, answer)
                if keep is not None and at == 0:
                    keep(seen, answer)
        if advance is not None:
            advance(len(batch))
    return tuple(tally.verdict() for tally in tallies)


def _sunlit(contender: Contender) -> float | None:
    """Return the probability of being sunlit above which ground is; None without probabilities of terrain shadow."""
    if Mask.TERRAIN_SHADOW not in contender.masks or not contender.thresholds:
        return None
    told = contender.sunlit_threshold
    return 1 - contender.thresholds[Mask.TERRAIN_SHADOW] if told is None else told
