"""What a person can choose when masking; each option is described here, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from hlsmask.errors import UsageError
from hlsmask.masks import Mask
from hlsmask.weights import DEFAULT

if TYPE_CHECKING:
    from hlsmask.card import Card

MOST_BUFFER = 256
"""Pixels; almost 8 km."""

SPECTRAL: Final = "spectral"
"""The model, and the engine, that needs no weights."""

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Options:
    """How scenes are masked."""

    model: str | None = None
    """What masks: `hlsmask_s`, the network that comes with hlsmask; `spectral`, physics alone, without weights; or a
    file of weights: `.onnx` or `.safetensors` with a card, or a published `.pth.tar`. Else `hlsmask_s`."""

    masks: tuple[str, ...] = ()
    """Masks to give: water, cloud, cloud_shadow, snow_ice, terrain_shadow. All, if none is named."""

    threshold: tuple[str, ...] = ()
    """MASK=VALUE: the probability, 0 to 1, above which a mask is there. Else the card's."""

    engine: Literal["auto", "onnx", "openvino", "torch", "spectral"] = "auto"
    """What computes. `auto` takes what fits the model: `openvino` runs .onnx files on the CPU where it is installed
    (`hlsmask[openvino]`), else `onnx` (onnxruntime) does; `torch` runs all other weights. All three run `hlsmask_s`:
    `torch` where --precision, --compile or --device mps ask for it."""

    device: Device = "auto"
    """What it computes on. `auto` takes a GPU if there is one that the engine can use: CUDA, else Apple's (mps)."""

    precision: Precision = "auto"
    """Numbers that a network is computed in. `auto`: float16 on CUDA, float32 elsewhere. Torch engine only."""

    compile: bool = False
    """Compile the network first: minutes at the start, faster windows after. Torch engine only."""

    buffer: int = 0
    """Pixels around cloud and cloud shadow that are kept out of clear_water."""

    partial_water: bool = False
    """Count partial surface water (DSWx) as water. Spectral model only."""

    dem: str | None = None
    """Elevation in metres, any grid, covering the scenes: gives the spectral model terrain shadow where the sun is
    known. Networks give it without, but for those whose card asks for elevation."""

    scale: float | None = None
    """Reflectance of one stored unit, such as 0.0001. Else the file's own tag; integers without one are x 0.0001."""

    window: int | None = None
    """Rows and columns of the windows the engine works on. Else the card's. Masks of `hlsmask_s` and `spectral` do not
    depend on it."""

    overlap: int | None = None
    """Pixels that neighbouring windows share. Else the card's. Masks of `hlsmask_s` and `spectral` do not
    depend on it."""

    workers: int | None = None
    """Threads that read and compute. Else one a core."""

    def __post_init__(self) -> None:
        if not 0 <= self.buffer <= MOST_BUFFER:
            raise UsageError(f"--buffer is {self.buffer}; use 0 to {MOST_BUFFER} pixels")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers is {self.workers}; use 1 or more")
        if self.scale is not None and not self.scale > 0:
            raise UsageError(f"--scale is {self.scale}; use a number above 0, such as 0.0001")
        if self.window is not None and self.window < 1:
            raise UsageError(f"--window is {self.window}; use 1 pixel or more")
        if self.overlap is not None and self.overlap < 0:
            raise UsageError(f"--overlap is {self.overlap}; use 0 pixels or more")
        self.asked()
        self.thresholds_asked()

    def named(self) -> str:
        """Return the model: the one that was asked for, else the default, or `spectral` if its engine was named."""
        if self.model is not None:
            return self.model
        return SPECTRAL if self.engine == SPECTRAL else DEFAULT

    def asked(self) -> tuple[Mask, ...]:
        """Return the masks to give, in order."""
        return Mask.parse_all(self.masks) if self.masks else tuple(Mask)

    def thresholds_asked(self) -> dict[Mask, float]:
        """Return the thresholds that were asked for."""
        thresholds = {}
        for text in self.threshold:
            name, equals, value = text.partition("=")
            try:
                number = float(value)
            except ValueError:
                number = -1.0
            if not equals or not 0 <= number <= 1:
                raise UsageError(f"--threshold is {text!r}; use MASK=VALUE with a value from 0 to 1, such as water=0.4")
            thresholds[Mask.parse(name)] = number
        return thresholds

    def thresholds(self, card: Card) -> dict[Mask, float]:
        """Return the threshold of each mask that `card` gives."""
        asked = self.thresholds_asked()
        return {mask: asked.get(mask, card.threshold(mask)) for mask in card.masks}
