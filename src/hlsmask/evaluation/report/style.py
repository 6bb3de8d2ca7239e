"""What a report adds to the style sheet of the page of samples: contenders, cells of scores, rows of pictures."""

from __future__ import annotations

from typing import Final

from hlsmask.evaluation.panels import FALSE, MISSED
from hlsmask.masks import Mask
from hlsmask.products.palette import hint
from hlsmask.samples.statistics.style import STYLE, variables

DASHES: Final = (None, "7 3", "2 2.5", "8 2.5 2 2.5", "12 3", "1.5 4")
"""Lines of contenders differ in more than colour; the seventh is drawn as the first."""

_INKS: Final = ("deep", "split-1", "split-2", "green", "nir", "quiet")
"""Variables of the style sheet that colour the contenders."""

_MORE: Final = """
.broad { grid-column: 1 / -1; }
figure:has(.four) { margin-bottom: 20px; }
h3 { font-size: 1rem; margin: 14px 0 2px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 4px 44px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 0 0 10px; font-size: .9rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.line { fill: none; stroke: var(--who); stroke-width: 1.8; stroke-linejoin: round; }
.mark { fill: var(--who); stroke: var(--paper); stroke-width: 1.2; }
.ideal { stroke: var(--quiet); stroke-dasharray: 3 3; fill: none; }
.bar { fill: var(--who); fill-opacity: .35; }
.ends { display: block; color: var(--quiet); font-size: .78rem; font-weight: 400; white-space: nowrap; }
.best { font-weight: 700; }
td.who, th.who { white-space: normal; overflow-wrap: anywhere; min-width: 11em; }
tr:has(> .first) > * { border-top: 2px solid var(--line); }
.four { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px; }
.four div { font-size: .85rem; color: var(--quiet); }
.four img { width: 100%; height: auto; display: block; border-radius: 4px; margin-bottom: 2px; }
@media screen and (max-width: 640px) {
  .four { grid-template-columns: 1fr 1fr; }
  .facts { grid-template-columns: 1fr; }
  .facts dd { margin-bottom: 6px; }
}
@media print {
  .four { grid-template-columns: repeat(4, 1fr); }
  .charts { grid-template-columns: 1fr 1fr; }
}
"""


def style() -> str:
    """Return the whole style sheet."""
    missed, false = (f"rgb({red} {green} {blue})" for red, green, blue in (MISSED, FALSE))
    who = "".join(f".who-{at} {{ --who: var(--{ink}); }}\n" for at, ink in enumerate(_INKS))
    errors = (
        f".missed {{ background: {missed}; }}\n"
        f".false {{ background: repeating-linear-gradient(135deg, {false} 0 3px, transparent 3px 6px); }}\n"
    )
    return variables({mask: f"#{hint(mask)}" for mask in Mask}) + STYLE + _MORE + who + errors


def who(number: int) -> str:
    """Return the class of the contender of a number, 0 or more."""
    return f"who-{number % len(_INKS)}"
