"""A run whose scheduler is killed, in a process of its own: what distributed leaves behind ends with it.

Words: a folder with granules, one for the products. Prints, as JSON, what the first run raised, and what the manifest
held after it and after the second.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import distributed

from hlsmask.archive.listing import list_sources
from hlsmask.archive.manifest import Entry, Manifest
from hlsmask.archive.plan import make_plan
from hlsmask.archive.run import carry_out
from hlsmask.archive.work import Orders, mask
from hlsmask.errors import ServiceError
from hlsmask.granules.source import Source
from hlsmask.inference.options import Options
from hlsmask.inference.run import open_engine
from hlsmask.products.output import Output


def assassin(source: Source, request: str, orders: Orders) -> Entry:
    """Mask as always, but kill the process that a source's name tells."""
    if source.href.startswith("kill "):
        os.kill(int(source.href.split()[1]), signal.SIGKILL)
    return mask(source, request, orders)


@contextmanager
def cluster(where):
    """Start a scheduler and a worker, as on a cluster; yield a client and the scheduler's process."""
    common = ("--scheduler-file", where, "--no-dashboard")

    def start(module, *words):
        command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, (*common, *words))]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", 0)
    worker = start("dask_worker", "--nworkers", 1, "--nthreads", 1, "--no-nanny", "--death-timeout", 20)
    try:
        with distributed.Client(scheduler_file=str(where), timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
            yield client, scheduler
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


def main(granules, out):
    """Mask three granules, losing the scheduler in between; do the rest in this process."""
    from lost_scheduler import assassin as named  # noqa: PLC0415 - by a name that the worker can import

    options, output = Options(model="spectral"), Output(Path(out))
    orders, path = Orders(options, output), Path(out) / "manifest.parquet"
    sources = list_sources([granules]).sources[:3]
    raised = ""
    with cluster(Path(out).with_name("scheduler.json")) as (client, scheduler):
        killer = Source("killer", f"kill {scheduler.pid}")
        planned = [*sources[:2], killer, *sources[2:]]
        plan = make_plan(planned, open_engine(options), options, output, Manifest(path))
        try:
            list(carry_out(plan, orders, Manifest(path), client, work=named))
        except ServiceError as error:
            raised = str(error)
        kept = Manifest(path)
        first = {entry.id: entry.state for entry in kept.entries.values()}
        list(carry_out(make_plan(sources, open_engine(options), options, output, kept), orders, kept))
        second = {entry.id: entry.state for entry in kept.entries.values()}
        sys.stdout.write(json.dumps({"raised": raised, "first": first, "second": second}))


if __name__ == "__main__":
    main(*sys.argv[1:])
