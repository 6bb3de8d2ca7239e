"""Granules and their DSWx products become a store of samples."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hlsmask.aside import reason
from hlsmask.errors import DatasetError, OutputError, first_line
from hlsmask.samples.building.cutting import Cutter
from hlsmask.samples.building.gates import CAPPED, chosen, is_all_cloud, why_not
from hlsmask.samples.building.pairing import why_lonely
from hlsmask.samples.building.recipe import Cut, Gates
from hlsmask.samples.building.report import (
    LOG,
    NAME,
    Account,
    Report,
    begin_line,
    log_line,
    masks_of_rows,
    read_log,
    read_products,
)
from hlsmask.samples.labels import Rules
from hlsmask.samples.store import StoreWriter, manifest
from hlsmask.samples.store.reading import PARTS, StoreSamples, masks_of
from hlsmask.samples.store.writing import LOCK, lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from hlsmask.samples.building.pairing import Pair, Pairing
    from hlsmask.samples.sample import Sample
    from hlsmask.windows import Window

    Tell = Callable[[Account, Exception | None], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a store is built from granules."""

    cut: Cut = field(default_factory=Cut)
    """How granules are cut, and what labels are made of."""

    gates: Gates = field(default_factory=Gates)
    """Which samples are kept."""

    rules: Rules = field(default_factory=Rules)
    """How labels are made."""

    seed: int = 0
    """Chooses among the samples that are all cloud."""

    def options(self) -> dict[str, Any]:
        """Return it as JSON values: a store that is gone on with must have the same."""
        return {**asdict(self.cut), **asdict(self.gates), **asdict(self.rules), "seed": self.seed}


def build(
    pairing: Pairing, store: Path, recipe: Recipe, *, workers: int | None = None, tell: Tell | None = None
) -> Report:
    """Cut pairs into samples, and write those that pass the gates into a store.

    A pair that cannot be cut does not stop the others. Samples that the store holds already are not made again; those
    of another product than that of the pair stay what they are, and the pair counts as failed. A store that would hold
    no sample is removed, so that it does not stand in the way of another recipe.

    Parameters
    ----------
    pairing
        What is cut, and what was left alone.
    store
        Its folder: new, empty, or of an earlier build with the same recipe.
    recipe
        How.
    workers
        Threads; one a core, if not given.
    tell
        Called with the account of each pair that is done, and what stopped it, if anything did.

    Returns
    -------
    Report
        It is in the store too, as `report.json`, if there is one.

    Raises
    ------
    UsageError
        If the folder holds something else, or a store of another recipe.
    OutputError
        If the store cannot be written.
    """
    threads = workers or os.cpu_count() or 1
    new = opened = False
    with suppress(OSError):  # what is wrong says the writer
        new = not store.exists()
    try:
        with StoreWriter(store, options=recipe.options()) as writer, ThreadPoolExecutor(threads) as pool:
            opened = True
            builder = _Builder(writer, recipe, pool, 2 * threads)
            try:
                accounts = builder.all_but_cloudy(pairing.pairs, tell)
                accounts = builder.cloudy(pairing.pairs, accounts, tell)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BaseException:
        if opened and not (store / "zarr.json").exists():  # nothing was written: the log tells of nothing
            (store / LOG).unlink(missing_ok=True)
        raise
    products = [*pairing.lonely_products, *(pair.product for pair in pairing.pairs if pair.product is not None)]
    report = Report(
        tuple(accounts),
        writer.options,
        {granule.id: why_lonely(granule, products) for granule in pairing.lonely_granules},
        tuple(product.id for product in pairing.lonely_products),
        tuple(product.id for product in pairing.superseded),
        masks_of_rows(masks_of(StoreSamples(store).rows)),
    )
    if writer.ids:
        report.write(store)
    else:
        _remove(store, folder=new)
    return report


def _remove(store: Path, *, folder: bool) -> None:
    """Remove a store that holds no sample, and its folder too if nothing else is in it."""
    with suppress(DatasetError, OSError), lock(store):
        for item in (*store.glob("size-*"), store / PARTS):
            shutil.rmtree(item, ignore_errors=True)
        for name in ("zarr.json", manifest.NAME, NAME, LOG, LOCK):
            (store / name).unlink(missing_ok=True)
        if folder:
            store.rmdir()


