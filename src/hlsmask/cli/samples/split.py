"""`hlsmask samples split`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts reads the annotations
from typing import Annotated

from cyclopts import Parameter

from hlsmask.samples.division.shares import By, Shares

_SHARES = Shares()


def split(
    store: Path,
    /,
    *,
    by: By = "tile",
    again: bool = False,
    shares: Annotated[Shares, Parameter(name="*")] = _SHARES,
) -> int:
    """Divide the samples of a store into train, val and test, so that no ground is in two of them.

    Whole MGRS tiles, or blocks of ground, go to one split; all five masks are divided as evenly as they allow.
    Tiles or blocks whose samples overlap are kept together, if the shares can be met so; else samples that overlap
    one of another split are in none. Only the manifest is written anew.

    Parameters
    ----------
    store
        A store of samples.
    by
        What goes to one split as a whole: MGRS tiles, or blocks of ground.
    again
        Divide anew samples that have a split already. Else they keep it, and new ones join those around them.
    shares
        How much each split gets.
    """
    from hlsmask.cli import DONE  # noqa: PLC0415 - with what follows
    from hlsmask.cli.samples.tables import show_division  # noqa: PLC0415 - --help answers at once
    from hlsmask.samples.division.dividing import divide  # noqa: PLC0415 - the same

    division, rows = divide(store, by=by, shares=shares, again=again)
    show_division(division, rows, by, shares)
    return DONE
