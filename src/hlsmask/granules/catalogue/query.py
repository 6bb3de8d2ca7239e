"""What a person can search for; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the command line reads the annotations

from hlsmask.bands import Sensor
from hlsmask.errors import UsageError
from hlsmask.granules.catalogue.catalogues import Kind, Service, parse_roots
from hlsmask.granules.catalogue.dates import Span
from hlsmask.granules.catalogue.mgrs import parse_tile


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for."""

    bbox: tuple[float, float, float, float] | None = None
    """West, south, east, north in degrees; west > east across the antimeridian."""

    area: Path | None = None
    """GeoJSON file, longitude and latitude: what meets its shapes is found."""

    tiles: tuple[str, ...] = ()
    """MGRS tiles such as 13TDE: of a place only these, or all of them if no place is given."""

    dates: str | None = None
    """A year, month or day, or a range: 2024, 2024-06, 2024-06-01/2024-06-30, 2024-06-01/.. (both ends count)."""

    cloud_cover: float | None = None
    """Percent of cloud, at most, as the catalogue has it; where it has none the granule is kept."""

    products: tuple[Kind, ...] = (Kind.HLS,)
    """What to find: hls, dswx or both."""

    sensors: tuple[Sensor, ...] = tuple(Sensor)
    """Satellites: L30 is Landsat 8 and 9, S30 is Sentinel-2."""

    source: Service = Service.EARTHDATA
    """Where to look for HLS: NASA, or the Planetary Computer (from 2020 on, no login). DSWx is with NASA alone."""

    limit: int | None = None
    """Granules, and products, at most: those that the catalogue gives first. With --paired: pairs, the earliest."""

    endpoint: tuple[str, ...] = ()
    """Address of another STAC service in place of SOURCE's, or SERVICE=URL, such as earthdata=https://localhost."""

    def __post_init__(self) -> None:
        if self.bbox is not None and self.area is not None:
            raise UsageError("--bbox and --area both say where; use one of them")
        if self.bbox is None and self.area is None and not self.tiles:
            raise UsageError("say where: --bbox W S E N, --area FILE.geojson or --tiles 13TDE")
        if self.cloud_cover is not None and not 0 <= self.cloud_cover <= 100:  # noqa: PLR2004 - percent
            raise UsageError(f"--cloud-cover is {self.cloud_cover:g}; use percent, 0 to 100")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit is {self.limit}; use 1 or more")
        if not self.products or not self.sensors:
            raise UsageError("--products and --sensors need at least one name each")
        object.__setattr__(self, "tiles", tuple(dict.fromkeys(parse_tile(tile) for tile in self.tiles)))
        parse_roots(self.endpoint, self.source)
        self.span()

    def span(self) -> Span | None:
        """Return the time; None for all of it."""
        return None if self.dates is None else Span.parse(self.dates)
