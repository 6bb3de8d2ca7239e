"""What `hlsmask search` does: ask, pair, print."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hlsmask.aside import write_text
from hlsmask.cli import DONE
from hlsmask.cli.units import counted
from hlsmask.granules.catalogue.catalogues import Kind
from hlsmask.granules.catalogue.items import as_collection
from hlsmask.granules.catalogue.search import Results, search
from hlsmask.granules.dswx import Product
from hlsmask.granules.hls import Granule
from hlsmask.granules.transfer.wanted import check_layers, files_of
from hlsmask.samples.building.pairing import pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hlsmask.granules.catalogue.query import Query
    from hlsmask.granules.catalogue.search import Found


def run(query: Query, *, paired: bool, form: str, layers: Sequence[str], out: Path | None) -> int:
    """Search and give what was found as `form`; return the exit code."""
    check_layers(layers)
    results, partners = _paired_up(search(query, paired=paired))
    if paired:
        results, partners = _only_pairs(results, partners, query.limit)
    kinds = tuple(Kind) if paired else query.products
    text = "".join(f"{line}\n" for line in _lines(form, results, partners, layers, with_pairs=Kind.DSWX in kinds))
    if out is None:
        sys.stdout.write(text)
    else:
        write_text(out, text)
    for note in results.notes:
        print(f"note: {note}", file=sys.stderr)
    print(_summary(results, partners, kinds, out), file=sys.stderr)
    return DONE


def _paired_up(results: Results) -> tuple[Results, dict[str, str]]:
    """Return the results without products that were made anew, and the product of each granule that has one."""
    granules = [found.value for found in results.granules if isinstance(found.value, Granule)]
    products = [found.value for found in results.products if isinstance(found.value, Product)]
    pairing = pair(granules, products)
    old = {product.id for product in pairing.superseded}
    if old:
        note = f"{counted(len(old), 'product')} of DSWx-HLS left out: the same was produced again later"
        kept = tuple(found for found in results.products if found.id not in old)
        results = Results(results.granules, kept, (*results.notes, note))
    return results, {both.granule.id: both.product.id for both in pairing.pairs if both.product is not None}


def _only_pairs(results: Results, partners: Mapping[str, str], limit: int | None) -> tuple[Results, dict[str, str]]:
    granules = [found for found in results.granules if found.id in partners][:limit]
    kept = {found.id: partners[found.id] for found in granules}
    products = tuple(found for found in results.products if found.id in set(kept.values()))
    return Results(tuple(granules), products, results.notes), kept


def _lines(
    form: str, results: Results, partners: Mapping[str, str], layers: Sequence[str], *, with_pairs: bool
) -> Iterator[str]:
    found = [*results.granules, *results.products]
    if form == "stac":
        yield json.dumps(as_collection(found, partners), indent=1)
    elif form == "urls":
        for each in found:
            yield from (file.href for file in files_of(each.item, layers)[0])
    else:
        yield from _table(results, partners, with_pairs=with_pairs and bool(results.granules))


def _table(results: Results, partners: Mapping[str, str], *, with_pairs: bool) -> Iterator[str]:
    """Yield a line a granule with its product, then one for each product without granule, all by time."""
    taken = set(partners.values())
    shown = sorted(
        [*results.granules, *(found for found in results.products if found.id not in taken)],
        key=lambda found: (found.time, found.id),
    )
    if not shown:
        return
    rows = [("id", "date (UTC)", "tile", "cloud", "pair")]
    rows += [
        (found.id, f"{found.time:%Y-%m-%d %H:%M}", found.value.tile, _percent(found), partners.get(found.id, "-"))
        for found in shown
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for name, date, tile, cloud, other in rows:
        left = f"{name:{widths[0]}}  {date:{widths[1]}}  {tile:{widths[2]}}  {cloud:>{widths[3]}}"
        yield f"{left}  {other}" if with_pairs else left


def _percent(found: Found) -> str:
    return "-" if found.cloud_cover is None else f"{found.cloud_cover:.0f} %"


def _summary(results: Results, partners: Mapping[str, str], kinds: Sequence[Kind], out: Path | None) -> str:
    counts = [
        (Kind.HLS, results.granules, "granule", " of HLS"),
        (Kind.DSWX, results.products, "product", " of DSWx-HLS"),
    ]
    said = [f"{counted(len(found), name)}{of}" for kind, found, name, of in counts if kind in kinds]
    if len(said) > 1:
        said.append(counted(len(partners), "pair"))
    return ", ".join(said) + ("" if out is None else f" -> {out}")
