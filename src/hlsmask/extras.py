"""Packages that the light install lacks, asked for when they are needed."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from hlsmask.errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES: Final = {
    "train": (
        *("torch", "torchvision", "timm", "segmentation_models_pytorch"),
        *("safetensors", "onnx", "onnxscript", "huggingface_hub"),
        *("pytorch_lightning", "tensorboard", "tomli_w"),
    ),
    "samples": ("zarr", "numcodecs", "pcodec", "google_crc32c", "pyarrow"),
    "cluster": ("distributed", "fsspec", "pyarrow", "stac_geoparquet"),
    "view": ("rio_tiler", "starlette", "uvicorn"),
    "earthdata": ("earthaccess", "pystac_client", "planetary_computer", "requests", "urllib3"),
}
"""What each extra of hlsmask installs, by the names that Python imports."""


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Say what to install where `what` needs a package of an extra that is not there.

    Raises
    ------
    MissingPackageError
        If an import in the block fails for want of such a package.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in PACKAGES[extra]:
            raise
        raise MissingPackageError(
            f'{what} needs {missing}, which is not installed: pip install "hlsmask[{extra}]"'
        ) from error


def load(extra: str, module: str, what: str) -> Any:  # noqa: ANN401 - a module
    """Return a module of an extra, which `what` needs.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    with needing(extra, what):
        return import_module(module)
