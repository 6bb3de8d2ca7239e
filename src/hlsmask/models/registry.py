"""The networks that can be built, and what there is to know of each before it is. Nothing here loads torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from hlsmask.card import Card, Normalization
from hlsmask.errors import UsageError
from hlsmask.weights import is_shipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlsmask.masks import Mask

UNSTATED: Final = (
    "not stated: the improv-mask repository has no licence file, and the terms of its weights are given nowhere"
)
"""The licence of published weights."""

ROOT: Final = Normalization("sqrt", (0.6,) * 6, (0.5,) * 6)
"""2 sqrt(reflectance + 0.1) - 1.2: fixed, and fine where water and shadow differ. About -1 to 1."""

TRUE_COLOUR: Final = Normalization("linear", (0.0,) * 6, (0.3558,) * 6)
"""What Sentinel-2's 8-bit true colour image divided by 255 is: it is full at 0.3558 reflectance (Sentinel-2 Products
Specification Document, TCI). Satlas was trained on it."""

PRITHVI: Final = Normalization(
    "linear",
    (0.0775229, 0.1080993, 0.1228586, 0.2497202, 0.2204214, 0.1610832),
    (0.1281526, 0.1270030, 0.1399480, 0.1368345, 0.1291676, 0.1154506),
)
"""Mean and deviation of HLS reflectance that Prithvi was trained with (Prithvi_100M_config.yaml, there in 0.0001)."""


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Weights that a backbone can start from."""

    title: str
    """What it was trained on."""

    source: str
    """Where the file is, for those who fetch it themselves."""

    licence: str
    """Terms of the file."""


@dataclass(frozen=True, slots=True)
class Network:
    """A backbone and the head that fits it."""

    backbone: str
    """Its name, such as `mobilenetv3`."""

    head: str
    """Name of the head."""

    title: str
    """What it is, in one line."""

    module: str
    """Where its backbone is: `module:class`."""

    heads: str
    """Where its heads are: `module:class`."""

    parameters: int
    """Number of parameters with five masks. What published checkpoints hold besides and never use is not counted."""

    cost: float
    """Multiply-accumulates for a window of 512 x 512 pixels and five masks, in 10^9, as the forward pass is written."""

    layout: str | None = None
    """Where the names of its published tensors are: `module:constant`. None: there is no published checkpoint."""

    signature: str = ""
    """A tensor that only published checkpoints of this pair have."""

    pretraining: Pretraining | None = None
    """What its backbone can start from."""

    by_default: bool = True
    """Whether the published network starts from that; else one must ask for it."""

    normalization: Normalization = field(default=ROOT)
    """What new training scales reflectance with."""

    size: int = 512
    """Rows and columns of the window it runs best on."""

    multiple: int = 32
    """Rows and columns it takes are multiples of this; others are filled up."""

    fixed: bool = False
    """Whether it takes windows of `size` alone."""

    overlap: int = 128
    """Pixels that neighbouring windows share."""

    view: int | None = None
    """How far a result looks, see `Card.view`; None: as far as its window reaches."""

    note: str = ""
    """What one must know of its published weights."""

    @property
    def published(self) -> bool:
        """Whether it is one of the nine of the improv-mask project."""
        return self.layout is not None

    @property
    def shipped(self) -> bool:
        """Whether its trained weights come with the package."""
        return is_shipped(self.backbone)

    @property
    def windows(self) -> str:
        """The window sizes it takes, in words."""
        if self.fixed:
            return f"{self.size} x {self.size} only"
        return "any"

    def card(self, masks: Sequence[Mask]) -> Card:
        """Return the card of a new network of this kind."""
        return Card(
            self.backbone,
            tuple(masks),
            normalization=self.normalization,
            size=self.size,
            multiple=self.multiple,
            fixed=self.fixed,
            overlap=self.overlap,
            view=self.view,
            backbone=self.backbone,
            head=self.head,
        )


_HERE = "hlsmask.models"
_IMAGENET = "ImageNet-1k"
_TORCHVISION = "BSD-3-Clause (torchvision); ImageNet's own terms are for research"

