"""What was found, counted as it streams by, and what is to be told of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from hlsmask import __version__
from hlsmask.hrefs import is_local
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask
from hlsmask.products.palette import LAYERS
from hlsmask.products.record import ItemRecord, Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hlsmask.granules.source import Source
    from hlsmask.inference.decide import Decided
    from hlsmask.inference.run import Masking

_WATER: Final = LAYERS.index(Mask.WATER)
_HIDING: Final = [LAYERS.index(mask) for mask in (Mask.CLOUD, Mask.SNOW_ICE)]


class Tally:
    """Counts what the rows hold."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.pixels = self.observed = self.seen_water = 0
        self.present = dict.fromkeys(LAYERS, 0)
        self.known = dict.fromkeys(LAYERS, 0)

    def add(self, rows: Decided, layers: NDArray[np.uint8]) -> None:
        """Count finished rows, and the six layers (6, row, column) that are written of them."""
        self.pixels += rows.observed.size
        self.observed += int(np.count_nonzero(rows.observed))
        for name, layer in zip(LAYERS, layers, strict=True):
            self.present[name] += int(np.count_nonzero(layer == PRESENT))
            self.known[name] += int(np.count_nonzero(layer != NOT_OBSERVED))
        seen = layers[_WATER] == PRESENT
        for hiding in _HIDING:
            seen &= rows.masks[hiding] != PRESENT
        self.seen_water += int(np.count_nonzero(seen))

    def water_in_sight(self) -> float | None:
        """Return the share of observed pixels that is water under neither cloud nor snow; None = not known."""
        return self.seen_water / self.known[Mask.WATER] if self.known[Mask.WATER] else None

    def shares(self) -> dict[str, float | None]:
        """Return the share of observed pixels that each layer covers, 0 to 1; None = not known."""
        return {name: self.present[name] / known if known else None for name, known in self.known.items()}


def record_of(masking: Masking, source: Source, request: str, tally: Tally) -> ItemRecord:
    """Return what the Item is to tell of a scene that was masked."""
    origin, card, options = masking.scene.origin, masking.engine.card, masking.options
    time, told = origin.time, "acquisition"
    if time is None:
        time, told = _file_time(source), "file modification time"
    engine, _, version = masking.engine.name.partition(" ")
    return ItemRecord(
        id=source.id,
        geobox=masking.scene.geobox,
        datetime=time,
        datetime_source=told,  # type: ignore[arg-type]  # one of the two
        provenance=Provenance(
            model=card.name,
            model_version=card.version,
            engine=engine,
            engine_version=version,
            hlsmask_version=__version__,
            weights_sha256=getattr(masking.engine, "sha256", None),
            thresholds=masking.thresholds,
            hysteresis={mask: rule for mask, rule in card.hysteresis.items() if mask in card.masks},
            buffer=options.buffer,
            scale=options.scale,
            request=request,
            sources=tuple(_absolute(href) for href in origin.hrefs),
        ),
        sensor=origin.sensor,
        sun=origin.sun,
        observed=tally.observed / tally.pixels,
        shares=tally.shares(),
        water_in_sight=tally.water_in_sight(),
        unknown_masks=masking.unknown,
        not_asked=tuple(mask for mask in Mask if mask not in options.asked()),
        definitions=card.definitions,
    )


def _absolute(href: str) -> str:
    """Return a local path in full, as a link in an Item that lies elsewhere must have it; a URL as it is."""
    return os.path.abspath(href) if is_local(href) else href  # noqa: PTH100 - without ..


def _file_time(source: Source) -> datetime:
    """Return when the source's file was last changed, in whole seconds; now, where no file tells."""
    times = [Path(href).stat().st_mtime for href in source.hrefs() if Path(href).is_file()]
    return datetime.fromtimestamp(int(min(times)), UTC) if times else datetime.now(UTC).replace(microsecond=0)
