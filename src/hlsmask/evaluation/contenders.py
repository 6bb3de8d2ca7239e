"""What can be judged, and how each is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from hlsmask.errors import UsageError
from hlsmask.evaluation.layers import CSMASK, FMASK, CloudShadow, Fmask
from hlsmask.evaluation.network import ENDINGS, Network, open_network
from hlsmask.inference.choose import choose
from hlsmask.inference.options import SPECTRAL, Options
from hlsmask.masks import Mask
from hlsmask.models.files import TORCH_FILES
from hlsmask.weights import NAMES, is_shipped

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from hlsmask.evaluation.seen import Seen
    from hlsmask.inference.options import Device, Precision

NAMED: Final = (SPECTRAL, FMASK, CSMASK)
"""Contenders that are no files."""

AnyContender = TypeVar("AnyContender", bound=Network | Fmask | CloudShadow)


class Contender(Protocol):
    """Something that says what is in a sample."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def masks(self) -> tuple[Mask, ...]:
        """What it gives, in the order of `Mask`."""

    @property
    def thresholds(self) -> Mapping[Mask, float]:
        """Probability above which a mask is there; empty for one that gives plain masks."""

    @property
    def sunlit_threshold(self) -> float | None:
        """Probability of being sunlit (1 less that of terrain shadow) above which ground is. None: not told."""

    def __call__(self, batch: Sequence[Seen]) -> list[NDArray[Any]]:
        """Return, for each sample, an array (masks, h, w) that the caller may change.

        Float32 probabilities, NaN where a mask cannot be known; or uint8 masks, 0, 1 or 255, of one without
        thresholds. What is given where nothing was observed means nothing, unless fill counts (`Seen.counts_fill`):
        NaN is then taken for nothing said there.
        """


def open_contender(
    name: str,
    *,
    device: Device = "auto",
    precision: Precision = "auto",
    batch_size: int = 12,
    published: bool = False,
) -> Network | Fmask | CloudShadow:
    """Return what `--compare NAME` names: spectral, fmask, ukis-csmask, a shipped network, or a file of weights.

    Device and precision are those of the network that is judged; where a contender cannot have them, its own.

    Raises
    ------
    UsageError
        If there is no such contender.
    MissingPackageError
        If what it needs is not installed.
    ModelError
        If its weights cannot be used.
    """
    if name == FMASK:
        return Fmask()
    if name == CSMASK:
        return CloudShadow.load()
    if name == SPECTRAL:
        engine = choose(Options(model=SPECTRAL))
        card = engine.card
        masks = tuple(mask for mask in card.masks if mask is not Mask.TERRAIN_SHADOW)  # needs elevation
        return Network(SPECTRAL, card, engine, masks, {mask: card.threshold(mask) for mask in masks})
    if not (name.endswith(ENDINGS) or is_shipped(name)):
        known = ", ".join((*NAMED, *NAMES))
        raise UsageError(f"--compare knows no {name!r}; name {known}, or a .safetensors, .onnx or .pth.tar file")
    if not name.endswith(TORCH_FILES):
        device, precision = "auto" if device == "mps" else device, "auto"
    return open_network(Path(name), device=device, precision=precision, batch_size=batch_size, published=published)


def limited(contender: AnyContender, wanted: Collection[Mask]) -> AnyContender | None:
    """Return a contender that gives no other masks than those `wanted`; None where it gives none of them."""
    masks = tuple(mask for mask in contender.masks if mask in wanted)
    return replace(contender, masks=masks) if masks else None
