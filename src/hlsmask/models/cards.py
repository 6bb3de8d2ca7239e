"""Another card for a file of weights, whose tensors stay as they are. A .safetensors file needs no package for it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hlsmask.aside import aside, reason
from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, ModelError, OutputError, UsageError, first_line
from hlsmask.extras import load
from hlsmask.models.files import check_readable
from hlsmask.models.headers import read_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_WRITE: Final = 0o222
"""The bits of a mode that let someone write."""


def rewrite(path: Path, card: Card) -> None:
    """Put `card` in the place of the one that a `.safetensors` or `.onnx` file has, whole or not at all.

    An `.onnx` file may keep its tensors in another file: that is neither read nor written. A link stays one: the file
    that it leads to is written anew, with the permissions that it has.

    Raises
    ------
    UsageError
        If the file is of another kind.
    MissingPackageError
        If it is an `.onnx` file and the package onnx is not installed.
    ModelError
        If it cannot be read.
    CardError
        If it has no card, or `card` is one for other masks, or for the same in another order.
    OutputError
        If the file is read-only, or the folder or the disk refuses; the file is then what it was.
    """
    if path.suffix == ".safetensors":
        _rewrite_safetensors(path, card)
    elif path.suffix == ".onnx":
        _rewrite_onnx(path, card)
    else:
        raise UsageError(f"{path} has no card to rewrite; use a .safetensors or .onnx file (hlsmask models import)")


def _rewrite_safetensors(path: Path, card: Card) -> None:
    header = read_header(path)
    _check(path, header.metadata, card)
    begins = replace(header, metadata={**header.metadata, METADATA_KEY: card.to_json()}).to_bytes()
    with _anew(path) as near, near.open("wb") as draft, path.open("rb") as file:
        file.seek(header.end)
        draft.write(begins)
        shutil.copyfileobj(file, draft, 1 << 20)


def _rewrite_onnx(path: Path, card: Card) -> None:
    onnx = load("train", "onnx", f"rewriting the card of {path}")
    check_readable(path)
    try:
        model: Any = onnx.load(path, load_external_data=False)
    except Exception as error:  # what protobuf says of other files
        raise ModelError(f"{path} is cut off or no .onnx file ({first_line(error)})") from error
    entries = {entry.key: entry for entry in model.metadata_props}
    _check(path, {key: entry.value for key, entry in entries.items()}, card)
    entries[METADATA_KEY].value = card.to_json()
    with _anew(path) as near:
        near.write_bytes(model.SerializeToString())


@contextmanager
def _anew(path: Path) -> Iterator[Path]:
    """Yield a place to write to, which becomes the file at `path`, behind links, with the mode that this has."""
    place = path.resolve()
    try:
        mode = place.stat().st_mode
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error
    if not mode & _WRITE:
        raise OutputError(f"{path} is read-only and left as it is; make it writable to have its card rewritten")
    with aside(place) as near:
        yield near
    try:
        place.chmod(mode)
    except OSError as error:
        raise OutputError(f"{path} is written, but not with the permissions it had: {reason(error)}") from error


def _check(path: Path, entries: Mapping[str, str], card: Card) -> None:
    """Raise CardError unless a file with these entries has a card for the masks of `card`."""
    if METADATA_KEY not in entries:
        raise CardError(f"{path} has no card: its metadata lacks {METADATA_KEY!r}; was it written by hlsmask?")
    there = Card.from_json(entries[METADATA_KEY], source=str(path))
    if card.masks != there.masks:
        raise CardError(f"{path} gives {', '.join(there.masks)}; a card for {', '.join(card.masks)} does not fit it")
