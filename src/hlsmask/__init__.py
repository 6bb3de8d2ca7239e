"""Water, cloud, cloud shadow, snow/ice and terrain shadow for every pixel of a NASA HLS scene.

>>> import hlsmask
>>> masks = hlsmask.predict("HLS.S30.T13TDE.2024190T174911.v2.0/")  # doctest: +SKIP
>>> clear = masks.clear_water == 1  # doctest: +SKIP
>>> hlsmask.quicklook("HLS.S30.T13TDE.2024190T174911.v2.0/", masks)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsmask.bands import Band as Band
    from hlsmask.bands import Sensor as Sensor
    from hlsmask.card import Card as Card
    from hlsmask.errors import HlsmaskError as HlsmaskError
    from hlsmask.granules.hls import Granule as Granule
    from hlsmask.inference.options import Options as Options
    from hlsmask.inference.predict import predict as predict
    from hlsmask.masks import Mask as Mask
    from hlsmask.products.look import quicklook as quicklook
    from hlsmask.raster import Raster as Raster
    from hlsmask.sun import Sun as Sun
    from hlsmask.windows import Window as Window

__version__ = "0.1.0"

_HOME = {
    "Band": "hlsmask.bands",
    "Card": "hlsmask.card",
    "Granule": "hlsmask.granules.hls",
    "HlsmaskError": "hlsmask.errors",
    "Mask": "hlsmask.masks",
    "Options": "hlsmask.inference.options",
    "Raster": "hlsmask.raster",
    "Sensor": "hlsmask.bands",
    "Sun": "hlsmask.sun",
    "Window": "hlsmask.windows",
    "predict": "hlsmask.inference.predict",
    "quicklook": "hlsmask.products.look",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - all of them are strings


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: each name is loaded when it is first used
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
