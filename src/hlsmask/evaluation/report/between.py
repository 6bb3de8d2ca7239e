"""What is taken for what: of each thing that is there, how much was said to be each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hlsmask.evaluation.report.blocks import section
from hlsmask.masks import Mask
from hlsmask.samples.statistics.charts import percent
from hlsmask.samples.statistics.markup import Markup, element
from hlsmask.samples.statistics.page import table

if TYPE_CHECKING:
    from hlsmask.evaluation.verdict import Verdict

_NONE: Final = "none of them"


def between(verdict: Verdict) -> Markup:
    """Return the section of confusion between masks; nothing where no pixel was compared."""
    columns = [at for at, mask in enumerate(Mask) if mask in verdict.masks]
    rows = [at for at in columns if verdict.between[at].any()]
    last = len(Mask)
    names = [*(mask.title for mask in Mask), _NONE]
    if not verdict.between.any():
        return Markup("")
    body = []
    for row in [*rows, last]:
        total = int(verdict.rows[row])
        cells: list[str] = [names[row]]
        for column in [*columns, last]:
            share = int(verdict.between[row, column]) / total if total else None
            shade = None if share is None else f"--share:{round(100 * share)}%"
            right = "best " if row == column else ""
            cells.append(element("td", percent(share), class_=f"{right}n shade", style=shade))
        body.append(cells)
    said = (
        "Of the pixels where the thing of a row is there, the share that was said to be each column. In bold what is "
        "right; a row may add up to more than 100 %, as a pixel can be said to be two things at once."
    )
    head = ["there", *(f"said {names[column]}" for column in [*columns, last])]
    return section(
        "What is taken for what", said, table(head, body, caption=f"What {verdict.name} said of what is there")
    )