_ALL = (
    Network(
        "mobilenetv3",
        "mobilenetv3_head",
        "MobileNetV3-small, dilated, with a light pyramid (LR-ASPP)",
        f"{_HERE}.backbones.mobilenetv3:MobileNetV3",
        f"{_HERE}.heads.mobilenetv3:MobileNetV3Heads",
        parameters=1_221_946,
        cost=9.775,
        layout=f"{_HERE}.backbones.mobilenetv3:LAYOUT",
        signature="backbone.trunk.early.0.weight",
        pretraining=Pretraining(
            _IMAGENET, "https://huggingface.co/timm/tf_mobilenetv3_small_100.in1k", "Apache-2.0 (timm)"
        ),
    ),
    Network(
        "deeplabv3p",
        "deeplabv3p_head",
        "DeepLabV3+ on ResNet-34, output stride 16",
        f"{_HERE}.backbones.deeplabv3p:DeepLabV3P",
        f"{_HERE}.heads.deeplabv3p:DeepLabV3PHeads",
        parameters=22_447_893,
        cost=32.169,
        layout=f"{_HERE}.backbones.deeplabv3p:LAYOUT",
        signature="backbone.decoder.aspp.0.project.0.weight",
        pretraining=Pretraining(_IMAGENET, "https://huggingface.co/smp-hub/resnet34.imagenet", _TORCHVISION),
    ),
    Network(
        "segnet",
        "segnet_head",
        "SegNet: VGG-16 in mirror image, with max-unpooling",
        f"{_HERE}.backbones.segnet:SegNet",
        f"{_HERE}.heads.segnet:SegNetHeads",
        parameters=25_128_282,
        cost=181.736,
        layout=f"{_HERE}.backbones.segnet:LAYOUT",
        signature="backbone.conv_block_enc.0.0.weight",
        pretraining=Pretraining(
            f"{_IMAGENET} (VGG-16 with batch norm)",
            "https://download.pytorch.org/models/vgg16_bn-6c64b313.pth",
            _TORCHVISION,
        ),
        by_default=False,
    ),
    *(
        Network(
            f"satlas_si_{short}",
            "satlas_head",
            f"{long} with a feature pyramid (FPN) and upsampling",
            f"{_HERE}.backbones.satlas:Satlas{name}",
            f"{_HERE}.heads.satlas:SatlasHeads",
            parameters=parameters,
            cost=cost,
            layout=f"{_HERE}.backbones.satlas:{name.upper()}_LAYOUT",
            signature=f"backbone.backbone.{signature}",
            pretraining=Pretraining(
                "Satlas, Sentinel-2 RGB",
                f"https://huggingface.co/allenai/satlas-pretrain/blob/main/sentinel2_{short}_si_rgb.pth",
                "ODC-BY",
            ),
            normalization=TRUE_COLOUR,
        )
        for short, long, name, parameters, cost, signature in (
            ("resnet50", "ResNet-50", "ResNet50", 25_711_066, 253.118, "0.backbone.resnet.conv1.weight"),
            ("swint", "Swin-v2-T", "SwinT", 29_476_868, 254.836, "0.backbone.backbone.features.0.0.weight"),
            ("swinb", "Swin-v2-B", "SwinB", 88_861_074, 312.412, "backbone.backbone.features.0.0.weight"),
        )
    ),
    Network(
        "swint",
        "swint_head",
        "Swin-T (v1), decoded from one vector",
        f"{_HERE}.backbones.swint:SwinT",
        f"{_HERE}.heads.vector:VectorHeads",
        parameters=31_505_067,
        cost=7.296,
        layout=f"{_HERE}.backbones.swint:LAYOUT",
        signature="backbone.backbone.features.0.0.weight",
        pretraining=Pretraining(_IMAGENET, "https://download.pytorch.org/models/swin_t-704ceda3.pth", _TORCHVISION),
        fixed=True,
    ),
    Network(
        "vitb16",
        "vitb16_head",
        "ViT-B/16, decoded from one vector",
        f"{_HERE}.backbones.vitb16:ViTB16",
        f"{_HERE}.heads.vector:VectorHeads",
        parameters=89_784_369,
        cost=19.154,
        layout=f"{_HERE}.backbones.vitb16:LAYOUT",
        signature="backbone.backbone.class_token",
        pretraining=Pretraining(_IMAGENET, "https://download.pytorch.org/models/vit_b_16-c867db91.pth", _TORCHVISION),
        fixed=True,
    ),
    Network(
        "prithvi",
        "prithvi_head",
        "Prithvi-EO-1.0-100M, decoded from its tokens",
        f"{_HERE}.backbones.prithvi:Prithvi",
        f"{_HERE}.heads.prithvi:PrithviHeads",
        parameters=104_127_371,
        cost=57.863,
        layout=f"{_HERE}.backbones.prithvi:LAYOUT",
        signature="backbone.model.cls_token",
        pretraining=Pretraining(
            "Prithvi (HLS of the United States)",
            "https://huggingface.co/ibm-nasa-geospatial/Prithvi-EO-1.0-100M",
            "Apache-2.0",
        ),
        normalization=PRITHVI,
        fixed=True,
        note=(
            "The original shuffles the patch tokens at every call, so that its heads were trained on maps whose "
            "parts lie anywhere. Here they keep their places: the published weights of its heads do not fit that, "
            "and what they give is not to be trusted before the heads are trained again."
        ),
    ),
    Network(
        "hlsmask_s",
        "hlsmask_s_head",
        "our own: small, separable convolutions, fixed scaling",
        f"{_HERE}.backbones.hlsmask_s:HlsmaskS",
        f"{_HERE}.heads.hlsmask_s:HlsmaskSHeads",
        parameters=437_029,
        cost=0.995,
        size=944,
        multiple=16,
        overlap=256,
        view=128,
    ),
)

NETWORKS: Final = {network.backbone: network for network in _ALL}
"""Every network, by the name of its backbone."""


def find(backbone: str, head: str | None = None) -> Network:
    """Return the network of `backbone`, and of `head` if one is named.

    Raises
    ------
    UsageError
        If there is none; the message names the nearest, or the head that fits.
    """
    if backbone not in NETWORKS:
        near = get_close_matches(backbone, NETWORKS, n=3, cutoff=0.5)
        hint = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(NETWORKS)}"
        raise UsageError(f"there is no backbone {backbone!r}; {hint}")
    network = NETWORKS[backbone]
    if head is not None and head != network.head:
        fits = [other.backbone for other in NETWORKS.values() if other.head == head]
        if fits:
            raise UsageError(f"{head} fits {', '.join(fits)}; the head of {backbone} is {network.head}")
        near = get_close_matches(head, {other.head for other in NETWORKS.values()}, n=3, cutoff=0.5)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise UsageError(f"there is no head {head!r}; the head of {backbone} is {network.head}{hint}")
    return network
