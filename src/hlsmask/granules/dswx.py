"""An OPERA DSWx-HLS product: its name, where its layers are, and what their codes mean. Nothing is opened here.

Names and codes: OPERA DSWx-HLS product specification (D-107395 Rev B), and the constants of nasa/PROTEUS 1.0.2,
the program that makes the product.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hlsmask.bands import Sensor
from hlsmask.errors import MissingBandError, SourceError, UnreadableError
from hlsmask.granules.folders import files_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAYERS: Final = ("WTR", "BWTR", "CONF", "DIAG", "WTR-1", "WTR-2", "LAND", "SHAD", "CLOUD", "DEM")
"""The ten layers; the number of each in its file's name is its place here, from 1."""

PLATFORMS: Final = MappingProxyType(
    {"L8": Sensor.L30, "L9": Sensor.L30, "S2A": Sensor.S30, "S2B": Sensor.S30, "S2C": Sensor.S30}
)
"""Satellites as names have them, and the HLS granules that they give."""

_TIME: Final = "%Y%m%dT%H%M%SZ"
_STAMP: Final = r"\d{8}T\d{6}Z"
_ID: Final = re.compile(
    rf"OPERA_L3_DSW[xX]-HLS_T(\d{{2}}[A-Z]{{3}})_({_STAMP})_({_STAMP})_({'|'.join(PLATFORMS)})_30_v(\d+\.\d+)"
)
_FILE: Final = re.compile(_ID.pattern + rf"_B\d{{2}}_({'|'.join(LAYERS)})\.tiff?$")
_KEY: Final = re.compile(rf"(?:^|_)B\d{{2}}_({'|'.join(LAYERS)})$")
_LOCAL: Final = re.compile(r"dswx_hls.*_B\d{2}_[A-Z0-9-]+\.tiff?$")
_EXAMPLE: Final = "OPERA_L3_DSWx-HLS_T12SVG_20230411T180222Z_20230414T030945Z_L8_30_v1.0"


@dataclass(frozen=True, slots=True)
class Product:
    """The surface water of one HLS tile at one time, as distributed: a layer a file."""

    tile: str
    """MGRS tile without the leading T, such as `13TDE`."""

    time: datetime
    """Acquisition as the name gives it, UTC, to the second: that of the HLS granule it was made from."""

    produced: datetime
    """When it was made, UTC; of two products of one acquisition the later one counts."""

    platform: str
    """`L8`, `L9`, `S2A`, `S2B` or `S2C`."""

    version: str = "1.0"
    """Version of the product, without the leading v; 1.0 and 1.1 have the same layers and codes."""

    hrefs: Mapping[str, str] = field(default_factory=dict)
    """Where each layer is (`WTR`, ..., `DEM`): paths or URLs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hrefs", MappingProxyType(dict(self.hrefs)))

    @property
    def id(self) -> str:
        """Name, such as `OPERA_L3_DSWx-HLS_T12SVG_20230411T180222Z_20230414T030945Z_L8_30_v1.0`."""
        return (
            f"OPERA_L3_DSWx-HLS_T{self.tile}_{self.time:{_TIME}}_{self.produced:{_TIME}}_{self.platform}"
            f"_30_v{self.version}"
        )

    def __str__(self) -> str:
        return self.id

    @property
    def sensor(self) -> Sensor:
        """Which HLS granules belong to it."""
        return PLATFORMS[self.platform]

    @classmethod
    def parse(cls, name: str) -> Product:
        """Return the product called `name`, without hrefs; what comes before or after the name is ignored.

        Raises
        ------
        SourceError
            If there is no product's name in it.
        """
        if not (match := _ID.search(name)):
            if _LOCAL.search(name):
                raise SourceError(
                    f"{name!r} is called as PROTEUS calls files on one's own disk, which tells neither tile nor "
                    f"time; rename it to begin as the archive's do, such as {_EXAMPLE}_B01_WTR.tif"
                )
            raise SourceError(f"{name!r} is not a DSWx-HLS name such as {_EXAMPLE}")
        tile, acquired, made, platform, version = match.groups()
        try:
            time, produced = (datetime.strptime(text, _TIME).replace(tzinfo=UTC) for text in (acquired, made))
        except ValueError as error:
            raise SourceError(f"{name!r} holds no two dates and times (YYYYMMDDTHHMMSSZ): {error}") from error
        return cls(tile, time, produced, platform, version)

    @classmethod
    def from_folder(cls, folder: Path | str) -> Product:
        """Return the product whose layers lie in `folder`.

        Raises
        ------
        SourceError
            If the folder holds no product, or several.
        """
        folder = Path(folder)
        try:
            files = sorted(folder.iterdir())
        except OSError as error:
            raise UnreadableError(f"{folder} cannot be listed: {error.strerror or error}") from error
        products = _products(files)
        if not products:
            local = next((path.name for path in files if _LOCAL.search(path.name)), None)
            if local:
                cls.parse(local)
            raise SourceError(f"{folder} holds no layer of a DSWx-HLS product ({_EXAMPLE}_B01_WTR.tif)")
        if len(products) > 1:
            raise SourceError(
                f"{folder} holds {len(products)} products ({products[0]}, {products[1]}, ...); use a folder for each"
            )
        return products[0]

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Product:
        """Return the product that a STAC Item (as a dict) of CMR's POCLOUD describes.

        A layer is told by its file's name, else by the end of the asset's key (`1_B01_WTR`: the number before it
        varies). Where a layer has several addresses, https goes before s3, which only works inside one cloud region.
        """
        product = cls.parse(str(item.get("id", "")))
        hrefs: dict[str, str] = {}
        for key, asset in item.get("assets", {}).items():
            href = str(asset.get("href", "")) if isinstance(asset, dict) else ""
            path = urlsplit(href).path
            match = _FILE.search(path) or (_KEY.search(str(key)) if path.lower().endswith((".tif", ".tiff")) else None)
            if match and not hrefs.get(match[match.lastindex or 0], "").startswith("http"):
                hrefs[match[match.lastindex or 0]] = href
        return replace(product, hrefs=hrefs)

    def layer_hrefs(self, layers: Iterable[str]) -> dict[str, str]:
        """Return where each of `layers` is.

        Raises
        ------
        MissingBandError
            If any is missing; the message names them all.
        """
        wanted = tuple(layers)
        if missing := [layer for layer in wanted if layer not in self.hrefs]:
            raise MissingBandError(f"{self.id} lacks {', '.join(missing)}; needed are {', '.join(wanted)}")
        return {layer: self.hrefs[layer] for layer in wanted}


def find_products(folder: Path | str) -> list[Product]:
    """Return every product at or below `folder`, sorted by name: flat, in folders of their own, or a folder a layer.

    Where a layer is there twice, the first path in order counts. Files that are no layers are passed over.

    Raises
    ------
    SourceError
        If a folder cannot be listed, or a file is called like a layer but for its dates.
    """
    return _products(files_below(folder))


def _products(files: Iterable[Path]) -> list[Product]:
    found: dict[str, Product] = {}
    hrefs: dict[str, dict[str, str]] = {}
    for path in files:
        if match := _FILE.search(path.name):
            product = Product.parse(path.name)
            found.setdefault(product.id, product)
            hrefs.setdefault(product.id, {}).setdefault(match[match.lastindex or 0], str(path))
    return [replace(found[name], hrefs=hrefs[name]) for name in sorted(found)]
