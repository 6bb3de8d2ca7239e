"""Samples become weights: `train` does a run, on one device or many.

>>> from hlsmask.training import Data, Network, Options, train
>>> outcome = train(Options(Data(("samples.store",)), Network("hlsmask_s")))  # doctest: +SKIP
>>> outcome.files.best  # doctest: +SKIP

Needs `pip install "hlsmask[train]"`; the options do not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsmask.training.fitting import Listener as Listener
    from hlsmask.training.fitting import Outcome as Outcome
    from hlsmask.training.fitting import train as train
    from hlsmask.training.options import Data as Data
    from hlsmask.training.options import Learning as Learning
    from hlsmask.training.options import Machine as Machine
    from hlsmask.training.options import Network as Network
    from hlsmask.training.options import Options as Options
    from hlsmask.training.options import Records as Records

_HOME = {
    **dict.fromkeys(("Listener", "Outcome", "train"), "fitting"),
    **dict.fromkeys(("Data", "Learning", "Machine", "Network", "Options", "Records"), "options"),
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - all of them are strings


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: each name is loaded when it is first used
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
