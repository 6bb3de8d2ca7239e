"""What an archive of masks tells of places: clear water and its reflectance, site by site, date by date.

====================  ==================================================================================
`sites.Site`          a place: its area on Earth
`sites.read_sites`    sites from GeoJSON, CSV, GeoParquet, GeoPackage or Shapefile
`sites.extract`       results in a folder, and the scenes they were made of, become rows: an `Outcome` a granule
`sites.open_results`  the `Results` in a folder or in object storage, to count them before they are looked into
`sites.Row`           what one granule tells of one site
`sites.read_model`    a regression (.toml, .json) or network (.onnx) from reflectance to, say, suspended sediment
`sites.estimate`      what such a model makes of rows
`sites.write_table`   rows as Parquet or CSV
`sites.write_chart`   the rows of one site as a picture (SVG)
====================  ==================================================================================

Each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlsmask.archive.sites.chart import write_chart as write_chart
    from hlsmask.archive.sites.extracting import Outcome as Outcome
    from hlsmask.archive.sites.extracting import extract as extract
    from hlsmask.archive.sites.model import Model as Model
    from hlsmask.archive.sites.model import estimate as estimate
    from hlsmask.archive.sites.model import read_model as read_model
    from hlsmask.archive.sites.reading import read_sites as read_sites
    from hlsmask.archive.sites.results import Results as Results
    from hlsmask.archive.sites.results import open_results as open_results
    from hlsmask.archive.sites.row import Row as Row
    from hlsmask.archive.sites.site import Site as Site
    from hlsmask.archive.sites.table import write_table as write_table

_HOMES = {
    "Model": "model",
    "Outcome": "extracting",
    "Results": "results",
    "Row": "row",
    "Site": "site",
    "estimate": "model",
    "extract": "extracting",
    "open_results": "results",
    "read_model": "model",
    "read_sites": "reading",
    "write_chart": "chart",
    "write_table": "table",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - all of them are strings


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    """Import what is asked for, when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
