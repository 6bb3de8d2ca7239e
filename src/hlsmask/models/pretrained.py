"""A backbone starts from weights that others have trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from hlsmask.errors import HlsmaskError, ModelError
from hlsmask.models.files import check_readable
from hlsmask.models.first import start_as_colours, start_as_halving
from hlsmask.models.fit import check
from hlsmask.models.hosts import fetch, unwrapped
from hlsmask.models.published import read_pickle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.models.masknet import MaskNet
    from hlsmask.models.registry import Network


def start_from(net: MaskNet, network: Network, file: Path | str | None = None) -> None:
    """Give the backbone of `net` its pretrained weights, from its host or from `file`.

    Layers that the weights do not have keep their random ones, but for those that bring six bands to three or an
    image to half its size: they start as doing just that (`hlsmask.models.first`).

    Raises
    ------
    ModelError
        If there are none, they cannot be fetched or read, or do not fit.
    """
    if network.pretraining is None:
        raise ModelError(f"there are no pretrained weights for {network.backbone}; leave out --pretrained")
    source = network.pretraining.source if file is None else str(file)
    tensors = net.backbone.adopt(_fetched(network) if file is None else _read(Path(file)))
    wanted = net.backbone.state_dict()
    needed = [name for name in wanted if name.startswith(net.backbone.pretrained)]
    check(tensors, wanted, needed, source=source, network=f"the pretrained part of {network.backbone}")
    net.backbone.load_state_dict(dict(tensors), strict=False)
    _start_first(net.backbone)


def _fetched(network: Network) -> Mapping[str, Tensor]:
    try:
        return fetch(network.backbone)
    except HlsmaskError:
        raise
    except Exception as error:  # each host's library has errors of its own
        assert network.pretraining is not None  # noqa: S101 - start_from has looked
        raise ModelError(
            f"the pretrained weights of {network.backbone} could not be fetched ({type(error).__name__}): try again "
            f"where there is a network, or fetch {network.pretraining.source} there and name the file "
            "(--pretrained-weights FILE; in Python pretrained=FILE)"
        ) from error


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.suffix != ".safetensors":
        return unwrapped(read_pickle(path))
    check_readable(path)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is cut off or no .safetensors file ({error})") from error


def _start_first(backbone: nn.Module) -> None:
    first, wide = getattr(backbone, "first", None), getattr(backbone, "wide", None)
    if isinstance(first, nn.Conv2d):
        start_as_colours(first)
    if isinstance(wide, nn.Conv2d):
        start_as_halving(wide)
