"""Who is judged: the checkpoint, checked against what is asked of it, and those that it is compared with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hlsmask.errors import UsageError
from hlsmask.evaluation.contenders import limited, open_contender
from hlsmask.evaluation.network import ENDINGS, open_network, stem_of
from hlsmask.masks import Mask
from hlsmask.models.registry import find
from hlsmask.weights import file_of, is_shipped

if TYPE_CHECKING:
    from hlsmask.card import Card
    from hlsmask.evaluation.benchmarks import Benchmark
    from hlsmask.evaluation.contenders import Contender
    from hlsmask.evaluation.network import Network
    from hlsmask.evaluation.options import Options


def open_judged(checkpoint: Path, options: Options, benchmark: Benchmark | None = None) -> Network:
    """Return the network to judge, limited to what is asked of it and what labels can tell.

    Raises
    ------
    ModelError
        If the weights cannot be used.
    UsageError
        If it is not what --backbone and --head say, or does not give what is asked for.
    """
    opened = open_network(
        checkpoint,
        device=options.device,
        precision=options.precision,
        batch_size=options.batch_size,
        published=options.published_scoring,
    )
    if options.backbone is not None or options.head is not None:
        _check_names(checkpoint, opened.card, options)
    asked = options.wanted() or opened.masks
    given = ", ".join(opened.masks)
    if lacking := [mask for mask in asked if mask not in opened.masks]:
        raise UsageError(f"{checkpoint} does not give {', '.join(lacking)}; leave it out of --tasks: it gives {given}")
    network = limited(opened, _wanted(options, benchmark))
    if network is None:
        able = ", ".join(Mask if benchmark is None else benchmark.masks)
        raise UsageError(
            f"nothing of {', '.join(asked)}, which {checkpoint} gives, can be judged: the labels hold {able}"
        )
    return network


def open_others(
    checkpoint: Path, options: Options, network: Network, benchmark: Benchmark | None = None
) -> tuple[list[Contender], list[str]]:
    """Return those to compare `network` with, each by a name of its own; and who is left out, a sentence each.

    Files of one stem are told apart by their folders, else by their paths as they were given.

    Raises
    ------
    UsageError
        If one is not known, or is the same file as the checkpoint or another one.
    MissingPackageError
        If what one needs is not installed.
    ModelError
        If weights cannot be used.
    """
    _refuse_same(checkpoint, options)
    taken = {network.name, _with_folder(checkpoint)}
    others: list[Contender] = []
    left_out = []
    for name in options.compare:
        opened = open_contender(
            name,
            device=options.device,
            precision=options.precision,
            batch_size=options.batch_size,
            published=options.published_scoring,
        )
        contender = limited(opened, _wanted(options, benchmark))
        if contender is None:
            left_out.append(f"{opened.name} gives none of the masks that are judged and is left out")
            continue
        beside = _with_folder(Path(name)) if _is_file(name) else name
        free = next((each for each in (contender.name, beside) if each not in taken), name)
        taken |= {free, beside}
        others.append(replace(contender, name=free))
    return others, left_out


def _refuse_same(checkpoint: Path, options: Options) -> None:
    """Raise UsageError if a file would be compared with itself."""
    told = {file_of(checkpoint).resolve(): str(checkpoint)}
    for name in options.compare:
        if not _is_file(name):
            continue
        place = file_of(name).resolve()
        if place in told:
            raise UsageError(f"--compare {name} is the same file as {told[place]}; name each file once")
        told[place] = name


def _is_file(name: str) -> bool:
    """Say whether a contender lies in a file, its own or one that is shipped."""
    return name.endswith(ENDINGS) or is_shipped(name)


def _with_folder(path: Path) -> str:
    """Return the name of the folder of a file, and its own without ending."""
    place = file_of(path)
    return f"{place.absolute().parent.name}/{stem_of(place)}"


def _wanted(options: Options, benchmark: Benchmark | None) -> tuple[Mask, ...]:
    """Return the masks that are to be judged, of whoever gives them."""
    able = tuple(Mask) if benchmark is None else benchmark.masks
    return tuple(mask for mask in options.wanted() or Mask if mask in able)


def _check_names(checkpoint: Path, card: Card, options: Options) -> None:
    """Raise UsageError for names that are not those of the card."""
    named = find(options.backbone or card.backbone, options.head)
    if (named.backbone, named.head) != (card.backbone, card.head):
        held = f"{card.backbone or 'an unknown backbone'} with {card.head or 'an unknown head'}"
        told = f"{named.backbone} with {named.head}"
        raise UsageError(f"{checkpoint} holds {held}, not {told}; leave out --backbone and --head")
