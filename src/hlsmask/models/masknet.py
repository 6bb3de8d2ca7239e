"""The network: one backbone, and the heads of all masks at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from torch import Tensor, nn
from torch.nn import functional

from hlsmask.errors import UsageError
from hlsmask.windows import round_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.card import Card


@dataclass(frozen=True, slots=True)
class Cut:
    """A layer that need not look at all of a window where its margins are not kept."""

    module: str
    """Its name in the backbone."""

    stride: int
    """Pixels that one of what it takes stands for, along rows and columns."""

    margin: int = 1
    """Blocks of `Backbone.multiple` pixels that it must see on each side of those that hold what is kept."""

    within: int | None = None
    """The margin of the cut that what it takes has gone through, if it has."""


class Backbone(nn.Module):
    """From bands (n, 6, h, w) to what its heads take."""

    multiple: ClassVar[int] = 32
    """Rows and columns it takes are multiples of this."""

    smallest: ClassVar[int] = 32
    """Rows and columns it takes at least."""

    fixed: ClassVar[int | None] = None
    """Rows and columns it takes, if it takes one size alone."""

    pretrained: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of its tensors that pretrained weights must give, all of them."""

    cuts: ClassVar[tuple[Cut, ...]] = ()
    """Where margins may be cut off within it, if heads see no farther than the last of them allows."""

    frozen: bool = False
    """Whether it stays in evaluation mode (`hlsmask.models.freezing`)."""

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - as torch has it
        """Go into training mode, or out of it; not into it while `frozen`."""
        return super().train(mode and not self.frozen)

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors as the host of pretrained weights names them under our names, those of no use left out.

        Those that the host does not have (the first convolution from six bands, layers between backbone and
        heads) are not there either.
        """
        raise NotImplementedError

    def shortened(self, heads: nn.Module) -> tuple[Backbone, nn.Module]:
        """Return this backbone and its heads in the form that is run: the same results in fewer steps.

        Called in evaluation mode, once batch norms are part of the convolutions before them.
        """
        return self, heads


class MaskNet(nn.Module):
    """A network that gives all masks of its card at once."""

    def __init__(self, backbone: Backbone, heads: nn.Module, card: Card) -> None:
        """Join `backbone` and `heads`; `card` says what goes in and what comes out."""
        super().__init__()
        self.backbone = backbone
        self.heads = heads
        self.card = card

    def forward(self, bands: Tensor) -> Tensor:
        """Return logits (n, masks, h, w), float32, in the order of `card.masks`.

        `bands` is (n, 6, h, w), float32, as `card.normalize` gives it. Sizes that the backbone does not take are
        filled up with the last row and column, and what is given there is left out.

        Raises
        ------
        UsageError
            If the number of bands is another, or the network takes windows of one size alone and this is another.
        """
        self._check(bands)
        rows, columns = bands.shape[-2:]
        least, step = self.backbone.smallest, self.backbone.multiple
        below = max(round_up(rows, step), least) - rows
        right = max(round_up(columns, step), least) - columns
        if below or right:
            bands = functional.pad(bands, (0, right, 0, below), mode="replicate")
        return self.logits(bands)[..., :rows, :columns]

    def logits(self, bands: Tensor) -> Tensor:
        """Return the same as `forward` for bands of a size that the backbone takes."""
        logits: Tensor = self.heads(self.backbone(bands))
        if logits.shape[-2:] == bands.shape[-2:]:
            return logits
        return functional.interpolate(logits, bands.shape[-2:], mode="bilinear", align_corners=True)

    def _check(self, bands: Tensor) -> None:
        wanted = len(self.card.bands)
        if bands.ndim != 4 or bands.shape[1] != wanted:  # noqa: PLR2004 - (n, band, row, column)
            raise UsageError(f"{self.card.name} takes (n, {wanted}, rows, columns), not {tuple(bands.shape)}")
        size = self.backbone.fixed
        if size is not None and tuple(bands.shape[-2:]) != (size, size):
            rows, columns = bands.shape[-2:]
            raise UsageError(f"{self.card.name} takes windows of {size} x {size} pixels alone, not {rows} x {columns}")
