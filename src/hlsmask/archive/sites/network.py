"""A model that a person has trained, as an .onnx file: one row of numbers in, one number out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime

from hlsmask.archive.sites.expression import Expression
from hlsmask.bands import BANDS
from hlsmask.errors import ModelError, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_QUIET: Final = 3
"""onnxruntime's log level for errors alone."""


class Network:
    """Takes float32 (n, features), gives a number a row.

    Metadata of the file may tell `features` (formulas separated by commas, such as `red, nir / red`; else the medians
    of the six bands, in order), `name` of the column and `unit` of its numbers.
    """

    def __init__(self, path: Path) -> None:
        """Load the file at `path`.

        Raises
        ------
        ModelError
            If it is missing, is no model, or takes something else.
        """
        self._path = path
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _QUIET
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ModelError(f"{path} is no model that onnxruntime can run: {first_line(error)}") from error
        told = self._session.get_modelmeta().custom_metadata_map
        self.name = str(told.get("name", "ssc"))
        self.unit = str(told.get("unit", ""))
        words = [word for word in str(told.get("features", "")).split(",") if word.strip()] or list(BANDS)
        try:
            self._features = [Expression.parse(word) for word in words]
        except ModelError as error:
            raise ModelError(f"{path}, features in its metadata: {error}") from error
        self._input = self._checked_input(self._session.get_inputs())

    def _checked_input(self, inputs: Sequence[Any]) -> str:
        takes = ", ".join(f"{each.type} {each.shape}" for each in inputs) or "nothing"
        wanted = len(self._features)
        fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(inputs[0].shape) == 2  # noqa: PLR2004 - (n, features)
        if not fits or (isinstance(inputs[0].shape[1], int) and inputs[0].shape[1] != wanted):
            raise ModelError(
                f"{self._path} takes {takes}; it must take one tensor(float) of shape [n, {wanted}] for "
                f"{', '.join(each.text for each in self._features)} (or tell its features in its metadata)"
            )
        return str(inputs[0].name)

    def of(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return its value for each row; NaN where a feature has none.

        Raises
        ------
        ModelError
            If it does not give one number a row.
        """
        features = np.stack([each.of(columns) for each in self._features], axis=1)
        known = np.isfinite(features).all(axis=1)
        values = np.full(len(features), np.nan)
        if not known.any():
            return values
        try:
            (given, *_) = self._session.run(None, {self._input: features[known].astype(np.float32)})
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ModelError(f"{self._path} cannot be run: {first_line(error)}") from error
        found = np.asarray(given)
        if found.size != np.count_nonzero(known) or found.dtype.kind not in "fiu":
            raise ModelError(
                f"{self._path} gives {found.dtype} of shape {found.shape} for {np.count_nonzero(known)} rows; its "
                "first output must be one number a row"
            )
        values[known] = found.reshape(-1)
        return values
