"""The samples with most errors, as pictures within the page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING, Final

from hlsmask.evaluation.gallery import KEPT
from hlsmask.evaluation.judged import judged
from hlsmask.evaluation.panels import Panels
from hlsmask.evaluation.report.blocks import section
from hlsmask.samples.statistics.charts import legend, percent, ratio
from hlsmask.samples.statistics.markup import Markup, element, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from hlsmask.evaluation.verdict import Shown, Verdict
    from hlsmask.masks import Mask

_SIDE: Final = 256
"""Pixels of a picture's side."""


def worst(verdict: Verdict) -> Markup:
    """Return the section of the samples with the largest share of error, the worst first."""
    masks = judged([verdict])
    title = "The worst samples"
    if not verdict.worst or not masks:
        return section(title, "No sample with an error was kept.", class_="broad")
    said = f"The samples of which {verdict.name} says the largest share wrongly, over all masks that are labelled."
    keys = {f"mask-{mask}": mask.title for mask in masks} | {
        "missed": "missed: there, but not said",
        "false": "false: said, but not there",
        "unknown": "not known or not observed",
    }
    figures = (_figure(shown, masks) for shown in verdict.worst[:KEPT])
    return section(title, said, legend(keys), element("div", *figures), class_="broad")


def _figure(shown: Shown, masks: Sequence[Mask]) -> Markup:
    panels = Panels(shown, _SIDE)
    pictures = {
        "true colour": panels.true_colour(),
        "truth": panels.all_truth(masks),
        "said": panels.all_said(masks),
        "errors": panels.errors(masks),
    }
    images = (
        element(
            "div",
            element("img", src=_data(picture), alt=f"{shown.id}: {name}", width=picture.width, height=picture.height),
            name,
        )
        for name, picture in pictures.items()
    )
    words = join(element("strong", shown.id), f" {shown.sensor}".rstrip(), element("br"), _words(shown, masks))
    return element("figure", element("div", *images, class_="four"), element("figcaption", words))


def _words(shown: Shown, masks: Sequence[Mask]) -> str:
    """Return what is wrong in a sample, the most of it first."""
    wrong = []
    for mask in masks:
        counts = shown.counts.get(mask)
        if counts is None or not counts.misses + counts.false_alarms:
            continue
        missed, false = (percent(ratio(part, counts.count)) for part in (counts.misses, counts.false_alarms))
        wrong.append((counts.misses + counts.false_alarms, f"{mask.title}: {missed} missed, {false} false"))
    wrong.sort(key=lambda pair: -pair[0])
    return f"{percent(shown.error)} wrong. Of labelled pixels, {'; '.join(words for _, words in wrong)}."


def _data(picture: Image.Image) -> str:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=85, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"
