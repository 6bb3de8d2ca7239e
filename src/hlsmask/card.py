"""The card: what a network takes, what it gives, where it comes from. It travels inside every weights file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from hlsmask.bands import BANDS, Band
from hlsmask.errors import CardError, UsageError
from hlsmask.masks import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

METADATA_KEY: Final = "hlsmask.card"
"""Under this key `.onnx` and `.safetensors` files hold the card as JSON."""

CARD_VERSION: Final = 1

MOST_REACH: Final = 256
"""The farthest that hysteresis reaches, in pixels: rows of a scene are held back for so long."""

_PART: Final = 1 << 17
"""Pixels that are scaled in one go: half a megabyte, which stays in a core's own cache."""


@dataclass(frozen=True, slots=True)
class Normalization:
    """How reflectance becomes what the network takes."""

    kind: Literal["linear", "sqrt", "published"] = "linear"
    """`linear`: (x - mean) / std, a band each. `sqrt`: sqrt(clip(x, -0.1, 1.6) + 0.1), then linear.
    `published`: the joint min-max over all bands of the window that the improv-mask project uses, which
    makes every pixel depend on the brightest one read with it."""

    mean: tuple[float, ...] = (0.0,) * 6
    """One value a band."""

    std: tuple[float, ...] = (1.0,) * 6
    """One value a band, above 0."""

    def __post_init__(self) -> None:
        if self.kind not in ("linear", "sqrt", "published"):
            raise CardError(f"a card knows no normalization {self.kind!r}; use linear, sqrt or published")
        if len(self.mean) != len(self.std) or min(self.std, default=1.0) <= 0:
            raise CardError(f"a card's mean {self.mean} and std {self.std} need one value a band, std above 0")

    def __call__(
        self, bands: NDArray[np.float32], *, missing: float | None = None, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return what the network takes for float32 reflectance (..., 6, h, w); NaN becomes `missing`, or stays NaN.

        It is put into `out`, float32 of the same shape, which may be `bands` itself; else into an array of its own.
        """
        scaled = np.empty(bands.shape, np.float32) if out is None else out
        if self.kind == "published":
            low = np.nanmin(bands, axis=(-3, -2, -1), keepdims=True)
            span = np.nanmax(bands, axis=(-3, -2, -1), keepdims=True) - low
            # The original works on integers and divides by max(span, 1); 1 integer is 0.0001 reflectance.
            np.subtract(bands, low, out=scaled)
            scaled /= np.maximum(span, np.float32(1e-4))
            if missing is not None:
                np.copyto(scaled, np.float32(missing), where=np.isnan(scaled))
            return scaled
        rows = max(1, _PART // max(1, bands.shape[-1]))
        for band, (mean, std) in enumerate(zip(self.mean, self.std, strict=True)):
            for row in range(0, bands.shape[-2], rows):
                part = np.s_[..., band, row : row + rows, :]
                self._scale(bands[part], np.float32(mean), np.float32(std), out=scaled[part])
                if missing is not None:
                    np.copyto(scaled[part], np.float32(missing), where=np.isnan(scaled[part]))
        return scaled

    def _scale(self, band: NDArray[np.float32], mean: np.float32, std: np.float32, *, out: NDArray[np.float32]) -> None:
        """Put what the network takes of a part of one band into `out`."""
        if self.kind == "sqrt":
            np.clip(band, -0.1, 1.6, out=out)
            out += np.float32(0.1)
            np.sqrt(out, out=out)
            band = out
        np.subtract(band, mean, out=out)
        out /= std


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """A second, higher threshold: a mask is there above the lower one only where it is sure nearby."""

    high: float
    """A pixel is sure whose probability is above this, 0 to 1."""

    reach: int
    """Pixels in rows and columns within which there must be a sure one, 0 to 256."""

    def __post_init__(self) -> None:
        if not 0 <= self.high <= 1 or self.reach not in range(MOST_REACH + 1):
            raise CardError(
                f"a card has hysteresis of high {self.high} and reach {self.reach}; "
                f"use 0 to 1, and whole pixels from 0 to {MOST_REACH}"
            )

    def __str__(self) -> str:
        """Return it in words."""
        return f"only within {self.reach} pixels of what is above {self.high:g}"


@dataclass(frozen=True, slots=True)
class Card:
    """What one must know to run a network, and to trust it."""

    name: str
    """Such as `hlsmask_s`."""

    masks: tuple[Mask, ...]
    """What the network gives, in the order in which it gives it."""

    bands: tuple[Band, ...] = BANDS
    """What the network takes, in the order in which it takes it."""

    elevation: bool = False
    """Whether it takes, after the bands, the ground's elevation in metres."""

    normalization: Normalization = field(default_factory=Normalization)
    """From reflectance to what the network takes."""

    output: Literal["logits", "probabilities"] = "logits"
    """What the network's file gives; an engine always gives probabilities."""

    thresholds: Mapping[Mask, float] = field(default_factory=dict)
    """A mask is there where its probability is above this; 0.5 where nothing is said."""

    hysteresis: Mapping[Mask, Hysteresis] = field(default_factory=dict)
    """Masks that are there only where, within reach, they are somewhere above a higher threshold as well."""

    size: int = 512
    """Rows and columns of the window it runs best on."""

    multiple: int = 32
    """Rows and columns of every window must be a multiple of this."""

    fixed: bool = False
    """Whether it takes windows of `size` alone."""

    overlap: int = 128
    """Pixels that neighbouring windows share."""

    view: int | None = None
    """What a pixel gets depends on nothing farther than this many pixels from the block of `multiple` it lies in; None:
    on all that its window holds. Where windows share twice as much, masks do not depend on how a scene is cut."""

    backbone: str = ""
    """Name of the backbone, from which and the head's the network can be built again. Empty: it cannot."""

    head: str = ""
    """Name of the head."""

    version: str = "0"
    """Version of the weights."""

    definitions: Mapping[Mask, str] = field(default_factory=dict)
    """What exactly a mask means where it can mean more, such as terrain_shadow `shad` or `shad+cast`."""

    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Recipe, data, scores, date, licence: JSON values."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "masks", tuple(Mask.parse(name) for name in self.masks))
            object.__setattr__(self, "bands", tuple(Band(name) for name in self.bands))
            thresholds = {Mask.parse(name): float(value) for name, value in self.thresholds.items()}
            hysteresis = {Mask.parse(name): rule for name, rule in self.hysteresis.items()}
            definitions = {Mask.parse(name): text for name, text in self.definitions.items()}
        except (UsageError, ValueError) as error:
            raise CardError(f"the card of {self.name!r} cannot be read: {error}") from error
        object.__setattr__(self, "thresholds", MappingProxyType(thresholds))
        object.__setattr__(self, "hysteresis", MappingProxyType(hysteresis))
        object.__setattr__(self, "definitions", MappingProxyType(definitions))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        if self.output not in ("logits", "probabilities"):
            raise CardError(f"the card of {self.name!r} gives {self.output!r}; use logits or probabilities")
        if not self.masks or len(set(self.masks)) != len(self.masks):
            raise CardError(f"the card of {self.name!r} must name each of its masks once, not {self.masks}")
        for mask, value in thresholds.items():
            if not 0 <= value <= 1:
                raise CardError(f"the card of {self.name!r} has threshold {mask}={value}; use 0 to 1")
        if self.size < 1 or self.multiple < 1 or not 0 <= self.overlap < self.size or self.size % self.multiple:
            raise CardError(
                f"the card of {self.name!r} has size {self.size}, multiple {self.multiple}, overlap {self.overlap}; "
                "size must be a multiple of `multiple` and larger than the overlap"
            )
        if self.view is not None and self.view < 0:
            raise CardError(f"the card of {self.name!r} has view {self.view}; use 0 pixels or more, or null")

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is copied and pickled: as JSON, since mappings that cannot be changed cannot be pickled."""
        return type(self).from_json, (self.to_json(),)

    def normalize(
        self, bands: NDArray[np.float32], *, missing: float | None = None, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return what the network takes for float32 reflectance (..., 6, h, w); NaN becomes `missing`, or stays NaN.

        It is put into `out`, float32 of the same shape, which may be `bands` itself; else into an array of its own.
        """
        return self.normalization(bands, missing=missing, out=out)

    @property
    def seamless(self) -> bool:
        """Whether windows share all that a pixel depends on, so that none need be blended."""
        return self.view is not None and 2 * self.view <= self.overlap

    @property
    def reach(self) -> int:
        """Pixels within which what is said of a pixel changes whether a mask with hysteresis is there."""
        return max((rule.reach for rule in self.hysteresis.values()), default=0)

    def threshold(self, mask: Mask) -> float:
        """Return the probability above which `mask` is there."""
        return self.thresholds.get(mask, 0.5)

    def to_json(self) -> str:
        """Return the card as JSON, keys sorted, so that equal cards give equal text."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        values["normalization"] = asdict(self.normalization)
        for name in ("thresholds", "definitions", "provenance"):
            values[name] = dict(values[name])
        values["hysteresis"] = {name: asdict(rule) for name, rule in self.hysteresis.items()}
        if not self.hysteresis:  # a card without it can be read by versions that know none
            del values["hysteresis"]
        return json.dumps({"card": CARD_VERSION, **values}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, source: str = "the card") -> Card:
        """Return the card that `text` holds; `source` is named in errors.

        Raises
        ------
        CardError
            If the text is not JSON, not a card, or a card of a later version.
        """
        try:
            values = json.loads(text)
            version = values.pop("card")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise CardError(f"{source} holds no hlsmask card that can be read ({error})") from error
        if version != CARD_VERSION:
            raise CardError(f"{source} holds a card of version {version}; this hlsmask reads version {CARD_VERSION}")
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise CardError(f"{source} holds a card with unknown entries: {', '.join(unknown)}")
        try:
            scaling: dict[str, Any] = values.pop("normalization", {})
            for name in ("mean", "std"):
                if name in scaling:
                    scaling[name] = tuple(scaling[name])
            rules = {name: Hysteresis(**rule) for name, rule in values.pop("hysteresis", {}).items()}
            return cls(**values, normalization=Normalization(**scaling), hysteresis=rules)
        except (TypeError, AttributeError) as error:
            raise CardError(f"{source} holds a card that does not fit: {error}") from error
