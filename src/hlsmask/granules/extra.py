"""The packages of the extra `earthdata`, loaded when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hlsmask.errors import UsageError


def load(name: str, what: str) -> Any:  # noqa: ANN401 - a module
    """Return the module called `name`, which `what` needs.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing != name.partition(".")[0]:
            raise
        raise UsageError(f"{what} needs the package {missing}: pip install 'hlsmask[earthdata]'") from error
