"""One source becomes its five files, or nothing at all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsmask.aside import open_scratch, reason, settle
from hlsmask.errors import OutputError
from hlsmask.inference.run import Masking
from hlsmask.masks import NOT_OBSERVED, Mask
from hlsmask.products import qa
from hlsmask.products.account import Tally, record_of
from hlsmask.products.assets import PROBABILITY_STEPS
from hlsmask.products.claim import claim
from hlsmask.products.cog import CogWriter
from hlsmask.products.item import ItemRecord, write_item
from hlsmask.products.palette import LAYERS
from hlsmask.products.quicklook import Preview
from hlsmask.products.request import finished, made_by, request_hash, sweep
from hlsmask.raster import pixel_metres

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from hlsmask.granules.source import Source
    from hlsmask.inference.decide import Decided
    from hlsmask.inference.engine import Engine
    from hlsmask.inference.options import Options
    from hlsmask.products.output import Output
    from hlsmask.windows import Window


@dataclass(frozen=True, slots=True)
class Produced:
    """What was made of one source."""

    id: str
    """Name of the results."""

    folder: Path
    """Where they lie."""

    fresh: bool
    """Whether they were made now; else they were there already."""

    shares: Mapping[str, float | None] = field(default_factory=dict)
    """Share of the observed pixels, 0 to 1, that each layer covers; None where it is not known."""

    water_in_sight: float | None = None
    """Share of the observed pixels that is water under neither cloud nor snow: the DSWx tests take those for water."""

    unknown: Mapping[Mask, str] = field(default_factory=dict)
    """Masks that are 255 throughout, and why."""

    seconds: float = 0.0
    """Wall time."""

    replaced: str = ""
    """Model and version of the results that were there before, where another one had made them."""


def produce(
    source: Source,
    engine: Engine,
    options: Options,
    output: Output,
    *,
    progress: Callable[[float], None] | None = None,
) -> Produced:
    """Mask `source` and write its products to `output.out / source.id`, all of them or none.

    What is there already for the same source, model and options is left as it is, unless `output.overwrite`.
    `progress` is called with the share of the scene that is done, 0 to 1.

    Raises
    ------
    SourceError
        If the source cannot be masked.
    OutputError
        If results cannot be written.
    """
    started = perf_counter()
    folder = output.out / source.id
    request = request_hash(source, engine, options, probabilities=output.probabilities)

    def there() -> Produced | None:
        if output.overwrite or (item := finished(folder, source.id, request)) is None:
            return None
        shares, seen = (item["properties"].get(f"hlsmask:{name}") for name in ("share", "water_in_sight"))
        return Produced(source.id, folder, fresh=False, shares=shares or {}, water_in_sight=seen)

    if (made := there()) is not None:
        return made
    with Masking(source.open(scale=options.scale), engine, options) as masking, claim(output.out, source.id):
        if (made := there()) is not None:  # by another process, while this one waited
            return made
        before, now = made_by(folder, source.id), f"{engine.card.name} {engine.card.version}"
        sweep(output.out, source.id)
        scratch = folder
        try:
            scratch = open_scratch(folder)
            record = write_products(
                masking, scratch, source, request, probabilities=output.probabilities, progress=progress
            )
            _move(scratch, folder, source.id)
        except OutputError as error:  # name the file that the user would have had
            raise OutputError(str(error).replace(str(scratch), str(folder))) from error
        finally:  # by name: a stop may come before the scratch folder's name is known here
            sweep(output.out, source.id)
    return Produced(
        source.id,
        folder,
        fresh=True,
        shares=record.shares,
        water_in_sight=record.water_in_sight,
        unknown=record.unknown_masks,
        seconds=perf_counter() - started,
        replaced=before if before != now else "",
    )


def write_products(
    masking: Masking,
    folder: Path,
    source: Source,
    request: str,
    *,
    probabilities: bool = False,
    progress: Callable[[float], None] | None = None,
) -> ItemRecord:
    """Write all products of a scene into `folder`, the Item last; return what the Item tells."""
    geobox, name = masking.scene.geobox, source.id
    shape = (int(geobox.height), int(geobox.width))
    asked = masking.options.asked()
    preview, tally = Preview(shape), Tally()
    threads = masking.options.workers or os.cpu_count() or 1
    with ExitStack() as stack:

        def cog(kind: str, names: tuple[str, ...], **settings: Any) -> CogWriter:  # noqa: ANN401 - CogWriter's own
            path = folder / f"{name}.{kind}.tif"
            return stack.enter_context(CogWriter(path, geobox, names, threads=threads, **settings))

        masks_file = cog("masks", LAYERS)
        qa_file = cog("qa", ("Fmask",), tags=qa.TAGS, colormap=qa.colour_table())
        chances = cog("probabilities", tuple(Mask), resampling="average") if probabilities else None

        def on_cell(window: Window, cell: NDArray[np.float32]) -> None:
            if chances is not None:
                chances.write(window, _stored(cell, masking.engine.card.masks, asked))

        for rows in masking.rows(preview.add_bands, on_cell):
            layers = _layers(rows, asked)
            masks_file.write(rows.window, layers)
            byte = qa.fmask_byte(rows.masks, rows.observed, rows.adjacent)
            qa_file.write(rows.window, byte[None])
            preview.add_masks(rows.window, layers)
            tally.add(rows, layers)
            if progress is not None:
                progress(tally.pixels / (shape[0] * shape[1]))

        record = record_of(masking, source, request, tally)
        with ThreadPoolExecutor(1) as pool:  # the picture is drawn while the files are finished
            drawn = pool.submit(_draw, preview, record, folder / f"{name}.png", masking)
            stack.close()
            drawn.result()
    write_item(folder, record)
    return record


def _draw(preview: Preview, record: ItemRecord, path: Path, masking: Masking) -> None:
    when = f"{record.datetime:%Y-%m-%d %H:%M} UTC" + (" (file)" if masking.scene.origin.time is None else "")
    model, ran = record.provenance.model, masking.engine.name
    subtitle = " · ".join([when, *([model] if model not in ran else []), ran])
    metres = pixel_metres(record.geobox)
    shares = {**record.shares, Mask.WATER: record.water_in_sight}
    preview.save(path, title=record.id, subtitle=subtitle, shares=shares, metres_per_pixel=metres)


def _layers(rows: Decided, asked: tuple[Mask, ...]) -> NDArray[np.uint8]:
    """Return the six layers of finished rows; masks that were not asked for are 255."""
    layers = np.concatenate([rows.masks, rows.clear_water[None]])
    for at, mask in enumerate(Mask):
        if mask not in asked:
            layers[at] = NOT_OBSERVED
    return layers


def _stored(cell: NDArray[np.float32], masks: tuple[Mask, ...], asked: tuple[Mask, ...]) -> NDArray[np.uint8]:
    """Return probabilities (masks, row, column) as they are stored (5, row, column)."""
    stored = np.full((len(Mask), *cell.shape[1:]), NOT_OBSERVED, np.uint8)
    for mask, plane in zip(masks, cell, strict=True):
        if mask in asked:
            known = ~np.isnan(plane)
            np.rint(plane * PROBABILITY_STEPS, out=stored[list(Mask).index(mask)], where=known, casting="unsafe")
    return stored


def _move(scratch: Path, folder: Path, name: str) -> None:
    """Give the finished files their place; the Item, which makes them count, goes first and comes last."""
    item = f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / item).unlink(missing_ok=True)
        (folder / f"{name}.probabilities.tif").unlink(missing_ok=True)  # of an earlier run that was asked for it
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {reason(error)}") from error
    made = sorted(path for path in scratch.iterdir() if path.is_file())
    for path in sorted(made, key=lambda path: path.name == item):
        settle(path, folder / path.name)
