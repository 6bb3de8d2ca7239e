"""Statistics of a dataset as one HTML page that needs nothing but itself."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hlsmask import __version__
from hlsmask.bands import BANDS
from hlsmask.masks import Mask
from hlsmask.samples.statistics import charts
from hlsmask.samples.statistics.charts import counted, percent, ratio
from hlsmask.samples.statistics.concerns import concerns
from hlsmask.samples.statistics.counts import PERCENTILES, USUAL
from hlsmask.samples.statistics.locations import locations
from hlsmask.samples.statistics.markup import Markup, element, join
from hlsmask.samples.statistics.style import STYLE, variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hlsmask.samples.statistics.counts import PixelCounts
    from hlsmask.samples.statistics.gather import Statistics

_ROWS: Final = 300
"""Tiles that the table lists; a page that cannot be scrolled through helps nobody."""

_NAMED: Final = 20
"""Broken samples that the page names."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A sample to look at."""

    title: str
    """Its name."""

    caption: str
    """Why it is shown."""

    colour: tuple[str, bytes]
    """True colour: media type, such as `image/jpeg`, and file."""

    masks: tuple[str, bytes]
    """The masks in their colours: media type and file."""


def render(
    statistics: Statistics,
    *,
    title: str,
    colours: Mapping[Mask, str],
    pictures: Sequence[Picture] = (),
    note: str = "",
) -> str:
    """Return the page.

    Parameters
    ----------
    statistics
        Of samples that could be read, one or more.
    title
        Name of the dataset.
    colours
        Of each mask, such as `#7AB0F2`.
    pictures
        Samples to show.
    note
        What the figures rest on, where it is not all samples.
    """
    splits = statistics.in_order()
    body = element(
        "main",
        element("h1", title),
        element("p", note, class_="quiet") if note else Markup(""),
        _headline(statistics),
        _concerns(statistics),
        _balance(splits),
        _reflectance(splits, statistics.total),
        element("div", _months(statistics), _together(statistics.total)),
        _locations(statistics),
        _pictures(pictures),
        _tiles(statistics),
        element("footer", f"hlsmask {__version__}: hlsmask samples stats. Masks are the labels of the samples."),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title}: samples"),
        element("style", Markup(variables(colours) + STYLE)),
    )
    return "<!doctype html>\n" + element("html", head, element("body", body), lang="en") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", words: int = 1) -> Markup:
    """Return a table that scrolls sideways where it is too wide; its first `words` columns are text."""

    def cell(at: int, value: str) -> Markup:
        if isinstance(value, Markup) and value.startswith("<td"):
            return value
        return (
            element("th", value, scope="row") if at == 0 else element("td", value, class_=None if at < words else "n")
        )

    return element(
        "div",
        element(
            "table",
            element("caption", caption) if caption else Markup(""),
            element(
                "thead",
                element(
                    "tr",
                    *(
                        element("th", name, scope="col", class_=None if at < words else "n")
                        for at, name in enumerate(head)
                    ),
                ),
            ),
            element("tbody", *(element("tr", *(cell(at, value) for at, value in enumerate(row))) for row in rows)),
        ),
        class_="wide",
        tabindex="0",
        role="region",
        aria_label=caption or head[0],
    )


def _section(title: str, *parts: str, class_: str | None = None) -> Markup:
    return element("section", element("h2", title), *parts, class_=class_)


def _headline(statistics: Statistics) -> Markup:
    coverage, total = statistics.coverage, statistics.total
    tiles = [tile for tile in coverage.tiles() if tile]
    numbers = {"samples": f"{total.samples:,}", "pixels": charts.short(total.pixels)}
    numbers["observed"] = percent(ratio(total.observed, total.pixels))
    numbers |= {"tiles": f"{len(tiles):,}"} if tiles else {}
    numbers |= {"granules": f"{len(coverage.granules):,}"} if coverage.granules else {}
    if coverage.first and coverage.last:
        first, last = f"{coverage.first:%Y-%m-%d}", f"{coverage.last:%Y-%m-%d}"
        numbers["acquired"] = first if first == last else f"{first} to {last}"
    cards = element(
        "dl",
        *(element("div", element("dt", name), element("dd", value)) for name, value in numbers.items()),
        class_="numbers",
    )
    rows = []
    for split, counts in statistics.in_order().items():
        sensors = {
            name: number for (which, name), number in coverage.count("split", "sensor").items() if which == split
        }
        platforms = coverage.count("split", "platform")
        sizes = coverage.count("split", "size")
        rows.append(
            [
                split or "no split",
                _listed(sensors),
                _listed({name: number for (which, name), number in platforms.items() if which == split}),
                ", ".join(size for (which, size) in sizes if which == split),
                f"{counts.samples:,}",
                percent(ratio(counts.pixels - counts.observed, counts.pixels)),
            ]
        )
    head = ["split", "sensors", "platforms", "rows and columns", "samples", "fill"]
    return join(cards, table(head, rows, caption="Splits", words=4))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'not known'} {number:,}" for name, number in counts.items())


def _concerns(statistics: Statistics) -> Markup:
    found = concerns(statistics)
    if not found:
        return Markup("")
    broken = statistics.broken
    parts = [element("ul", *(element("li", sentence) for sentence in found))]
    if broken:
        more = [element("li", f"and {len(broken) - _NAMED:,} more")] if len(broken) > _NAMED else []
        named = (element("li", one.reason) for one in broken[:_NAMED])
        summary = element("summary", "Samples that cannot be read")
        parts.append(element("details", summary, element("ul", *named, *more)))
    return _section("To look into", *parts, class_="concerns")