class _Builder:
    """Cuts pairs and writes what passes."""

    def __init__(self, writer: StoreWriter, recipe: Recipe, pool: ThreadPoolExecutor, ahead: int) -> None:
        self._writer, self._recipe, self._pool, self._ahead = writer, recipe, pool, ahead

    def all_but_cloudy(self, pairs: Iterable[Pair], tell: Tell | None) -> list[Account]:
        """Cut all pairs; hold back samples that are all cloud."""
        done, products = read_log(self._writer.path), read_products(self._writer.path)
        stored = defaultdict(list)
        for row in self._writer.rows:
            stored[row.record.granule].append(row.record.id)
        accounts = []
        for pair in pairs:
            blank, ids = Account.of(pair), self._writer.ids
            product = products.get(blank.granule)
            before = done.get((blank.granule, blank.product))
            error: Exception | None = None
            if blank.granule in stored and product != blank.product:
                old = None if product is None else done.get((blank.granule, product))
                account, error = self._of_another(blank, product, old, sorted(stored[blank.granule]))
            else:
                if product != blank.product:
                    self._note(begin_line(blank))
                if before is not None and ids.issuperset(before.kept):
                    account = before
                else:
                    account, error = self._cut(pair, blank, ids)
                    if error is None:
                        self._note(log_line(account))
            accounts.append(account)
            if tell is not None:
                tell(account, error)
        return accounts

    def cloudy(self, pairs: Iterable[Pair], accounts: list[Account], tell: Tell | None) -> list[Account]:
        """Cut as many samples that are all cloud as the others allow, and return the final accounts."""
        waiting = [name for account in accounts for name in account.cloudy]
        others = sum(len(account.kept) for account in accounts)
        share, seed = self._recipe.gates.max_cloudy, self._recipe.seed
        wanted = frozenset(chosen(waiting, self._writer.ids, others, share, seed))
        final = []
        for pair, account in zip(pairs, accounts, strict=True):
            names = wanted.intersection(account.cloudy)
            decided = account.decided(names, CAPPED)
            ids = self._writer.ids if names else frozenset()
            if missing := names - ids:
                error = None
                try:
                    with Cutter(pair, self._recipe.cut, self._recipe.rules) as cutter:
                        windows = [window for window in cutter.windows if cutter.name(window) in missing]
                        for sample in self._read(cutter, windows):
                            self._writer.append(sample)
                except OutputError:
                    raise
                except Exception as failure:  # noqa: BLE001 - one bad pair never stops the others
                    error = failure
                    ids = self._writer.ids
                    there = tuple(name for name in decided.kept if name in ids)
                    decided = replace(decided, kept=there, error=first_line(failure))
                if error is not None and tell is not None:
                    tell(decided, error)
            final.append(decided)
        return final

    def _of_another(
        self, blank: Account, product: str | None, old: Account | None, stored: list[str]
    ) -> tuple[Account, Exception]:
        """Return the account of a granule whose samples were made with another product (None: nobody knows which)."""
        made = "with a product that is not known" if product is None else _with(product)
        error = DatasetError(
            f"{blank.granule}: its samples in {self._writer.path} were made {made}; "
            f"name a new folder to make them {_with(blank.product)}"
        )
        old = old or Account(blank.granule, product or "")
        cloudy = tuple(name for name in old.cloudy if name in stored)
        account = replace(
            old,
            kept=tuple(name for name in stored if name not in cloudy),
            dropped={**old.dropped, **{name: CAPPED for name in old.cloudy if name not in cloudy}},
            cloudy=cloudy,
            error=str(error),
        )
        return account, error

    def _cut(self, pair: Pair, blank: Account, ids: frozenset[str]) -> tuple[Account, Exception | None]:
        """Return what became of a pair, and what stopped it; `ids` are the samples that are there."""
        kept: list[str] = []
        cloudy: list[str] = []
        dropped: dict[str, str] = {}
        error: Exception | None = None
        try:
            with Cutter(pair, self._recipe.cut, self._recipe.rules) as cutter:
                windows = cutter.windows
                there = {window for window in windows if cutter.name(window) in ids}
                kept += [cutter.name(window) for window in windows if window in there]
                for sample in self._read(cutter, [window for window in windows if window not in there]):
                    name = sample.record.id
                    if why := why_not(sample, self._recipe.gates):
                        dropped[name] = why
                    elif is_all_cloud(sample):
                        cloudy.append(name)
                    else:
                        self._writer.append(sample)
                        kept.append(name)
        except OutputError:
            raise
        except Exception as failure:  # noqa: BLE001 - one bad pair never stops the others
            error = failure
        account = replace(blank, kept=tuple(kept), dropped=dropped, cloudy=tuple(cloudy))
        return (account if error is None else replace(account, error=first_line(error))), error

    def _read(self, cutter: Cutter, windows: Iterable[Window]) -> Iterator[Sample]:
        """Yield the samples of windows in order, read ahead by threads."""
        pending: deque[Future[Sample]] = deque()
        try:
            for window in windows:
                pending.append(self._pool.submit(cutter.read, window))
                if len(pending) >= self._ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
            for future in pending:  # files are closed next: nobody may be reading them
                with suppress(Exception):
                    if not future.cancelled():
                        future.result()

    def _note(self, line: str) -> None:
        """Add a line to the log, whose last one may have been cut off."""
        try:
            with (self._writer.path / LOG).open("a+b") as log:
                if log.tell():
                    log.seek(-1, os.SEEK_END)
                    if log.read(1) != b"\n":
                        log.write(b"\n")
                log.write(line.encode())
        except OSError as error:
            raise OutputError(f"{self._writer.path / LOG} cannot be written: {reason(error)}") from error


def _with(product: str) -> str:
    return f"with {product}" if product else "without a product"
