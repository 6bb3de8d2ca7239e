"""What takes long for large networks is a proof for `make test-all`; `make test` leaves it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

HEAVY = ("satlas_si_swinb", "vitb16", "prithvi")
"""Networks that take from ten seconds to half a minute for a step forward and back."""


def slowly(names: Iterable[str], heavy: Collection[str] = HEAVY) -> list[object]:
    """Return values to parametrize with: `names`, those that are `heavy` marked as slow."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in heavy else name for name in names]