def _balance(splits: Mapping[str, PixelCounts]) -> Markup:
    head = ["mask", "split", "there", "not there", "not known", "pixels there", "samples with it"]
    rows = []
    for mask in Mask:
        for split, counts in splits.items():
            summary, observed = counts.mask(mask), counts.observed
            shares = [percent(ratio(number, observed)) for number in (summary.present, summary.absent, summary.unknown)]
            with_it = f"{summary.samples:,} ({percent(ratio(summary.samples, counts.samples))})"
            rows.append([mask.title, split or "no split", *shares, f"{summary.present:,}", with_it])
    keys = {"present": "there, in the mask's colour", "absent": "not there", "unknown": "not known"}
    return _section(
        "Class balance",
        element("p", "Shares of the observed pixels; fill is left out.", class_="quiet"),
        element("figure", charts.balance(splits), charts.legend(keys)),
        _details("Figures", table(head, rows, words=2)),
    )


def _reflectance(splits: Mapping[str, PixelCounts], total: PixelCounts) -> Markup:
    if not total.observed:
        return _section("Reflectance", element("p", "No sample has one observed pixel.", class_="quiet"))
    tables = [_bands(total, "All samples")]
    if len(splits) > 1:
        tables += [_bands(counts, split or "no split") for split, counts in splits.items() if counts.observed]
    return _section(
        "Reflectance",
        element("figure", charts.reflectance(total)),
        tables[0],
        _details("Each split", *tables[1:]) if len(tables) > 1 else Markup(""),
    )


def _bands(counts: PixelCounts, caption: str) -> Markup:
    head = ["band", "mean", "std", "min", *(f"{at} %" for at in PERCENTILES), "max"]
    rows, odd = [], []
    for index, band in enumerate(BANDS):
        summary = counts.band(index)
        if summary:
            values = [summary.mean, summary.std, summary.min, *summary.percentiles.values(), summary.max]
            rows.append([band.value, *(f"{value:.3f}" for value in values)])
            if summary.unusual:
                odd.append(f"{band} {percent(summary.unusual / summary.count)}")
    said = f"Below {USUAL[0]:g} or above {USUAL[1]:g}: {', '.join(odd) if odd else 'no pixel'}."
    return join(table(head, rows, caption=caption), element("p", said, class_="quiet small"))


def _months(statistics: Statistics) -> Markup:
    chart = charts.months(statistics.coverage)
    undated = sum(number for (month,), number in statistics.coverage.count("month").items() if not month)
    if chart is None:
        return _section("When", element("p", "No sample has a date.", class_="quiet"))
    note = (
        element("p", f"The date of {counted(undated, 'sample')} is not known.", class_="quiet")
        if undated
        else Markup("")
    )
    return _section("When", element("figure", chart), note)


def _locations(statistics: Statistics) -> Markup:
    splits = list(statistics.in_order())
    chart = locations(statistics.coverage, splits)
    if chart is None:
        return _section("Where", element("p", "The place of no sample is known.", class_="quiet"))
    lost = sum(n for place, n in statistics.coverage.places.items() if place.lon is None or place.lat is None)
    note = element("p", f"The place of {counted(lost, 'sample')} is not known.", class_="quiet") if lost else Markup("")
    keys = charts.legend({f"split-{at}": split or "no split" for at, split in enumerate(splits)})
    return _section("Where", element("figure", chart, keys), note)


def _together(total: PixelCounts) -> Markup:
    both, known = total.together()
    rows = []
    for at, mask in enumerate(Mask):
        cells: list[str] = [mask.title]
        for other in range(len(Mask)):
            share = ratio(int(both[at, other]), int(known[at, other]))
            shade = None if share is None or at == other else f"--share:{round(100 * share)}%"
            cells.append(element("td", "" if at == other else percent(share), class_="n shade", style=shade))
        rows.append(cells)
    said = (
        "Of the pixels where the mask of the row is there and that of the column is known: share where it is there too."
    )
    return _section(
        "Masks together", element("p", said, class_="quiet"), table(["", *(mask.title for mask in Mask)], rows)
    )


def _pictures(pictures: Sequence[Picture]) -> Markup:
    if not pictures:
        return Markup("")
    figures = []
    for picture in pictures:
        images = [
            element("img", src=f"data:{kind};base64,{b64encode(data).decode()}", alt=f"{picture.title}: {name}")
            for name, (kind, data) in (("true colour", picture.colour), ("masks", picture.masks))
        ]
        words = join(element("strong", picture.title), element("br"), picture.caption)
        figures.append(element("figure", element("div", *images, class_="pair"), element("figcaption", words)))
    keys = charts.legend({f"mask-{mask}": mask.title for mask in Mask} | {"unknown": "not known or not observed"})
    said = "For each mask, the sample in which it covers most."
    return _section(
        "Samples",
        element("p", said, class_="quiet"),
        keys,
        element("div", *figures, class_="pictures"),
        class_="samples",
    )


def _tiles(statistics: Statistics) -> Markup:
    tiles = statistics.coverage.tiles()
    if set(tiles) <= {""}:
        return _section("Tiles", element("p", "The tile of no sample is known.", class_="quiet"))
    splits = list(statistics.in_order())
    ranked = sorted(tiles.items(), key=lambda entry: (-entry[1].total(), entry[0]))
    rows = [
        [tile or "not known", f"{counts.total():,}", *(f"{counts[split]:,}" for split in splits)]
        for tile, counts in ranked[:_ROWS]
    ]
    more = f"The {_ROWS} tiles with the most samples, of {len(ranked):,}." if len(ranked) > _ROWS else ""
    head = ["tile", "samples", *(split or "no split" for split in splits)]
    return _section("Tiles", element("p", more, class_="quiet") if more else Markup(""), table(head, rows))


def _details(title: str, *parts: str) -> Markup:
    return element("details", element("summary", title), *parts)
