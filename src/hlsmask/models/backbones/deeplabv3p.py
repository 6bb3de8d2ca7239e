"""DeepLabV3+ on a ResNet-34 of output stride 16, as segmentation-models-pytorch builds it.

Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation" (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import segmentation_models_pytorch as smp

from hlsmask.models.first import COLOURS, six_bands
from hlsmask.models.layout import Layout
from hlsmask.models.masknet import Backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

LAYOUT = Layout(backbone=(), head=(("0.", "last."),), last="last")


class DeepLabV3P(Backbone):
    """Features (n, 256, h/4, w/4)."""

    multiple: ClassVar[int] = 16
    smallest: ClassVar[int] = 16
    pretrained: ClassVar[tuple[str, ...]] = ("encoder.",)

    def __init__(self) -> None:
        """Build it with random weights."""
        super().__init__()
        model = smp.DeepLabV3Plus("resnet34", encoder_weights=None, in_channels=6)
        self.encoder = model.encoder
        self.decoder = model.decoder

    def forward(self, bands: Tensor) -> Tensor:
        """Return features (n, 256, h/4, w/4) of bands (n, 6, h, w)."""
        features: Tensor = self.decoder(self.encoder(bands))
        return features

    @staticmethod
    def adopt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of an ImageNet ResNet-34 under our names, its first convolution for six bands."""
        ours = {f"encoder.{name}": tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
        first = "encoder.conv1.weight"
        if first in ours and ours[first].shape[1] == len(COLOURS):
            ours[first] = six_bands(ours[first])
        return ours
