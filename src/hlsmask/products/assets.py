"""STAC assets of the files that a scene's folder holds, found by name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from pystac import Asset, Item, MediaType
from pystac.extensions.classification import Bitfield, Classification, ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.raster import DataType, RasterBand, RasterExtension, Statistics

from hlsmask.aside import reason
from hlsmask.errors import OutputError
from hlsmask.granules import fmask
from hlsmask.masks import ABSENT, NOT_OBSERVED, PRESENT, Mask
from hlsmask.products.palette import LAYERS, MEANINGS, TITLES, hint
from hlsmask.raster import pixel_metres

if TYPE_CHECKING:
    from pathlib import Path

    from hlsmask.products.record import ItemRecord

PROBABILITY_STEPS: Final = 200
"""A stored probability is value / 200."""

FILES: Final = {
    "masks": ".masks.tif",
    "qa": ".qa.tif",
    "probabilities": ".probabilities.tif",
    "quicklook": ".png",
}
"""Key of each asset, and what follows the id in its file's name."""

TITLES_OF_ASSETS: Final = {
    "masks": "Water, cloud, cloud shadow, snow/ice, terrain shadow and clear water",
    "qa": "Quality byte, a drop-in for the HLS Fmask layer",
    "probabilities": "Probability of each mask",
    "quicklook": "True colour beside the masks",
}

_ROLES: Final = {
    "masks": ["data", "cloud", "cloud-shadow", "snow-ice", "water-mask"],
    "qa": ["data-mask", "cloud", "cloud-shadow", "snow-ice", "water-mask"],
    "probabilities": ["data", "probability"],
    "quicklook": ["thumbnail", "overview"],
}


def add_assets(item: Item, folder: Path, record: ItemRecord) -> None:
    """Give `item` an asset for each product of `record` that lies in `folder`.

    Raises
    ------
    OutputError
        If a file cannot be read back.
    """
    for key, ending in FILES.items():
        path = folder / f"{record.id}{ending}"
        if not path.is_file():
            continue
        asset = Asset(
            href=f"./{path.name}",
            title=TITLES_OF_ASSETS[key],
            media_type=MediaType.PNG if key == "quicklook" else MediaType.COG,
            roles=_ROLES[key],
        )
        item.add_asset(key, asset)
        _add_file(asset, path)
        if key == "masks":
            _describe_masks(asset, record)
        elif key == "qa":
            _describe_qa(asset, record)
        elif key == "probabilities":
            _describe_probabilities(asset, record)


def _add_file(asset: Asset, path: Path) -> None:
    """Add size and checksum; the checksum is a multihash: 0x12 = SHA-256, 0x20 = 32 bytes, then the digest."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError as error:
        raise OutputError(f"{path} cannot be read back: {reason(error)}") from error
    FileExtension.ext(asset, add_if_missing=True).apply(checksum=f"1220{digest}", size=size)


def _describe_masks(asset: Asset, record: ItemRecord) -> None:
    """Add the six bands: names, classes, and how much of the scene each covers."""
    asset.extra_fields["bands"] = [{"name": name, "description": MEANINGS[name]} for name in LAYERS]
    bands = [_raster_band(record) for _ in LAYERS]
    RasterExtension.ext(asset, add_if_missing=True).bands = bands
    for name, band in zip(LAYERS, bands, strict=True):
        share = record.shares.get(name)
        known = share is not None
        if known or name in record.unknown_masks:
            seen = record.observed if record.observed is not None and known else None
            band.statistics = Statistics.create(
                minimum=ABSENT if known else None,
                maximum=PRESENT if known else None,
                mean=share,
                valid_percent=0.0 if not known else None if seen is None else 100 * seen,
            )
        ClassificationExtension.ext(band).apply(classes=_classes(name))
    ClassificationExtension.add_to(_owner(asset))


def _describe_qa(asset: Asset, record: ItemRecord) -> None:
    """Add the meaning of each bit."""
    asset.extra_fields["bands"] = [{"name": "qa", "description": TITLES_OF_ASSETS["qa"]}]
    RasterExtension.ext(asset, add_if_missing=True).bands = [_raster_band(record)]
    bits = {bit: (mask.value, MEANINGS[mask.value]) for mask, bit in fmask.BITS.items()}
    bits[fmask.ADJACENT_BIT] = ("adjacent", "Beside cloud or cloud shadow, and neither of them")
    fields = []
    for bit, (name, meaning) in sorted(bits.items()):
        classes = [
            Classification.create(value=0, name=f"no_{name}", description="Not so, or not known"),
            Classification.create(value=1, name=name, description=meaning),
        ]
        fields.append(Bitfield.create(offset=bit, length=1, classes=classes, name=name, description=meaning))
    ClassificationExtension.ext(asset, add_if_missing=True).apply(bitfields=fields)


def _describe_probabilities(asset: Asset, record: ItemRecord) -> None:
    """Add the five bands and the scale of what they hold."""
    asset.extra_fields["bands"] = [{"name": mask.value, "description": f"Probability of {mask.title}"} for mask in Mask]
    bands = [_raster_band(record, scale=1 / PROBABILITY_STEPS) for _ in Mask]
    RasterExtension.ext(asset, add_if_missing=True).bands = bands


def _raster_band(record: ItemRecord, scale: float | None = None) -> RasterBand:
    metres = pixel_metres(record.geobox)
    return RasterBand.create(
        nodata=NOT_OBSERVED,
        data_type=DataType.UINT8,
        spatial_resolution=metres,
        scale=scale,
        offset=None if scale is None else 0.0,
    )


def _classes(name: str) -> list[Classification]:
    """Return what 0, 1 and 255 mean in the band `name`."""
    title = TITLES[name]
    return [
        Classification.create(value=ABSENT, name=f"no_{name}", title=f"no {title}", description=f"No {title}"),
        Classification.create(value=PRESENT, name=name, title=title, description=MEANINGS[name], color_hint=hint(name)),
        Classification.create(
            value=NOT_OBSERVED, name="unknown", title="unknown", description="Not observed, or not known", nodata=True
        ),
    ]


def _owner(asset: Asset) -> Item:
    """Return the item of an asset that has one."""
    if not isinstance(asset.owner, Item):
        raise TypeError(f"the asset {asset.href} belongs to no item")
    return asset.owner
