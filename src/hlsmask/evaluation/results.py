"""Where results of an evaluation go: the card of the weights, tables, a picture, a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from hlsmask.aside import open_scratch, remove_scratch
from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import MissingPackageError, ModelError, OutputError
from hlsmask.evaluation.judged import judged
from hlsmask.evaluation.picture import write_picture
from hlsmask.evaluation.report import About, write_report
from hlsmask.evaluation.table import write_comparison, write_csv, write_sensors
from hlsmask.evaluation.verdict import SCORES
from hlsmask.masks import Mask
from hlsmask.models.cards import rewrite
from hlsmask.models.files import PUBLISHED_FILES, sha256_of
from hlsmask.models.headers import read_header
from hlsmask.weights import is_shipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hlsmask.evaluation.benchmarks import Benchmark
    from hlsmask.evaluation.options import Options
    from hlsmask.evaluation.verdict import Verdict


_OF: Final = ("data", "date", "scoring")
"""What tells, in a card, of which evaluation scores are."""


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """What was judged, on what, and how."""

    checkpoint: Path
    """The file of weights."""

    card: Card
    """Its card, as it was before."""

    data: Path
    """Where the samples lie."""

    validation: int
    """Samples from which thresholds were chosen; 0 where they are the card's."""

    test: int
    """Samples that were judged."""

    options: Options
    """What was asked for."""

    kept: Mapping[Mask, float]
    """Thresholds that were not chosen but are the card's, or 0.5 where it has none."""

    benchmark: Benchmark | None = None
    """The human labels that were judged on; None for data of the published kind."""

    notes: tuple[str, ...] = ()
    """What whoever reads the figures should know, a sentence each."""


def check_place(path: Path) -> None:
    """Make the folder of `path`, and raise an error now rather than after the work if it cannot be written to.

    Raises
    ------
    OutputError
        If it cannot.
    """
    remove_scratch(open_scratch(path))


def write_card(account: Account, verdict: Verdict, beside: Path, notes: list[str]) -> Path | None:
    """Write thresholds and scores into the card of the weights, so that `predict` uses them.

    A published checkpoint holds no card: its weights are written with one to `beside`, unless a file of other weights
    lies there. Weights that are shipped stay as they are. Whatever prevents it is added to `notes`, as the scores are
    worth keeping all the same.

    Returns
    -------
    The file that holds the card now: the checkpoint or `beside`; None if none does.
    """
    path = account.checkpoint
    if is_shipped(path):
        notes.append(
            f"the card of {path}, which comes with hlsmask, stays as it is: thresholds and scores are in the tables "
            f"alone; hlsmask models export {path} --out FILE.onnx makes a copy whose card takes them"
        )
        return None
    try:
        if not path.name.endswith(PUBLISHED_FILES):
            rewrite(path, _found(account.card, account, verdict))
            return path
        if beside.exists():
            before = _card_of(beside)
            if before is None or before.provenance.get("sha256") != sha256_of(path):
                notes.append(
                    f"{beside} holds other weights and is left as it is: the thresholds stand in the tables alone; "
                    "name another folder with --out to have them in a card"
                )
                return None
            rewrite(beside, _found(before, account, verdict))
        else:
            _save(path, beside, _found(account.card, account, verdict))
    except (OutputError, ModelError, MissingPackageError) as error:
        notes.append(f"thresholds and scores are in the tables alone: {error}")
        return None
    return beside


def write_results(base: Path, account: Account, verdicts: Sequence[Verdict]) -> list[Path]:
    """Write tables, picture and report to `base` with their endings; return their paths.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    first, options = verdicts[0], account.options
    table, sensors, comparison, picture, report = (
        base.with_name(base.name + ending) for ending in (".csv", "_sensors.csv", "_comparison.csv", ".png", ".html")
    )
    write_csv(
        table,
        first,
        backbone=account.card.backbone,
        head=account.card.head,
        checkpoint=str(account.checkpoint),
        pretrained="" if options.pretrained is None else str(options.pretrained),
    )
    write_sensors(sensors, verdicts)
    write_comparison(comparison, verdicts)
    write_picture(picture, first)
    write_report(report, verdicts, _about(account))
    return [table, sensors, comparison, picture, report]


def _about(account: Account) -> About:
    options, benchmark = account.options, account.benchmark
    return About(
        checkpoint=account.checkpoint.name,
        version=account.card.version,
        data=str(account.data),
        validation=account.validation,
        test=account.test,
        thresholds=_origin_of_thresholds(account),
        published_scoring=options.published_scoring,
        notes=account.notes,
        date=_today(),
        benchmark="" if benchmark is None else benchmark.title,
        split=options.split or "",
        protocol="" if benchmark is None else f"{benchmark.protocol} {benchmark.source}",
    )


def _origin_of_thresholds(account: Account) -> str:
    if account.benchmark is not None:
        return "the card's"
    step = f"{account.options.threshold_step:g}"
    origin = f"best F1 of {account.validation} validation samples, in steps of {step}"
    return "; ".join(filter(None, (origin, told_kept(account.kept))))


def told_kept(kept: Mapping[Mask, float]) -> str:
    """Return which thresholds were kept, in words; "" if none was."""
    return f"kept: {'  '.join(f'{mask} {value:g}' for mask, value in kept.items())}" if kept else ""


def _found(card: Card, account: Account, verdict: Verdict) -> Card:
    """Return a card with what was found."""
    told = {**card.provenance, "evaluation": _provenance(card, account, verdict)}
    return replace(card, thresholds={**card.thresholds, **verdict.thresholds}, provenance=told)


def _provenance(card: Card, account: Account, verdict: Verdict) -> dict[str, Any]:
    """Return, as JSON values, what a card is to say of this evaluation.

    Scores that `card` holds of masks that are not judged now stay, with the data and the date that they are of.
    """
    options, now = account.options, judged([verdict])
    older = card.provenance.get("evaluation")
    older = older if isinstance(older, dict) else {}
    before = older.get("scores")
    stay = {
        name: {**{key: older[key] for key in _OF if key in older}, **told}
        for name, told in (before if isinstance(before, dict) else {}).items()
        if name not in now and isinstance(told, dict)
    }
    scores = {
        str(mask): {
            **{name: _number(getattr(verdict.counts[mask], name)) for name in SCORES},
            "boundary_f1": _number(verdict.boundary[mask]),
            "threshold": verdict.thresholds[mask],
        }
        for mask in verdict.masks
        if mask in now or mask not in stay
    }
    return {
        "data": account.data.resolve().name,
        "date": _today(),
        "validation_samples": account.validation,
        "test_samples": account.test,
        "scoring": "published" if options.published_scoring else "known pixels",
        "threshold_step": options.threshold_step,
        "sunlit_threshold": older.get("sunlit_threshold") if Mask.TERRAIN_SHADOW in stay else verdict.sunlit_threshold,
        "scores": {**stay, **scores},
    }


def _save(path: Path, target: Path, card: Card) -> None:
    """Write the weights of a published checkpoint with a card."""
    from hlsmask.models import load, save  # noqa: PLC0415 - torch only for files that need it

    net = load(path)
    net.card = card
    save(net, target)


def _card_of(path: Path) -> Card | None:
    """Return the card in a .safetensors file; None where it holds none that can be read."""
    try:
        return Card.from_json(read_header(path).metadata[METADATA_KEY], source=str(path))
    except (ModelError, KeyError):
        return None


def _number(value: float) -> float | None:
    return value if isfinite(value) else None  # JSON has no NaN


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
