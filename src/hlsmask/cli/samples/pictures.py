"""A few samples as pictures: what the labels look like beside the scene."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from hlsmask.bands import BANDS, Band
from hlsmask.errors import SampleError
from hlsmask.masks import NOT_OBSERVED, PRESENT, Mask
from hlsmask.products.palette import LAYERS
from hlsmask.products.render import hatch, overlay, tone
from hlsmask.samples.sample import reflectance
from hlsmask.samples.statistics.charts import percent
from hlsmask.samples.statistics.page import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlsmask.samples.sample import Sample
    from hlsmask.samples.sequence import Samples
    from hlsmask.samples.statistics.gather import Richest

_SIDE: Final = 320
"""Pixels of a picture's side, about."""

_VISIBLE: Final = tuple(BANDS.index(band) for band in (Band.RED, Band.GREEN, Band.BLUE))


def pictures(samples: Samples, richest: Mapping[Mask, Richest]) -> list[Picture]:
    """Return a picture of the sample in which each mask covers most; one that leads twice is shown once."""
    chosen: dict[int, list[Mask]] = {}
    for mask in Mask:
        if mask in richest:
            chosen.setdefault(richest[mask].position, []).append(mask)
    drawn = []
    for position, masks in chosen.items():
        try:
            sample = samples.sample(position)
        except SampleError:
            continue  # it was read a moment ago; the page does without
        caption = ", ".join(f"{mask.title} {percent(richest[mask].share)}" for mask in masks)
        drawn.append(draw(sample, f"Most {caption} of the observed pixels."))
    return drawn


def draw(sample: Sample, caption: str) -> Picture:
    """Return the picture of a sample."""
    side = sample.record.size
    thin = max(1, round(side / _SIDE))
    light = reflectance(sample.bands)[np.array(_VISIBLE)][:, ::thin, ::thin]
    labels = sample.labels[:, ::thin, ::thin]
    colour = tone(light)
    coverage = np.zeros((len(LAYERS), *labels.shape[1:]), np.float32)
    coverage[: len(Mask)] = labels == PRESENT
    masks = overlay(colour, coverage)
    hatched = hatch(labels.shape[1:])
    colour[np.isnan(light[0])] = hatched[np.isnan(light[0])]
    unknown = (labels == NOT_OBSERVED).all(axis=0)
    masks[unknown] = hatched[unknown]
    larger = max(1, _SIDE // labels.shape[1])
    first, second = (
        Image.fromarray(array).resize((array.shape[1] * larger, array.shape[0] * larger), Image.Resampling.NEAREST)
        for array in (colour, masks)
    )
    return Picture(
        sample.record.id,
        caption,
        ("image/jpeg", _encoded(first, "JPEG", quality=88)),
        ("image/png", _encoded(second.quantize(64), "PNG", optimize=True)),
    )


def _encoded(picture: Image.Image, form: str, **options: int) -> bytes:
    stream = BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()
