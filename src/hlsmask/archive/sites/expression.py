"""Formulas of reflectance that a person writes, such as `log(nir / red)`: read, never run as Python."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hlsmask.archive.sites.row import QUANTILES
from hlsmask.bands import BANDS
from hlsmask.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

FUNCTIONS: Final[dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "log": np.log,
    "log10": np.log10,
    "exp": np.exp,
    "exp10": lambda value: np.power(10.0, value),
    "sqrt": np.sqrt,
    "abs": np.abs,
}
"""What may be done to a number; `log` is the natural one."""

VARIABLES: Final = {
    **{band.value: f"{band}_median" for band in BANDS},
    **{f"{band}_{name}": f"{band}_{name}" for band in BANDS for name in QUANTILES},
}
"""What may stand for a number, and the column it means: a band's name alone is its median."""

_OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}

_LONGEST: Final = 500
"""Letters."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula of reflectance."""

    text: str
    """As it was written."""

    tree: ast.expr
    """What it means; holds nothing but numbers, `VARIABLES`, `FUNCTIONS` and + - * / **."""

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Return the formula that `text` holds.

        Raises
        ------
        ModelError
            If it holds anything but numbers, names of bands, + - * / **, parentheses and known functions.
        """
        shown = text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - letters
        try:
            tree = _tree(text)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            why = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
            raise ModelError(
                f"{shown!r} is no formula that is understood: {why}; use numbers, {', '.join(BANDS)} (or such as "
                f"red_q25), + - * / ** and {', '.join(FUNCTIONS)}"
            ) from error
        return cls(text.strip(), tree)

    def of(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return its value for each row; NaN or infinite where it has none, as the logarithm of less than 0."""
        rows = len(next(iter(columns.values())))
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(_value(self.tree, columns), np.float64), (rows,))


def _tree(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} letters")
    tree = ast.parse(text.strip(), mode="eval").body
    _check(tree)
    return tree


def _check(node: ast.expr) -> None:
    """Raise ValueError if a node, or one below it, is none of those that a formula may hold."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if not isfinite(float(value)):
                raise ValueError(f"{value} is too large")
        case ast.Name(id=name):
            if name not in VARIABLES:
                raise ValueError(f"there is no {name!r}")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), right=right):
            _check(left)
            _check(right)
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError("a power is written **")
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            _check(argument)
        case ast.Call(func=ast.Name(id=name)):
            raise ValueError(f"{name} is no function of one number that is known")
        case _:
            raise ValueError("it holds more than a formula may")


def _value(node: ast.expr, columns: Mapping[str, NDArray[np.float64]]) -> Any:  # noqa: ANN401 - a number, or one a row
    match node:
        case ast.Constant(value=value):
            return np.float64(value)  # type: ignore[arg-type]  # checked when it was parsed
        case ast.Name(id=name):
            return columns[VARIABLES[name]]
        case ast.UnaryOp(op=sign, operand=operand):
            inner = _value(operand, columns)
            return -inner if isinstance(sign, ast.USub) else inner
        case ast.BinOp(left=left, op=operator, right=right):
            return _OPERATORS[type(operator)](_value(left, columns), _value(right, columns))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return FUNCTIONS[name](_value(argument, columns))
    raise TypeError(f"{ast.dump(node)} passed the check")
