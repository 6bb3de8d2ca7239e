"""`hlsmask train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.config import Dict

from hlsmask.errors import UsageError
from hlsmask.training.options import Accelerator, Data, Learning, Machine, Network, Options, Records

if TYPE_CHECKING:
    from cyclopts.argument import ArgumentCollection

_DATA, _NETWORK, _LEARNING, _MACHINE, _RECORDS = Data(), Network(), Learning(), Machine(), Records()


def _from_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Add what the file of `--config` says and the command line does not."""
    tokens = arguments.match("--config")[0].tokens
    if not tokens:
        return
    from hlsmask.training.config import read  # noqa: PLC0415 - --help answers without it

    path = Path(tokens[0].value)
    values, _ = read(path)
    values.pop("config", None)
    for given, dropped in (("--ckpt-path", "init"), ("--resume", "init"), ("--weight", "task-weights")):
        if arguments.match(given)[0].tokens:  # what it says there cannot hold beside what is said here
            values.pop(dropped, None)
    Dict(values, source=str(path), use_commands_as_keys=False)(app, commands, arguments)


app = App(
    name="train",
    help="Train a network on samples, real or simulated.",
    config=_from_file,
    default_parameter=Parameter(
        consume_multiple=True, negative=None, negative_bool="no-", negative_iterable=(), negative_none=()
    ),
)


@app.default
def train(
    *,
    data: Annotated[Data, Parameter(name="*")] = _DATA,
    network: Annotated[Network, Parameter(name="*")] = _NETWORK,
    learning: Annotated[Learning, Parameter(name="*")] = _LEARNING,
    machine: Annotated[Machine, Parameter(name="*")] = _MACHINE,
    records: Annotated[Records, Parameter(name="*")] = _RECORDS,
    config: Path | None = None,
    resume: Path | None = None,
    device: Accelerator | None = None,
    processes: Annotated[int | None, Parameter(name="-j")] = None,
) -> int:
    """Train a network on samples, real or simulated.

    After each epoch OUT holds, named by start, backbone and head: `_checkpoint.ckpt`, the full state to go on from
    with --ckpt-path; `_best.safetensors`, the weights with the lowest mean validation loss over the masks, or what
    else --best says, ready for `hlsmask predict`; `_log.csv`; and `_config.toml`, which repeats the run with --config.

    Parameters
    ----------
    data
        What is learned from.
    network
        What learns.
    learning
        How it learns.
    machine
        What it learns on.
    records
        What is kept.
    config
        A .toml file with any of these options, such as the _config.toml of another run. The command line goes first.
    resume
        The same as --ckpt-path.
    device
        The same as --accelerator.
    processes
        The same as --workers.
    """
    network = _same(network, "ckpt_path", "--resume", resume)
    machine = _same(machine, "accelerator", "--device", device)
    data = _same(data, "workers", "-j", processes)
    from hlsmask.cli.training import run  # noqa: PLC0415 - --help answers without torch

    return run(Options(data, network, learning, machine, records), config)


def _same(part: Any, name: str, option: str, value: Any) -> Any:  # noqa: ANN401 - any of the dataclasses
    """Return `part` with what another spelling of one of its options says."""
    if value is None:
        return part
    default = type(part).__dataclass_fields__[name].default
    if getattr(part, name) not in (default, value):
        raise UsageError(f"{option} {value} and --{name.replace('_', '-')} {getattr(part, name)}: give one of them")
    return replace(part, **{name: value})
