"""Reading numpy archives of others: nothing in them is ever run.

The published lists and samples are npz archives under the name `.npy`. Strings in them may be object arrays, which
numpy keeps as pickles. Such a pickle is read by an interpreter that knows the few names of which numpy's pickles of
strings, numbers and paths are made, and gives each a stand-in that only remembers; any other name is refused.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import pickletools
import re
import zipfile
from math import prod
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeVar

import numpy as np

from hlsmask.errors import UnreadableError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_T = TypeVar("_T")

LARGEST_PICKLE: Final = 1 << 30
"""Bytes of an object array that is read at all; a list of a million paths has a fifth of that."""

_ZIP: Final = b"PK"
_NPY: Final = b"\x93NUMPY"


class Archive:
    """An open npz archive, whatever its name; a plain npy file counts as an archive of one array called `fps`."""

    def __init__(self, path: Path) -> None:
        """Open the archive at `path`.

        Raises
        ------
        UnreadableError
            If it cannot be opened, is cut off, or is neither.
        """
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        try:
            with path.open("rb") as file:
                start = file.read(len(_NPY))
            if start.startswith(_ZIP):
                self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read: {error.strerror or error}") from error
        except Exception as error:  # what is corrupt raises what it likes
            raise UnreadableError(f"{path} is cut off or no numpy archive: {first_line(error)}") from error
        if self._zip is None and start != _NPY:
            raise UnreadableError(f"{path} is no numpy archive, or is empty")

    @property
    def names(self) -> frozenset[str]:
        """Names of the arrays."""
        if self._zip is None:
            return frozenset(["fps"])
        return frozenset(name.removesuffix(".npy") for name in self._zip.namelist())

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array, of which its header alone is read."""
        return self._open(name, lambda file, _: _header(file)[0])

    def read(self, name: str) -> NDArray[Any]:
        """Return an array of numbers or strings; of an object array its strings, bytes and numbers alone.

        Raises
        ------
        UnreadableError
            If it is not there, is cut off, or holds objects other than strings, bytes and numbers.
        """
        return self._open(name, _read)

    def digest(self) -> str:
        """Return what tells its content from another's, of which nothing is read: names, sizes and CRC-32 of arrays."""
        members = [] if self._zip is None else self._zip.infolist()
        lines = sorted(f"{member.filename} {member.file_size} {member.CRC:08x}" for member in members)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def close(self) -> None:
        """Close the file."""
        if self._zip is not None:
            self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, name: str, use: Callable[[Any, int], _T]) -> _T:
        if name not in self.names:
            raise UnreadableError(f"{self.path} lacks {name!r}; it has {', '.join(sorted(self.names)) or 'nothing'}")
        try:
            if self._zip is None:
                with self.path.open("rb") as file:
                    return use(file, self.path.stat().st_size)
            member = self._zip.getinfo(f"{name}.npy")
            with self._zip.open(member) as packed:
                return use(packed, member.file_size)
        except pickle.UnpicklingError as error:
            raise UnreadableError(f"{self.path}: {name!r} is refused: {first_line(error)}") from error
        except Exception as error:  # what is corrupt raises what it likes
            raise UnreadableError(f"{self.path}: {name!r} is cut off or corrupt: {first_line(error)}") from error


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:  # noqa: ANN401 - any open file
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"an array of format {version[0]}.{version[1]}, which only numpy itself knows")


def _read(file: Any, size: int) -> NDArray[Any]:  # noqa: ANN401 - any open file
    start = file.tell()
    shape, _, dtype = _header(file)
    if not dtype.hasobject:
        if prod(shape) * dtype.itemsize > size:
            raise ValueError(f"its header says {dtype} of {shape}, which {size} bytes cannot hold")
        file.seek(start)
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array
    if dtype != np.dtype(object):
        raise pickle.UnpicklingError("it holds records with objects in them; use strings")
    pickled = file.read(LARGEST_PICKLE + 1)
    if len(pickled) > LARGEST_PICKLE:
        raise pickle.UnpicklingError(f"its objects take more than {LARGEST_PICKLE >> 20} MiB")
    _check_size(pickled)
    return _strings(_Reader(io.BytesIO(pickled)).load(), shape)


def _check_size(pickled: bytes) -> None:
    """Raise UnpicklingError if a few bytes ask for a large memory: the reader's memo has room for the highest index."""
    for operation, argument, _ in pickletools.genops(pickled):
        if operation.name.endswith("BINPUT") and isinstance(argument, int) and argument > len(pickled):
            raise pickle.UnpicklingError(f"its pickle of {len(pickled)} bytes speaks of {argument} objects")


class _Remembered:
    """Stands for an array or a dtype in a pickle: remembers what it would be given, does nothing."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Scalar(_Remembered):
    """Stands for a numpy scalar: a dtype and its bytes."""


class _Path(_Remembered):
    """Stands for a pathlib path: its parts."""


class _Reader(pickle.Unpickler):
    """Knows of a pickle what numpy writes of an array of strings, numbers or paths, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as pickle has it
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in ("_reconstruct", "scalar"):
            return _Scalar if name == "scalar" else _Remembered
        if module == "numpy" and name in ("ndarray", "dtype"):
            return _Remembered
        if module in ("pathlib", "pathlib._local") and name in ("PosixPath", "WindowsPath"):
            return _Path
        raise pickle.UnpicklingError(f"its pickle asks for {module}.{name}, which no list of names needs")

    def persistent_load(self, _: object) -> NoReturn:
        raise pickle.UnpicklingError("its pickle refers to something outside of it")


def _strings(loaded: object, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the items of a pickled object array, of `shape`; raise UnpicklingError where one is no plain value."""
    state = loaded.state if isinstance(loaded, _Remembered) else None
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[4], list):  # noqa: PLR2004 - numpy's state
        raise pickle.UnpicklingError("its pickle is no array of objects")
    items = [_plain(item) for item in state[4]]
    if len(items) != prod(shape):
        raise pickle.UnpicklingError(f"its pickle holds {len(items)} items, and its header says {shape}")
    array = np.empty(len(items), object)
    for at, item in enumerate(items):  # at once, numpy would take tuples apart
        array[at] = item
    return array.reshape(shape)


def _plain(item: object) -> object:
    if isinstance(item, bytes):
        return item.decode(errors="replace")
    if isinstance(item, _Path):
        return "/".join(str(part).rstrip("/") for part in item.arguments)
    if isinstance(item, _Scalar):
        return _scalar(*item.arguments)
    if item is None or type(item) in (str, int, float, bool):
        return item
    if isinstance(item, (list, tuple)) and all(type(part) in (str, int, float, bool) for part in item):
        return tuple(item)
    raise pickle.UnpicklingError(f"it holds a {type(item).__name__}; use strings")


def _scalar(dtype: object = None, content: object = None) -> object:
    code = dtype.arguments[0] if isinstance(dtype, _Remembered) and dtype.arguments else None
    if not isinstance(code, str) or not isinstance(content, bytes) or not re.fullmatch(r"[biufUS]\d{1,9}", code):
        raise pickle.UnpicklingError("it holds a numpy scalar that is neither number nor string")
    if code[0] == "S":
        return content.decode(errors="replace")
    if code[0] == "U":
        return content.decode("utf-32-le", errors="replace").rstrip("\0")
    return np.frombuffer(content, code, count=1)[0].item()
