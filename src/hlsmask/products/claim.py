"""One at a time makes the results of a source: another process waits, and finds them made."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hlsmask.aside import reason
from hlsmask.errors import OutputError
from hlsmask.locks import lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def claim(out: Path, name: str) -> Iterator[None]:
    """Hold the results `name` in `out`; wait while another process does.

    The system lets go of a claim whose process ends, however that comes about. It holds on one machine, and on network
    file systems that pass locks on; where a system has none, nothing is held.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    path = out / f".{name}.claim"
    try:
        with _held(path, out / name):
            yield
    finally:  # here, and twice: a stop may come between any two steps, those of tidying up among them
        try:
            _clear(path)
        finally:
            _clear(path)


@contextmanager
def _held(path: Path, results: Path) -> Iterator[None]:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(f"{results} cannot be written: {reason(error)}") from error
        try:
            lock(handle)
            if _is(path, handle):
                yield
                return
        finally:
            os.close(handle)


def _clear(path: Path) -> None:
    """Remove the claim at `path`, unless a process holds it: that one removes it when it is done.

    Who waits for it sees that it is gone, and makes its own.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:  # it is gone
        return
    try:
        if lock(handle, wait=False) and _is(path, handle):
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _is(path: Path, handle: int) -> bool:
    """Return whether the file that is held is still the one at `path`."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))  # noqa: PTH116 - beside fstat
    except FileNotFoundError:
        return False
