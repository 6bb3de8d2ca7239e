"""What was asked for, as a hash: results that carry the same one need not be made again."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsmask.aside import SUFFIX, remove_scratch
from hlsmask.hrefs import public_href

if TYPE_CHECKING:
    from collections.abc import Callable

    from hlsmask.granules.source import Source
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Options

_HOW_ONLY = ("workers", "model", "engine", "device", "precision", "compile")
"""Options that do not change results but for rounding, or that the engine's own identity says better."""

_CUT = ("window", "overlap")
"""Options that change results only where windows are blended."""


def request_hash(source: Source, engine: Engine, options: Options, *, probabilities: bool) -> str:
    """Return the SHA-256 (hexadecimal) of all that results depend on.

    Local files count by name, size and time of change, so that a moved archive is still known; URLs by what is
    not secret in them. The model counts by its card, its weights' hash and, where an
    engine has a choice, the precision it computes in; the device does not.
    """
    unheeded = _HOW_ONLY if engine.blends else (*_HOW_ONLY, *_CUT)
    chosen = {name: value for name, value in asdict(options).items() if name not in unheeded}
    if options.dem is not None:
        chosen["dem"] = _fingerprint(options.dem)
    told = {
        "source": [_fingerprint(href) for href in source.hrefs()],
        "card": engine.card.to_json(),
        "weights": getattr(engine, "sha256", None),
        "precision": getattr(engine, "precision", None),
        "options": chosen,
        "probabilities": probabilities,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _fingerprint(href: str) -> list[Any]:
    path = Path(href)
    if "://" in href or not path.is_file():
        return [public_href(href)]
    facts = path.stat()
    return [path.name, facts.st_size, facts.st_mtime_ns]


def answers(item: Any, request: str, size_of: Callable[[str], int | None]) -> bool:  # noqa: ANN401 - JSON, perhaps not ours
    """Return whether an Item answers `request` and its files are whole; `size_of` gives a file's bytes, by its link."""
    try:
        return bool(item["properties"]["hlsmask:request"] == request) and all(
            size_of(asset["href"]) == asset["file:size"] for asset in item["assets"].values()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def finished(folder: Path, name: str, request: str) -> dict[str, Any] | None:
    """Return the Item in `folder` if it answers `request` and its files are there, whole; else None."""
    try:
        item: dict[str, Any] = json.loads((folder / f"{name}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return item if answers(item, request, lambda href: (folder / href).stat().st_size) else None


def made_by(folder: Path, name: str) -> str:
    """Return model and version that made the results in `folder`, such as `spectral 1`; empty if there are none."""
    try:
        told = json.loads((folder / f"{name}.json").read_bytes())["properties"]
        return f"{told['hlsmask:model']} {told['hlsmask:model_version']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def sweep(out: Path, name: str) -> None:
    """Remove what a killed run left half-made of the results `name`, and of no other name that begins so."""
    scratch = re.compile(re.escape(f".{name}.") + r"[^.]+" + re.escape(SUFFIX))
    for left in out.iterdir() if out.is_dir() else ():
        if scratch.fullmatch(left.name):
            remove_scratch(left)
