"""Names of MGRS tiles."""

from __future__ import annotations

import re
from typing import Final

from hlsmask.errors import UsageError

_NAME: Final = re.compile(r"T?(\d{2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])")
_ZONES: Final = 60


def parse_tile(name: str) -> str:
    """Return the name of a tile as HLS writes it, without the leading T.

    Raises
    ------
    UsageError
        If it is not one.
    """
    if not (match := _NAME.fullmatch(name.strip().upper())) or not 1 <= int(match[1]) <= _ZONES:
        raise UsageError(f"{name!r} is no MGRS tile; use names such as 13TDE")
    return "".join(match.groups())
