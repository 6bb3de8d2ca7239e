"""A regression that a person has fitted, in a file of TOML or JSON."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.archive.sites.expression import FUNCTIONS, Expression
from hlsmask.aside import reason
from hlsmask.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_KEYS: Final = ("name", "unit", "intercept", "coefficients", "output")


@dataclass(frozen=True, slots=True)
class Regression:
    """A sum of terms, and what is done to it."""

    name: str
    """Of the column that it gives."""

    unit: str
    """Of its numbers; may be empty."""

    intercept: float
    """What is there without any term."""

    terms: tuple[tuple[Expression, float], ...]
    """Formulas of reflectance, each with the coefficient it is multiplied by."""

    output: str | None = None
    """One of `FUNCTIONS`, that the sum is put through, such as `exp` if the logarithm was fitted."""

    def of(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return its value for each row; NaN or infinite where it has none."""
        with np.errstate(all="ignore"):
            total = sum((factor * term.of(columns) for term, factor in self.terms), start=np.float64(self.intercept))
            return np.asarray(total if self.output is None else FUNCTIONS[self.output](np.asarray(total)))


def read_regression(path: Path) -> Regression:
    """Return the regression in a file.

    ::

        name = "ssc"                # of the column; ssc, if it is left out
        unit = "mg/L"               # may be left out
        intercept = 1.94            # 0, if it is left out
        output = "exp10"            # log, log10, exp, exp10, sqrt or abs of the sum; may be left out

        [coefficients]              # formula = coefficient; a band's name is its median over clear water
        "log10(red)" = 1.2
        "nir / red" = 0.8

    JSON has the same names.

    Raises
    ------
    ModelError
        If it cannot be read, is no such file, or holds a formula that is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        told = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no {path.suffix[1:].upper()}: {error}") from error
    if not isinstance(told, dict):
        raise ModelError(f"{path} is no regression; it needs {', '.join(_KEYS)}")
    if unknown := [key for key in told if key not in _KEYS]:
        raise ModelError(f"{path} holds {', '.join(map(repr, unknown))}; a regression has {', '.join(_KEYS)}")
    coefficients = told.get("coefficients")
    if not isinstance(coefficients, dict) or not coefficients:
        raise ModelError(f'{path} has no coefficients; it needs some, such as "nir / red" = 0.8')
    output = told.get("output")
    if output is not None and output not in FUNCTIONS:
        raise ModelError(f"{path} has the output {output!r}; use one of {', '.join(FUNCTIONS)}, or leave it out")
    try:
        terms = [
            (Expression.parse(formula), _number(factor, f"the coefficient of {formula!r}"))
            for formula, factor in coefficients.items()
        ]
        name, unit = _text(told, "name", "ssc"), _text(told, "unit", "")
        intercept = _number(told.get("intercept", 0.0), "the intercept")
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return Regression(name, unit, intercept, tuple(terms), output)


def _number(value: Any, what: str) -> float:  # noqa: ANN401 - TOML or JSON
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ModelError(f"{what} is {value!r}; use a number")
    return float(value)


def _text(told: dict[str, Any], key: str, default: str) -> str:
    value = told.get(key, default)
    if not isinstance(value, str):
        raise ModelError(f"its {key} is {value!r}; use words in quotes")
    return value
