"""The networks that come with the package, trained: each in a file to run and one to train on, with the same card.

>>> from hlsmask import weights
>>> weights.NAMES
('hlsmask_s',)

A name stands for its files wherever weights are asked for (`--model`, `--checkpoint`, `--init`, `models.load`, ...).
Nothing here loads torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hlsmask.errors import ModelError

DEFAULT: Final = "hlsmask_s"
"""What masks scenes where no model is named."""

NAMES: Final = (DEFAULT,)
"""All that are shipped."""

TO_RUN: Final = ".onnx"
"""Ending of the file that runs without torch."""

TO_TRAIN: Final = ".safetensors"
"""Ending of the file that torch runs, and that training starts from."""

_FOLDER: Final = Path(__file__).parent


def is_shipped(what: str | Path) -> bool:
    """Say whether `what` is the name of a network that is shipped, and not a path to a file."""
    return str(what) in NAMES


def shipped(name: str | Path, ending: str = TO_RUN) -> Path:
    """Return the file of the network `name` with this ending, `TO_RUN` or `TO_TRAIN`.

    Raises
    ------
    ModelError
        If no network of this name is shipped, or its file is gone.
    """
    if not is_shipped(name):
        raise ModelError(f"no weights of {str(name)!r} come with hlsmask; those of {', '.join(NAMES)} do")
    path = _FOLDER / f"{name}{ending}"
    if not path.is_file():
        raise ModelError(
            f"the weights of {name} should have come with hlsmask, but {path} is missing: install hlsmask anew "
            "(pip install --force-reinstall --no-deps hlsmask), or name other weights"
        )
    return path


def file_of(what: str | Path, ending: str = TO_RUN) -> Path:
    """Return the file that `what` stands for: of a name the one that is shipped, of a path the path itself.

    Raises
    ------
    ModelError
        If the file of a name is gone.
    """
    return shipped(what, ending) if is_shipped(what) else Path(what)
