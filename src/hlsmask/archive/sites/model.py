"""From reflectance to what a person's own model makes of it: suspended sediment, chlorophyll, turbidity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from hlsmask.archive.sites.expression import VARIABLES
from hlsmask.archive.sites.regression import read_regression
from hlsmask.archive.sites.row import COLUMNS
from hlsmask.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.archive.sites.row import Row

_NAME: Final = re.compile(r"[A-Za-z]\w{0,62}")
_DIGITS: Final = 9
"""Significant ones that are kept."""


class Model(Protocol):
    """Something that makes one number of a row's reflectance."""

    @property
    def name(self) -> str:
        """Of the column that it gives."""

    @property
    def unit(self) -> str:
        """Of its numbers; may be empty."""

    def of(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return its value for each row; `columns` are those of `VARIABLES`, none empty and all of one length."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a model makes of rows."""

    name: str
    """Of the column."""

    unit: str
    """Of its numbers; may be empty."""

    values: tuple[float | None, ...]
    """One a row; None where there is no clear water, or the model has no finite value."""


def read_model(path: Path) -> Model:
    """Return the model in a file: a regression (.toml, .json) or a network (.onnx).

    Raises
    ------
    ModelError
        If it cannot be used.
    """
    kind = path.suffix.lower()
    model: Model
    if kind == ".onnx":
        from hlsmask.archive.sites.network import Network  # noqa: PLC0415 - a regression needs no onnxruntime

        model = Network(path)
    elif kind in {".toml", ".json"}:
        model = read_regression(path)
    else:
        raise ModelError(f"{path} is no model that is known; use a regression (.toml, .json) or a network (.onnx)")
    if not _NAME.fullmatch(model.name) or model.name in COLUMNS:
        raise ModelError(
            f"{path} is called {model.name!r}, which cannot be the name of its column; use letters, digits and _, and "
            "no name of another column"
        )
    return model


def estimate(model: Model, rows: Sequence[Row]) -> Estimate:
    """Return what `model` makes of the medians and quartiles of each row.

    Raises
    ------
    ModelError
        If it cannot be run.
    """
    clear = [at for at, row in enumerate(rows) if row.bands["red_median"] is not None]
    values: list[float | None] = [None] * len(rows)
    if clear:
        columns = {name: np.array([rows[at].bands[name] for at in clear], np.float64) for name in VARIABLES.values()}
        for at, value in zip(clear, model.of(columns).tolist(), strict=True):
            values[at] = float(f"{value:.{_DIGITS}g}") if isfinite(value) else None
    return Estimate(model.name, model.unit, tuple(values))
