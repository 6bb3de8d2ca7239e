"""Masks leave the house: cloud-optimised GeoTIFFs, an HLS-like quality byte, a STAC Item, a picture.

====================  =========================================================================
`products.cog`        `CogWriter`: windows in any order become one cloud-optimised GeoTIFF
`products.qa`         `fmask_byte`: the drop-in for the Fmask layer of HLS
`products.clear`      `clear_water`: water that nothing hides
`products.item`       `write_item`, `write_collection`: STAC that says what was made, how, from what
`products.quicklook`  `Preview`: true colour beside the masks
`products.look`       `quicklook`: the same of a Dataset of masks, to look at in Python
`products.palette`    the colours and titles that all of these share
====================  =========================================================================

Every file appears whole or not at all. Nothing is imported here, so that each caller pays for what it uses.
"""
