"""Where pretrained weights lie, each behind the library of its host, which downloads once and keeps the file.

The files of Satlas and Prithvi are pinned by revision and by the beginning of their SHA-256: a file that is another
is not used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from hlsmask.errors import ModelError
from hlsmask.models.files import sha256_of
from hlsmask.models.published import read_pickle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from torch import Tensor


class Pinned(NamedTuple):
    """A file at Hugging Face."""

    repository: str
    file: str
    revision: str
    sha256: str
    """Its beginning, or all of it."""


_SATLAS = "torchgeo/satlas"
_SATLAS_REVISION = "081d6607431bf36bdb59c223777cbb267131b8f2"

PINNED: Final = {
    "satlas_si_resnet50": Pinned(_SATLAS, "sentinel2_resnet50_si_rgb-45fc6972.pth", _SATLAS_REVISION, "45fc6972"),
    "satlas_si_swint": Pinned(_SATLAS, "sentinel2_swint_si_rgb-0c1a96e0.pth", _SATLAS_REVISION, "0c1a96e0"),
    "satlas_si_swinb": Pinned(_SATLAS, "sentinel2_swinb_si_rgb-156a98d5.pth", _SATLAS_REVISION, "156a98d5"),
    "prithvi": Pinned(
        "ibm-nasa-geospatial/Prithvi-EO-1.0-100M",
        "Prithvi_100M.pt",
        "f3a9ea7a1723621b0aeceb4de993093704d712c5",
        "7fac0c8a8693198e32a055e0c5a967f8b005f382182b63df1b29fdcd5c880731",
    ),
}
"""Revisions and hashes: torchgeo's `models/swin.py` and `models/resnet.py` (there in the names of the files, as is
usual for torch: the first eight digits), and the model page of Prithvi."""


def fetch(backbone: str) -> Mapping[str, Tensor]:
    """Return the pretrained tensors of `backbone` as their host names them.

    Raises
    ------
    ModelError
        If the file is not the one that is pinned, or holds more than tensors.
    Exception
        What the host's library raises if it cannot be reached.
    """
    if backbone in PINNED:
        return unwrapped(_from_hugging_face(PINNED[backbone]))
    return _LIBRARIES[backbone]()


def unwrapped(content: Any) -> Mapping[str, Tensor]:  # noqa: ANN401 - whatever a file holds
    """Return the tensors in what a file of weights holds, wherever in it they are."""
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        return {}
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items() if hasattr(tensor, "shape")}


def _from_hugging_face(pinned: Pinned) -> Any:  # noqa: ANN401 - as read
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - only who downloads needs it

    path = Path(hf_hub_download(pinned.repository, pinned.file, revision=pinned.revision))
    digest = sha256_of(path)
    if not digest.startswith(pinned.sha256):
        raise ModelError(f"{path} is not the file that is expected: its SHA-256 is {digest}, not {pinned.sha256}...")
    return read_pickle(path)


def _from_timm() -> Mapping[str, Tensor]:
    import timm  # noqa: PLC0415 - each host's library is loaded when it is used

    tensors: Mapping[str, Tensor] = timm.create_model("tf_mobilenetv3_small_100.in1k", pretrained=True).state_dict()
    return tensors


def _from_smp() -> Mapping[str, Tensor]:
    from segmentation_models_pytorch.encoders import get_encoder  # noqa: PLC0415 - as above

    tensors: Mapping[str, Tensor] = get_encoder("resnet34", weights="imagenet").state_dict()
    return tensors


def _from_torchvision(name: str) -> Callable[[], Mapping[str, Tensor]]:
    def fetch() -> Mapping[str, Tensor]:
        from torchvision.models import get_weight  # noqa: PLC0415 - as above

        tensors: Mapping[str, Tensor] = get_weight(name).get_state_dict(progress=False, check_hash=True)
        return tensors

    return fetch


_LIBRARIES: Final[Mapping[str, Callable[[], Mapping[str, Tensor]]]] = {
    "mobilenetv3": _from_timm,
    "deeplabv3p": _from_smp,
    "segnet": _from_torchvision("VGG16_BN_Weights.IMAGENET1K_V1"),
    "swint": _from_torchvision("Swin_T_Weights.IMAGENET1K_V1"),
    "vitb16": _from_torchvision("ViT_B_16_Weights.IMAGENET1K_V1"),
}
