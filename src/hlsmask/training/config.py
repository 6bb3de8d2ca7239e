"""The whole configuration of a run as a TOML file: written beside its results, read back to repeat it.

The names are those of the command line. The table `run` says with what and from what it was made; it is not part of
what is chosen.
"""

from __future__ import annotations

import platform
import tomllib
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hlsmask import __version__
from hlsmask.aside import write_text
from hlsmask.errors import UsageError
from hlsmask.training.options import Data, Learning, Machine, Network
from hlsmask.weights import is_shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.training.options import Options

RUN: Final = "run"
"""The table that is no choice."""

_WHOLE: Final = {
    option.name.replace("_", "-")
    for group in (Data, Network, Learning, Machine)
    for option in fields(group)
    if str(option.type).startswith("int")
}
"""Options that are whole numbers."""

_PACKAGES: Final = ("torch", "pytorch-lightning", "timm", "segmentation-models-pytorch", "numpy", "zarr")


def chosen(options: Options) -> dict[str, Any]:
    """Return every option by its name on the command line, as plain values; what is None is left out."""
    values: dict[str, Any] = {}
    for group in fields(options):
        part = getattr(options, group.name)
        for option in fields(part):
            value = _plain(getattr(part, option.name))
            if value is not None:
                values[option.name.replace("_", "-")] = value
    return values


def versions() -> dict[str, str]:
    """Return the versions of what results depend on."""
    found = {"hlsmask": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write(path: Path, values: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Write what was `chosen` and what is known of the run.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    import tomli_w  # noqa: PLC0415 - of the extra `train`

    write_text(path, tomli_w.dumps({**values, RUN: dict(run)}))


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of a file, by their names with dashes, and its table `run`, empty if there is none.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} is no configuration that can be read: {said}; it must be a TOML file") from error
    run = values.pop(RUN, {})
    if not isinstance(run, dict):
        raise UsageError(f"{path}: {RUN} is {run!r}; it is the table that a run writes, and no option")
    named: dict[str, Any] = {}
    for written, value in values.items():
        name = written.replace("_", "-")
        if name in named:
            raise UsageError(f"{path} gives {name} twice, with a dash and with an underscore; give it once")
        if name in _WHOLE and isinstance(value, float):
            raise UsageError(f"{path}: {written} is {value}; use a whole number")
        named[name] = value
    return named, run


def _plain(value: Any) -> Any:  # noqa: ANN401 - any option
    if isinstance(value, Path):
        return str(value if is_shipped(value) else value.expanduser().resolve())
    if isinstance(value, tuple):
        return [_plain(each) for each in value] or None
    return value
