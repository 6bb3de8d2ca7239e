"""What must be known of a product to describe it; plain values that the caller passes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hlsmask.masks import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odc.geo.geobox import GeoBox

    from hlsmask.bands import Sensor
    from hlsmask.card import Hysteresis
    from hlsmask.sun import Sun


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How the masks were made."""

    model: str
    """Name of the network or method."""

    model_version: str
    """Version of its weights."""

    engine: str
    """What ran it, such as `onnxruntime`."""

    engine_version: str
    """Version of that."""

    hlsmask_version: str
    """Version of this package."""

    weights_sha256: str | None = None
    """Hexadecimal SHA-256 of the weights file; None where there is none, as for the spectral engine."""

    thresholds: Mapping[Mask, float] = field(default_factory=dict)
    """Probability above which a mask is set, 0 to 1."""

    hysteresis: Mapping[Mask, Hysteresis] = field(default_factory=dict)
    """Masks that are set only where they are surer nearby."""

    buffer: int = 0
    """Pixels around cloud and cloud shadow that are kept out of clear water."""

    scale: float | None = None
    """Reflectance of one stored unit, where it was told; None: the files' own."""

    request: str | None = None
    """Hash of source, model and options: the same request need not be done again."""

    sources: tuple[str, ...] = ()
    """Paths or URLs of what was read; signatures and passwords in them are not written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecord:
    """One scene's products: where, when, what, how."""

    id: str
    """The granule's id, else the source file's stem; product files are named after it."""

    geobox: GeoBox
    """Shape, transform and CRS of the scene."""

    datetime: datetime
    """When it was sensed; UTC where it has no time zone."""

    datetime_source: Literal["acquisition", "file modification time"] = "acquisition"
    """Where `datetime` comes from."""

    provenance: Provenance
    """How the masks were made."""

    sensor: Sensor | None = None
    """Which satellites, where known."""

    platform: str | None = None
    """Which satellite, such as `sentinel-2b`, where known."""

    sun: Sun | None = None
    """Where the sun stood, where known."""

    observed: float | None = None
    """Share of all pixels that were observed, 0 to 1."""

    shares: Mapping[str, float | None] = field(default_factory=dict)
    """Share of observed pixels that each layer covers, 0 to 1, `clear_water` included; None = not known."""

    water_in_sight: float | None = None
    """Share of observed pixels, 0 to 1, that is water under neither cloud nor snow; None = not known."""

    unknown_masks: Mapping[Mask, str] = field(default_factory=dict)
    """Masks that hold 255 throughout, each with the reason, such as "no DEM was given"."""

    not_asked: tuple[Mask, ...] = ()
    """Masks that hold 255 throughout because nobody asked for them; clear water heeds them all the same."""

    definitions: Mapping[Mask, str] = field(default_factory=dict)
    """What exactly a mask means where it can mean more, such as terrain_shadow `shad`."""

    @property
    def clear_water_ignores(self) -> tuple[Mask, ...]:
        """Masks that clear water could not heed because they are not known."""
        return tuple(mask for mask in Mask if mask in self.unknown_masks and mask is not Mask.WATER)
