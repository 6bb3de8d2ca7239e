"""Satlas: networks that Bastani et al., "SatlasPretrain" (2023), trained on Sentinel-2, with a feature pyramid.

A learnt 1 x 1 convolution brings six bands to three. ResNet-50 or Swin v2 gives maps at 1/4, 1/8, 1/16 and 1/32 of
their size, and the finest level of the pyramid over these is brought back to full size in two steps.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn
from torchvision.models import resnet50, swin_v2_b, swin_v2_t
from torchvision.ops import FeaturePyramidNetwork

from hlsmask.models.backbones.satlas_swin import WindowAttention
from hlsmask.models.backbones.satlas_upsample import doubled
from hlsmask.models.layout import Layout, Unused
from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEATURES, _CLASSES = 128, 1000
_UNSEEN = tuple(f"layer_blocks.{level}." for level in (1, 2, 3))
"""After `fpn.`, the last layers of the pyramid's coarser levels, which nothing is made of."""

_RESNET = "backbone.0.backbone.resnet."
_SWIN = "backbone.0.backbone.backbone."
_BARE_SWIN = "backbone.backbone.backbone."


def _layout(encoder: str, fpn: str, upsample: str, *last: Unused) -> Layout:
    """Return the layout of a network of which `last`, the last layers of its encoder, are not used."""
    unseen = (Unused.layer(f"{fpn}{name}0.", _FEATURES, _FEATURES, 3, 3) for name in _UNSEEN)
    return Layout(
        backbone=((encoder, "encoder."), (fpn, "fpn."), (upsample, "upsample.")),
        head=(("head.0.0.", "conv."), ("head.1.", "last.")),
        last="last",
        unused=(*last, *unseen),
        order=("first.", encoder, *(part.beginning for part in last), fpn, upsample),
    )


def _swin_layout(swin: str, fpn: str, upsample: str, width: int) -> Layout:
    last = Unused.layer(f"{swin}norm.", width), Unused.layer(f"{swin}head.", _CLASSES, width)
    return _layout(f"{swin}features.", fpn, upsample, *last)


RESNET50_LAYOUT = _layout(
    _RESNET, "backbone.1.fpn.", "backbone.2.layers.", Unused.layer(f"{_RESNET}fc.", _CLASSES, 2048)
)
SWINT_LAYOUT = _swin_layout(_SWIN, "backbone.1.fpn.", "backbone.2.layers.", 768)
SWINB_LAYOUT = _swin_layout(_BARE_SWIN, "backbone.fpn.fpn.", "backbone.upsample.layers.", 1024)

_HOSTS = (
    ("backbone.resnet.", "encoder."),
    ("backbone.backbone.features.", "encoder."),
    ("intermediates.0.fpn.", "fpn."),
    ("intermediates.1.layers.", "upsample."),
    ("features.", "encoder."),
    *((name, f"encoder.{name}") for name in ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4.")),
)
"""Beginnings of names in the files of allenai, then in torchgeo's, and ours."""

_NO_USE = ("encoder.fc.", *(f"fpn.{name}" for name in _UNSEEN))


class _Satlas(Backbone):
    """Features (n, 128, h, w)."""

    pretrained: ClassVar[tuple[str, ...]] = ("encoder.",)

    def __init__(self, encoder: nn.Sequential, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.first = nn.Conv2d(6, 3, 1)
        self.encoder = encoder
        pyramid: Any = FeaturePyramidNetwork(list(widths), _FEATURES)
        for level in range(1, len(widths)):
            pyramid.layer_blocks[level] = nn.Identity()
        self.fpn: nn.Module = pyramid
        self.upsample = nn.Sequential(doubled(_FEATURES), doubled(_FEATURES))

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 128, h, w) of bands (n, 6, h, w)."""
        maps = self.maps(self.first(bands))
        levels = self.fpn(OrderedDict(zip("0123", maps, strict=True)))
        features: Tensor = self.upsample(levels["0"])
        return features

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return maps at 1/4, 1/8, 1/16 and 1/32 of the size of an image (n, 3, h, w)."""
        raise NotImplementedError

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of a Satlas file under our names: allenai's has the pyramid, torchgeo's has not."""
        named = {
            ours + name.removeprefix(theirs): tensor
            for theirs, ours in _HOSTS
            for name, tensor in tensors.items()
            if name.startswith(theirs)
        }
        return {name: tensor for name, tensor in named.items() if not name.startswith(_NO_USE)}


class SatlasResNet50(_Satlas):
    """Features (n, 128, h, w) of ResNet-50."""

    def __init__(self) -> None:
        """Build it with random weights."""
        parts = OrderedDict(resnet50().named_children())
        del parts["avgpool"], parts["fc"]
        super().__init__(nn.Sequential(parts), (256, 512, 1024, 2048))

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return what each of the four layers gives."""
        maps = []
        for name, part in self.encoder.named_children():
            image = part(image)
            if name.startswith("layer"):
                maps.append(image)
        return maps


class _SatlasSwin(_Satlas):
    """Features (n, 128, h, w) of a Swin Transformer v2."""

    def __init__(self, swin: Any, width: int) -> None:  # noqa: ANN401 - torchvision's classes have no types
        for stage in swin.features[1::2]:
            for block in stage:
                block.attn = WindowAttention(block.attn)
        super().__init__(swin.features, (width, 2 * width, 4 * width, 8 * width))

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return what the blocks of each of the four stages give; between these pixels are merged."""
        maps = []
        for at, part in enumerate(self.encoder):
            image = part(image)
            if at % 2:
                maps.append(image.permute(0, 3, 1, 2))
        return maps


class SatlasSwinT(_SatlasSwin):
    """Features (n, 128, h, w) of Swin v2, tiny."""

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__(swin_v2_t(), 96)


class SatlasSwinB(_SatlasSwin):
    """Features (n, 128, h, w) of Swin v2, base."""

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__(swin_v2_b(), 128)
