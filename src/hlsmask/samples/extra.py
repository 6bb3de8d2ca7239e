"""The packages of the extra `samples`, asked for when they are needed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS: Final = ("zarr", "numcodecs", "pyarrow", "pcodec")


@contextmanager
def samples_install(what: str) -> Iterator[None]:
    """Say what to install where `what` needs a package that is not there.

    Raises
    ------
    UsageError
        If a package of the extra is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _OURS:
            raise
        raise UsageError(f"{what} needs the package {missing}: pip install 'hlsmask[samples]'") from error
