"""How many work at once, checked before anything starts."""

from __future__ import annotations

from hlsmask.errors import UsageError


def check_workers(workers: int) -> None:
    """Raise UsageError if there are fewer workers than one."""
    if workers < 1:
        raise UsageError(f"--workers is {workers}; use 1 or more")
