"""What a search found, as a STAC ItemCollection that others can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pystac

from hlsmask.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hlsmask.granules.catalogue.search import Found

PAIR: Final = "hlsmask:pair"
"""Property of an Item: the name of the granule or product that belongs to it."""


def as_collection(found: Sequence[Found], partners: Mapping[str, str]) -> dict[str, Any]:
    """Return a STAC ItemCollection of granules and products; `partners` names the product of each granule.

    Items are brought to the STAC version that pystac writes. Nothing in them is lost.

    Raises
    ------
    ServiceError
        If the catalogue gave an Item that is not STAC.
    """
    other = {**partners, **{product: granule for granule, product in partners.items()}}
    items = []
    for each in found:
        try:
            item = pystac.Item.from_dict({"links": [], "assets": {}, **each.item})
        except (pystac.STACError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServiceError(f"the catalogue's Item {each.id} is not STAC; use --format urls") from error
        if each.id in other:
            item.properties[PAIR] = other[each.id]
        items.append(item)
    written: dict[str, Any] = pystac.ItemCollection(items, clone_items=False).to_dict(transform_hrefs=False)
    return written
