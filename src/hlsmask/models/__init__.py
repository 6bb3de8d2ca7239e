"""Networks behind one door: `create` a new one, `load` one from a file, `save` it, `export` it to ONNX.

>>> from hlsmask import models
>>> net = models.create("mobilenetv3", "mobilenetv3_head")  # doctest: +SKIP
>>> logits = net(torch.from_numpy(net.card.normalize(reflectance)))  # doctest: +SKIP

Needs `pip install "hlsmask[train]"`; the list of networks, `NETWORKS`, does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsmask.models.build import create as create
    from hlsmask.models.exporting import export as export
    from hlsmask.models.masknet import MaskNet as MaskNet
    from hlsmask.models.published import import_published as import_published
    from hlsmask.models.publishing import write_published as write_published
    from hlsmask.models.registry import NETWORKS as NETWORKS
    from hlsmask.models.registry import Network as Network
    from hlsmask.models.weights import load as load
    from hlsmask.models.weights import save as save

_HOME = {
    "MaskNet": "hlsmask.models.masknet",
    "NETWORKS": "hlsmask.models.registry",
    "Network": "hlsmask.models.registry",
    "create": "hlsmask.models.build",
    "export": "hlsmask.models.exporting",
    "import_published": "hlsmask.models.published",
    "load": "hlsmask.models.weights",
    "save": "hlsmask.models.weights",
    "write_published": "hlsmask.models.publishing",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - a list of strings


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: each name is loaded when it is first used
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
