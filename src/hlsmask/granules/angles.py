"""Where the sun stood over a granule: from its SZA and SAA layers, else from its tags."""

from __future__ import annotations

from math import atan2, cos, degrees, radians, sin
from typing import TYPE_CHECKING

import numpy as np

from hlsmask.bands import ANGLE_FILL, ANGLE_SCALE
from hlsmask.errors import UnreadableError
from hlsmask.granules.layers import Layer
from hlsmask.sun import Sun
from hlsmask.windows import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hlsmask.granules.hls import Granule

_COARSE = 64  # rows and columns: angles vary by a degree or two over a tile


def sun_of(granule: Granule) -> Sun | None:
    """Return the mean sun over a granule, None where neither angle layers nor tags tell.

    The layers are read without regard to where they say they lie: those of southern L30 tiles are
    mis-georeferenced (HLS known issues, April 2026), and a mean needs no place.
    """
    zenith, azimuth = granule.hrefs.get("SZA"), granule.hrefs.get("SAA")
    if zenith and azimuth:
        try:
            return _mean(_angles(zenith), _angles(azimuth))
        except UnreadableError:
            pass  # archives without the angle layers are common; the tags say the same
    for layer in (*granule.sensor.layers.values(), "Fmask"):
        if layer in granule.hrefs:
            opened = Layer(granule.hrefs[layer])
            try:
                return sun_from_tags(opened.dataset.tags())
            finally:
                opened.close()
    return None


def sun_from_tags(tags: Mapping[str, str]) -> Sun | None:
    """Return the sun that HLS tags tell; L30 tags hold one value for each of its Landsat scenes."""
    try:
        zeniths, azimuths = (
            np.array([float(part) for part in tags[f"MEAN_SUN_{name}_ANGLE"].replace(";", ",").split(",")])
            for name in ("ZENITH", "AZIMUTH")
        )
    except (KeyError, ValueError):
        return None
    return _mean(zeniths, azimuths)


def _angles(href: str) -> NDArray[np.float64]:
    layer = Layer(href)
    try:
        whole = Window.of(layer.dataset.shape)
        shape = (1, min(whole.height, _COARSE), min(whole.width, _COARSE))
        stored = layer.read([1], whole, out_shape=shape)
        known: NDArray[np.float64] = stored[(stored != ANGLE_FILL) & (stored != layer.dataset.nodata)] * ANGLE_SCALE
        return known
    finally:
        layer.close()


def _mean(zeniths: NDArray[np.float64], azimuths: NDArray[np.float64]) -> Sun | None:
    if not zeniths.size or not azimuths.size:
        return None
    north = float(np.mean([cos(radians(a)) for a in azimuths]))
    east = float(np.mean([sin(radians(a)) for a in azimuths]))
    try:
        return Sun(azimuth=degrees(atan2(east, north)) % 360, zenith=float(np.mean(zeniths)))
    except ValueError:
        return None
