"""An HLS v2.0 granule: its name and where its layers are. Nothing is opened here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hlsmask.bands import Band, Sensor
from hlsmask.errors import MissingBandError, SourceError, UnreadableError
from hlsmask.granules.folders import files_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID: Final = re.compile(r"HLS\.(L30|S30)\.T(\d{2}[A-Z]{3})\.(\d{7}T\d{6})\.v(\d+\.\d+)")
_FILE: Final = re.compile(_ID.pattern + r"\.([A-Za-z0-9]+)\.tiff?$")
_TIME: Final = "%Y%jT%H%M%S"


@dataclass(frozen=True, slots=True)
class Granule:
    """One HLS tile at one time, as distributed: a layer a file."""

    sensor: Sensor
    """`L30` or `S30`."""

    tile: str
    """MGRS tile without the leading T, such as `13TDE`."""

    time: datetime
    """Acquisition as the name gives it, UTC, to the second."""

    version: str = "2.0"
    """HLS version, without the leading v."""

    hrefs: Mapping[str, str] = field(default_factory=dict)
    """Where each layer is (`B02`, ..., `Fmask`, `SZA`, ...): paths or URLs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hrefs", MappingProxyType(dict(self.hrefs)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is copied and pickled: a mapping that cannot be changed cannot be pickled."""
        return type(self), (self.sensor, self.tile, self.time, self.version, dict(self.hrefs))

    @property
    def id(self) -> str:
        """Name, such as `HLS.S30.T13TDE.2024190T174911.v2.0`."""
        return f"HLS.{self.sensor}.T{self.tile}.{self.time:{_TIME}}.v{self.version}"

    def __str__(self) -> str:
        return self.id

    @classmethod
    def parse(cls, name: str) -> Granule:
        """Return the granule called `name`, without hrefs; what comes before or after the name is ignored.

        Raises
        ------
        SourceError
            If there is no granule's name in it.
        """
        if not (match := _ID.search(name)):
            raise SourceError(f"{name!r} is not an HLS name such as HLS.S30.T13TDE.2024190T174911.v2.0")
        sensor, tile, time, version = match.groups()
        try:
            when = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
        except ValueError as error:
            raise SourceError(f"{name!r} holds no date and time (YYYYDDDTHHMMSS): {error}") from error
        return cls(Sensor(sensor), tile, when, version)

    @classmethod
    def from_folder(cls, folder: Path | str) -> Granule:
        """Return the granule whose layers lie in `folder`.

        Raises
        ------
        SourceError
            If the folder holds no granule, or several.
        """
        folder = Path(folder)
        try:
            files = sorted(path for path in folder.iterdir() if _FILE.search(path.name))
        except OSError as error:
            raise UnreadableError(f"{folder} cannot be listed: {error.strerror or error}") from error
        ids = sorted({cls.parse(path.name).id for path in files})
        if not ids:
            raise SourceError(f"{folder} holds no layer of an HLS granule (HLS.*.v2.0.<layer>.tif)")
        if len(ids) > 1:
            raise SourceError(
                f"{folder} holds {len(ids)} granules ({ids[0]}, {ids[1]}, ...); give one band file of the one you mean"
            )
        return cls._from_files(ids[0], files)

    @classmethod
    def from_file(cls, href: str) -> Granule:
        """Return the granule to which the band file at `href` belongs.

        Locally the other layers are those that lie beside it; at a URL those of the sensor are taken to.
        """
        split = urlsplit(href)
        granule = cls.parse(split.path.rsplit("/", 1)[-1])
        if "://" not in href:
            path = Path(href)
            return cls._from_files(granule.id, sorted(path.parent.iterdir()))
        folder = split.path.rsplit("/", 1)[0]
        layers = [*granule.sensor.layers.values(), "Fmask", "SZA", "SAA"]
        hrefs = {layer: split._replace(path=f"{folder}/{granule.id}.{layer}.tif").geturl() for layer in layers}
        return cls(granule.sensor, granule.tile, granule.time, granule.version, hrefs)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Granule:
        """Return the granule that a STAC Item (as a dict) of HLSL30, HLSS30, hls2-l30 or hls2-s30 describes."""
        granule = cls.parse(str(item.get("id", "")))
        hrefs = {str(key): str(asset["href"]) for key, asset in item.get("assets", {}).items() if "href" in asset}
        return cls(granule.sensor, granule.tile, granule.time, granule.version, hrefs)

    @classmethod
    def _from_files(cls, name: str, files: Iterable[Path]) -> Granule:
        hrefs = {}
        for path in files:
            if (match := _FILE.search(path.name)) and cls.parse(path.name).id == name:
                hrefs[match.group(5)] = str(path)
        granule = cls.parse(name)
        return cls(granule.sensor, granule.tile, granule.time, granule.version, hrefs)

    def band_hrefs(self) -> dict[Band, str]:
        """Return where each of the six bands is.

        Raises
        ------
        MissingBandError
            If any is missing; the message names them all.
        """
        layers = self.sensor.layers
        if missing := [f"{layer} ({band})" for band, layer in layers.items() if layer not in self.hrefs]:
            needs = ", ".join(layers.values())
            raise MissingBandError(f"{self.id} lacks {', '.join(missing)}; {self.sensor} needs {needs}")
        return {band: self.hrefs[layer] for band, layer in layers.items()}


def find_granules(folder: Path | str) -> list[Granule]:
    """Return every granule at or below `folder`, sorted by name: flat, in folders of their own, or a folder a layer.

    Where a layer is there twice, the first path in order counts. Files that are no layers are passed over.

    Raises
    ------
    SourceError
        If a folder cannot be listed, or a file is called like a layer but for its date.
    """
    found: dict[str, Granule] = {}
    hrefs: dict[str, dict[str, str]] = {}
    for path in files_below(folder):
        if match := _FILE.search(path.name):
            granule = Granule.parse(path.name)
            found.setdefault(granule.id, granule)
            hrefs.setdefault(granule.id, {}).setdefault(match.group(5), str(path))
    return [replace(found[name], hrefs=hrefs[name]) for name in sorted(found)]


def is_layer(href: str) -> bool:
    """Say whether `href` is called as a layer of an HLS granule is."""
    return _FILE.search(urlsplit(href).path if "://" in href else href) is not None
