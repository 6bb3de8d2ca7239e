"""Which DSWx-HLS product belongs to which HLS granule."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hlsmask.bands import Sensor
    from hlsmask.granules.dswx import Product
    from hlsmask.granules.hls import Granule

TOLERANCE: Final = timedelta(seconds=60)
"""How far acquisition times of a pair may differ.

DSWx-HLS takes tile and acquisition time from the name of the HLS granule it was made from (`_core_filename` of the
OPERA DSWx-HLS PGE), so real pairs agree to the second. Another acquisition of the tile by the same satellites is an
orbit away, which is three quarters of an hour at least.
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A granule and, where there is one, the DSWx product that was made from it."""

    granule: Granule
    """HLS granule."""

    product: Product | None = None
    """DSWx-HLS product."""

    @property
    def id(self) -> str:
        """Both names."""
        return self.granule.id if self.product is None else f"{self.granule.id} + {self.product.id}"


@dataclass(frozen=True, slots=True)
class Pairing:
    """What belongs together, and what is left."""

    pairs: tuple[Pair, ...]
    """In the order of tile and time."""

    lonely_granules: tuple[Granule, ...] = ()
    """Granules without a product."""

    lonely_products: tuple[Product, ...] = ()
    """Products without a granule."""

    superseded: tuple[Product, ...] = ()
    """Products of which there is a newer production."""


def pair(granules: Iterable[Granule], products: Iterable[Product], tolerance: timedelta = TOLERANCE) -> Pairing:
    """Pair granules with products of the same tile, the same sensor and the same time.

    The nearest in time belong together, each to one at most. Of an acquisition that was produced more than once the
    newest production counts, then the highest version. The result does not depend on the order of what is given.

    Raises
    ------
    UsageError
        If the tolerance is negative.
    """
    if tolerance < timedelta(0):
        raise UsageError(f"a tolerance of {tolerance} is below zero; use 0 seconds or more")
    left = {granule.id: granule for granule in granules}
    newest, superseded = _newest(products)
    by_place: dict[tuple[str, Sensor], list[Product]] = defaultdict(list)
    for product in newest:
        by_place[product.tile, product.sensor].append(product)
    candidates = (
        (abs(granule.time - product.time), name, product.id, product)
        for name, granule in left.items()
        for product in by_place[granule.tile, granule.sensor]
    )
    near = sorted((each for each in candidates if each[0] <= tolerance), key=lambda each: each[:3])
    pairs: list[Pair] = []
    taken: set[str] = set()
    for _, name, other, product in near:
        if name in left and other not in taken:
            pairs.append(Pair(left.pop(name), product))
            taken.add(other)
    return Pairing(
        tuple(sorted(pairs, key=lambda pair: (pair.granule.tile, pair.granule.time, pair.granule.id))),
        tuple(sorted(left.values(), key=lambda granule: granule.id)),
        tuple(sorted((product for product in newest if product.id not in taken), key=lambda product: product.id)),
        tuple(sorted(superseded, key=lambda product: product.id)),
    )


def alone(granules: Iterable[Granule]) -> Pairing:
    """Return granules that need no product, as pairs."""
    unique = {granule.id: granule for granule in granules}
    ordered = sorted(unique.values(), key=lambda granule: (granule.tile, granule.time, granule.id))
    return Pairing(tuple(Pair(granule) for granule in ordered))


def why_lonely(granule: Granule, products: Sequence[Product]) -> str:
    """Return why a granule has no product, in words that end the sentence "it has no product: ..."."""
    tile = [product for product in products if product.tile == granule.tile]
    if not tile:
        return f"none is of tile {granule.tile}"
    same = [product for product in tile if product.sensor is granule.sensor]
    if not same:
        return f"those of tile {granule.tile} are not of {granule.sensor}"
    nearest = min(same, key=lambda product: (abs(product.time - granule.time), product.id))
    return f"the nearest in time, {nearest.id}, is {_span(abs(nearest.time - granule.time))} away"


def _newest(products: Iterable[Product]) -> tuple[list[Product], list[Product]]:
    """Return the newest production of each acquisition, and the others."""
    unique = {product.id: product for product in products}
    productions: dict[object, list[Product]] = defaultdict(list)
    for product in unique.values():
        productions[product.tile, product.sensor, product.time].append(product)
    newest, older = [], []
    for made in productions.values():
        *before, last = sorted(made, key=lambda product: (product.produced, _numbers(product.version), product.id))
        newest.append(last)
        older += before
    return newest, older


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _span(apart: timedelta) -> str:
    """Return a span of time as a person says it."""
    seconds = apart.total_seconds()
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} seconds"
