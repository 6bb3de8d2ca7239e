"""What `hlsmask predict` does with many sources: plan, mask side by side, tell how it goes."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hlsmask.archive.cluster import cores, local, remote
from hlsmask.archive.home import FAILURES, open_home
from hlsmask.archive.listing import list_sources
from hlsmask.archive.manifest import FILE, Manifest, State
from hlsmask.archive.patience import Patience
from hlsmask.archive.plan import make_plan
from hlsmask.archive.run import carry_out
from hlsmask.archive.work import Orders
from hlsmask.cli import DONE, FAILED, heed_stop
from hlsmask.cli.failures import Failures
from hlsmask.cli.telling import open_teller
from hlsmask.errors import UsageError
from hlsmask.inference.run import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hlsmask.archive.manifest import Entry
    from hlsmask.archive.options import Many
    from hlsmask.archive.plan import Plan
    from hlsmask.inference.options import Options
    from hlsmask.products.output import Output


def run(sources: Sequence[str], options: Options, output: Output, many: Many) -> int:
    """Mask all `sources`; return the exit code."""
    if not sources:
        raise UsageError("name at least one source: a folder of granules, a list, an ItemCollection, a search")
    engine = open_engine(options)
    patience = Patience(many.tries)
    with open_home(output.out, patience) as home, open_teller(as_json=many.log_json) as teller:
        listing = list_sources(sources)
        failures = Failures(home.folder)
        for href, error in listing.problems:
            failures.add(href, error)
        manifest = Manifest(home.folder / FILE, partial(home.keep, FILE))
        plan = make_plan(listing.sources, engine, options, output, manifest, home=home)
        if many.dry_run or not plan.jobs:
            teller.plan(plan, many.processes or cores())
        else:
            with _workers(many, plan) as (client, count):
                teller.plan(plan, count, client)
                each = options if client is None else _one_core_each(options)
                orders = Orders(each, output, patience, home.bucket)
                try:
                    with closing(carry_out(plan, orders, manifest, client)) as entries:
                        for entry in entries:
                            heed_stop()
                            _note(entry, failures)
                            teller.entry(entry)
                finally:
                    failures.write()
                    home.keep(FAILURES)
                    teller.ended(home.catalogue())
    return FAILED if failures.new else DONE


@contextmanager
def _workers(many: Many, plan: Plan) -> Iterator[tuple[Any, int]]:
    """Yield a Dask client, None for this process alone, and how many sources are masked at once."""
    count = min(many.processes or cores(), len(plan.jobs))
    if many.scheduler is not None:
        with remote(many.scheduler) as client:
            yield client, max(1, sum(client.nthreads().values()))
    elif count == 1:
        yield None, 1
    else:
        with local(count) as client:
            yield client, count


def _one_core_each(options: Options) -> Options:
    """Return options for a worker of one thread, as Dask counts them: others mask on the other cores."""
    return options if options.workers is not None else replace(options, workers=1)


def _note(entry: Entry, failures: Failures) -> None:
    if entry.state is State.FAILED:
        failures.keep(entry.source, entry.error, entry.reason)
    else:
        failures.forget(entry.source)
