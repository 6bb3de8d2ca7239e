"""The whole of it: validation chooses thresholds, test is judged, the card and the tables say what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hlsmask.errors import DatasetError, UsageError, first_line
from hlsmask.evaluation.entrants import open_judged, open_others
from hlsmask.evaluation.judging import judge, survey
from hlsmask.evaluation.layers import FMASK
from hlsmask.evaluation.network import stem_of
from hlsmask.evaluation.predictions import Predictions
from hlsmask.evaluation.results import Account, check_place, write_card, write_results
from hlsmask.evaluation.seen import Feed
from hlsmask.samples.lists import lists_in
from hlsmask.samples.opening import open_samples
from hlsmask.samples.store.reading import is_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hlsmask.evaluation.benchmarks import Benchmark
    from hlsmask.evaluation.options import Options
    from hlsmask.evaluation.verdict import Verdict
    from hlsmask.samples.sequence import Samples


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What came out, and where it lies."""

    verdicts: tuple[Verdict, ...]
    """On the checkpoint, then on those that it was compared with."""

    account: Account
    """What was judged, on what, and how."""

    files: tuple[Path, ...]
    """Tables, picture and report."""

    card: Path | None
    """The file whose card now holds thresholds and scores; None: none does."""

    @property
    def verdict(self) -> Verdict:
        """On the checkpoint."""
        return self.verdicts[0]


def evaluate(
    checkpoint: Path | str, options: Options, *, progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Judge weights; write thresholds and scores into their card, and tables, picture and report beside them.

    Parameters
    ----------
    checkpoint
        A `.safetensors`, `.onnx` or published `.pth.tar` file, or the name of a network that is shipped.
    options
        On what, and how.
    progress
        Called with how many samples are done, of how many.

    Raises
    ------
    UsageError
        If options, checkpoint and data do not fit each other.
    ModelError
        If weights cannot be used.
    DatasetError
        If there are no samples, or one is broken and such are not skipped.
    MissingPackageError
        If what was asked for needs a package that is not installed.
    OutputError
        If results cannot be written.
    """
    return _Run(Path(checkpoint), options, progress).evaluation()


class _Run:
    """One evaluation: what is found on the way is needed again."""

    def __init__(self, checkpoint: Path, options: Options, progress: Callable[[int, int], None] | None) -> None:
        self.checkpoint, self.options = checkpoint, options
        self.notes: list[str] = []
        self.benchmark = _benchmark(options)
        self.base = Path(options.out or checkpoint.parent)
        told = () if self.benchmark is None else (self.benchmark.name, options.split)
        self.stem = "_".join(filter(None, (stem_of(checkpoint), *told)))
        if self.benchmark is None:
            self.validation: Feed | None = self._feed(self._open("val"))
            self.test = self._feed(self._open("test"))
        else:
            self.validation, self.test = None, self._feed(self.benchmark.samples)
        self.network = open_judged(checkpoint, options, self.benchmark)
        self.others, left_out = open_others(checkpoint, options, self.network, self.benchmark)
        self.notes += left_out
        check_place(self.base / f"{self.stem}.csv")
        if options.predictions is not None:
            check_place(Path(options.predictions) / "sample.npz")
        self._progress, self._done = progress, 0
        self._total = len(self.test) + (len(self.validation) if self.validation else 0)

    def evaluation(self) -> Evaluation:
        options, network = self.options, self.network
        surveyed, kept = 0, dict(network.thresholds)
        if self.validation is not None:
            found = survey(self.validation, network, advance=self._advance)
            surveyed = found.samples
            chosen = found.thresholds(options.steps())
            kept = {mask: network.thresholds[mask] for mask in network.masks if mask not in chosen}
            for mask, why in found.unchosen(options.steps()).items():
                self.notes.append(f"{why}: {kept[mask]:g} kept")
            lit = found.sunlit_threshold(options.steps())
            network = replace(network, thresholds={**network.thresholds, **chosen}, sunlit_threshold=lit)
            self._tell_broken(self.validation, "val")
        keep = None if options.predictions is None else Predictions(Path(options.predictions), network.masks)
        verdicts = judge(
            self.test,
            [network, *self.others],
            keep=keep,
            replicates=options.bootstrap,
            seed=options.seed,
            advance=self._advance,
        )
        self._tell_broken(self.test, "test" if self.benchmark is None else self.benchmark.title)
        self._tell_unjudged(verdicts)
        account = Account(
            checkpoint=self.checkpoint,
            card=network.card,
            data=_place(options),
            validation=surveyed,
            test=verdicts[0].samples,
            options=options,
            kept=kept,
            benchmark=self.benchmark,
        )
        card = None
        if self.benchmark is None and not options.keep_card:
            card = write_card(account, verdicts[0], self.base / f"{self.stem}.safetensors", self.notes)
        account = replace(account, notes=tuple(self.notes))
        files = write_results(self.base / self.stem, account, verdicts)
        return Evaluation(verdicts, account, tuple(files), card)

    def _open(self, split: str) -> Samples:
        path = _place(self.options)
        try:
            samples = open_samples(path, split, missing="skip" if self.options.skip_broken else "raise")
        except DatasetError as error:
            found = [] if is_store(path) else lists_in(path)
            if is_store(path) or split in found or not path.is_dir():
                raise
            other = "test" if split == "val" else "val"
            has = f"{other}.npy but no {split}.npy" if other in found else "neither val.npy nor test.npy"
            raise DatasetError(f"{path} has {has}; judging needs both") from error
        if samples.missing:
            self.notes.append(f"{len(samples.missing)} samples of {split} are listed but not there, and left out")
        return samples

    def _feed(self, samples: Samples) -> Feed:
        options = self.options
        return Feed(
            samples,
            batch_size=options.batch_size,
            workers=options.workers,
            published=options.published_scoring,
            skip_broken=options.skip_broken,
        )

    def _advance(self, more: int) -> None:
        self._done += more
        if self._progress is not None:
            self._progress(self._done, self._total)

    def _tell_broken(self, feed: Feed, split: str) -> None:
        if feed.broken:
            what = f"{len(feed.broken)} of {len(feed)} samples of {split} are broken and left out"
            self.notes.append(f"{what}: {first_line(feed.broken[0])}")

    def _tell_unjudged(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            blank = [mask.title for mask in verdict.masks if not verdict.counts[mask].count]
            if verdict.name == FMASK and len(blank) == len(verdict.masks):
                self.notes.append("no sample holds an Fmask layer to compare with")
            elif verdict is not verdicts[0] and len(blank) == len(verdict.masks):
                self.notes.append(f"{verdict.name} is not judged: no pixel of what it gives can be compared")
            elif blank and verdict is verdicts[0]:
                self.notes.append(
                    f"no pixel of these samples is labelled for {', '.join(blank)}: nothing is judged there"
                )


def _benchmark(options: Options) -> Benchmark | None:
    if options.benchmark is None:
        return None
    from hlsmask.evaluation.benchmarks import open_benchmark  # noqa: PLC0415 - their readers are seldom needed

    name, folder = options.benchmark
    return open_benchmark(name, folder, options.split)


def _place(options: Options) -> Path:
    """Return where the samples lie."""
    place = options.data_dir if options.benchmark is None else options.benchmark[1]
    if place is None:  # which the options themselves refuse
        raise UsageError("there is nothing to judge on: name --data-dir or --benchmark")
    return Path(place)
