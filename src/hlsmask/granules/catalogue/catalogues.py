"""The catalogues that are searched, as data: services, collections, and what to know of each.

Collection ids of CMR-STAC are `{short_name}_{version}` of CMR's own records; those of the Planetary Computer are in
microsoft/planetary-computer-tasks, datasets/hls2. CMR-STAC answers GET searches of one collection a time the most
reliably: the `next` link of a POST search spells the body out as a query, which loses nested geometries
(nasa/cmr-stac, src/routes/search.ts and issue 353).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from hlsmask.bands import Sensor
from hlsmask.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(StrEnum):
    """What is searched for."""

    HLS = "hls"
    DSWX = "dswx"


class Service(StrEnum):
    """Who is asked."""

    EARTHDATA = "earthdata"
    PLANETARY_COMPUTER = "planetary-computer"

    @property
    def label(self) -> str:
        """Name, as sentences use it."""
        return {Service.EARTHDATA: "NASA Earthdata", Service.PLANETARY_COMPUTER: "the Planetary Computer"}[self]


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection of granules or products."""

    service: Service
    """Who has it."""

    id: str
    """As the service calls it."""

    kind: Kind
    """HLS or DSWx-HLS."""

    sensor: Sensor | None = None
    """Which satellites; None for both."""

    provider: str = ""
    """What follows the root of the service in the address of its search: CMR-STAC has an API a provider."""

    method: Literal["GET", "POST"] = "POST"
    """How to ask."""

    def api(self, roots: dict[Service, str]) -> str:
        """Return the address of the API that has it."""
        return f"{roots[self.service].rstrip('/')}/{self.provider}".rstrip("/")


ROOTS: Final = {
    Service.EARTHDATA: "https://cmr.earthdata.nasa.gov/stac",
    Service.PLANETARY_COMPUTER: "https://planetarycomputer.microsoft.com/api/stac/v1",
}
"""Where the services are."""

_COLLECTIONS: Final = (
    Collection(Service.EARTHDATA, "HLSL30_2.0", Kind.HLS, Sensor.L30, "LPCLOUD", "GET"),
    Collection(Service.EARTHDATA, "HLSS30_2.0", Kind.HLS, Sensor.S30, "LPCLOUD", "GET"),
    Collection(Service.PLANETARY_COMPUTER, "hls2-l30", Kind.HLS, Sensor.L30),
    Collection(Service.PLANETARY_COMPUTER, "hls2-s30", Kind.HLS, Sensor.S30),
    Collection(Service.EARTHDATA, "OPERA_L3_DSWX-HLS_V1_1.0", Kind.DSWX, None, "POCLOUD", "GET"),
)


def collections_of(kind: Kind, sensors: Sequence[Sensor], service: Service) -> list[Collection]:
    """Return the collections of `service` to search; DSWx-HLS is with NASA alone, whoever is asked for HLS."""
    service = Service.EARTHDATA if kind is Kind.DSWX else service
    return [
        collection
        for collection in _COLLECTIONS
        if (collection.kind, collection.service) == (kind, service)
        and (collection.sensor is None or collection.sensor in sensors)
    ]


def parse_roots(addresses: Sequence[str], service: Service) -> dict[Service, str]:
    """Return where each service is, if `addresses` (URL for `service`, or SERVICE=URL) stand in for the usual ones.

    Raises
    ------
    UsageError
        If one is no address, or of no service.
    """
    roots = dict(ROOTS)
    for text in addresses:
        name, equals, url = text.partition("=")
        if not equals or "://" in name:
            name, url = service, text
        if name not in list(Service) or not url.startswith(("https://", "http://")):
            known = " or ".join(Service)
            raise UsageError(f"--endpoint is {text!r}; use a URL, or {known}=URL, with https://")
        roots[Service(name)] = url
    return roots
