"""How the page of statistics looks: on paper, by day and by night, on a wall and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hlsmask.masks import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping


def variables(colours: Mapping[Mask, str]) -> str:
    """Return the style sheet of what has the colour of a mask."""
    return (
        "".join(f".mask-{mask}{{fill:{colours[mask]};background:{colours[mask]}}}\n" for mask in Mask)
        + ".present{background:linear-gradient(90deg,"
        + ",".join(colours[mask] for mask in Mask)
        + ")}\n"
    )


_NIGHT: Final = """
  --paper: #14181d; --ink: #e8ebef; --quiet: #a3adb8; --line: #343c46; --card: #1d232a; --deep: #7cb4f5;
  --absent: #3a434d; --hatch: #7d8894; --sea: #1a222b; --land: #46515c; --warn: #f0b95a; --here: #ff8f6b;
  --blue: #6aa7ff; --green: #55c878; --red: #ff7b72; --nir: #c792ea; --swir1: #f0a34a; --swir2: #b6bec8;
  --split-0: #6aa7ff; --split-1: #f0a34a; --split-2: #e86fb0; --split-3: #b6bec8;
"""

STYLE: Final = (
    """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2026; --quiet: #59626c; --line: #d9dde2; --card: #f5f7f9; --deep: #1f5fa8;
  --absent: #dfe4e9; --hatch: #8b95a0; --sea: #f2f6fa; --land: #c9d1d8; --warn: #9a5b00; --here: #c8401a;
  --blue: #2b6fd0; --green: #23893f; --red: #cc3f38; --nir: #8746b8; --swir1: #c2700a; --swir2: #66707b;
  --split-0: #2b6fd0; --split-1: #c2700a; --split-2: #b3267a; --split-3: #66707b;
}
@media screen and (prefers-color-scheme: dark) { :root {"""
    + _NIGHT
    + """} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px clamp(14px, 3vw, 36px);
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 8px 44px; }
main > * { min-width: 0; }
h1, main > p, main > dl, main > .wide, .concerns, .samples, footer { grid-column: 1 / -1; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 22px 0 6px; }
p { margin: 4px 0 10px; }
.small { font-size: .85rem; margin-top: -6px; }
.quiet, footer, caption, dt { color: var(--quiet); }
footer { margin-top: 28px; border-top: 1px solid var(--line); padding-top: 10px; font-size: .85rem; }
.numbers { display: flex; flex-wrap: wrap; gap: 10px; margin: 12px 0; }
.numbers div { background: var(--card); border-radius: 8px; padding: 8px 16px; }
.numbers dt { font-size: .8rem; }
.numbers dd { margin: 0; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
.concerns ul { margin: 0 0 8px; padding-left: 1.2em; }
.concerns { border-left: 4px solid var(--warn); padding-left: 14px; margin-top: 14px; overflow-wrap: anywhere; }
.concerns h2 { margin-top: 0; color: var(--warn); }
figure { margin: 8px 0; }
svg { display: block; width: 100%; max-width: 640px; height: auto; }
svg text { font-size: 12px; fill: var(--ink); font-variant-numeric: tabular-nums; }
svg text.head { font-weight: 600; font-size: 13px; }
svg text.quiet { fill: var(--quiet); font-size: 11px; }
svg text.on-deep { fill: var(--paper); }
svg text.tile { font-weight: 600; paint-order: stroke; stroke: var(--sea); stroke-width: 3px; }
.grid { stroke: var(--line); fill: none; vector-effect: non-scaling-stroke; }
.axis { stroke: var(--quiet); }
.empty { fill: var(--card); }
.deep { fill: var(--deep); }
.absent { fill: var(--absent); background: var(--absent); }
rect.unknown { fill: url(#not-known); }
.swatch.unknown { background: repeating-linear-gradient(135deg, var(--hatch) 0 1.5px, transparent 1.5px 5px); }
.hatch { stroke: var(--hatch); stroke-width: 1.2; }
.curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
"""
    + "".join(
        f".band-{band} {{ stroke: var(--{band}); }}\n" for band in ("blue", "green", "red", "nir", "swir1", "swir2")
    )
    + "".join(
        f".split-{at} {{ fill: var(--split-{at}); stroke: var(--split-{at}); background: var(--split-{at}); }}\n"
        for at in range(4)
    )
    + """.place { fill-opacity: .4; stroke-width: 1; }
.sea { fill: var(--sea); }
.land { fill: var(--land); }
.here { fill: none; stroke: var(--here); stroke-width: 2; vector-effect: non-scaling-stroke; }
.legend { font-size: .85rem; }
.legend > span { display: inline-block; margin-right: 14px; white-space: nowrap; }
.swatch { display: inline-block; width: 14px; height: 14px; margin-right: 6px; border-radius: 3px;
  vertical-align: -2px; border: 1px solid var(--line); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; margin: 6px 0 12px; }
caption { text-align: left; padding: 4px 0; }
th, td { padding: 3px 10px 3px 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--quiet); font-weight: 600; white-space: normal; vertical-align: bottom; line-height: 1.25; }
tbody th { font-weight: 600; }
.n { text-align: right; }
td.shade { background: color-mix(in srgb, var(--deep) calc(var(--share, 0%) * .5), transparent); padding: 3px 10px; }
summary { cursor: pointer; color: var(--quiet); font-size: .9rem; margin: 4px 0; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 14px 28px; }
.pictures figure { max-width: 560px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 6px; }
.pair img { width: 100%; display: block; border-radius: 4px; image-rendering: auto; }
figcaption { font-size: .85rem; color: var(--quiet); overflow-wrap: anywhere; margin-top: 4px; }
figcaption strong { color: var(--ink); }
@media print {
  main { padding: 0; grid-template-columns: 1fr 1fr; gap: 4px 28px; }
  html { font-size: 9.5px; }
  body { font-size: 1rem; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .pictures { grid-template-columns: 1fr 1fr; }
  figure, tr, .numbers, .concerns { break-inside: avoid; }
  h2 { break-after: avoid; }
  .wide { overflow: visible; }
  th, td { padding: 2px 7px 2px 0; }
}
"""
)
"""The style sheet; what has the colour of a mask comes before it, from `variables`."""
