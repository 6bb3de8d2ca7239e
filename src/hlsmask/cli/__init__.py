"""The command line. Only here is anything printed; each command is loaded when it is called."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from cyclopts import App, Parameter

from hlsmask import __version__
from hlsmask.errors import HlsmaskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, MISUSED = 0, 1, 2
"""Exit codes: all done; something was refused or failed; wrong usage."""

app = App(
    name="hlsmask",
    help="Water, cloud, cloud shadow, snow/ice and terrain shadow for every pixel of NASA HLS scenes.",
    version=__version__,
    suppress_keyboard_interrupt=False,
    default_parameter=Parameter(consume_multiple=True, negative=()),
)
app.command("hlsmask.cli.predict:predict", name="predict")
app.command("hlsmask.cli.demo:demo", name="demo")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Published spellings with underscores (`--data_dir`) are taken as those with dashes. `--debug` shows where an
    error arose; without it every error is one sentence.
    """
    words = [_dashed(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    os.environ.setdefault("GDAL_CACHEMAX", "96")  # MB: GDAL reads it once, at its first block
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a cluster sends is as Ctrl-C: tidy up
    try:
        code = app(words, result_action="return_value", exit_on_error=True)
    except KeyboardInterrupt:
        if debug:
            raise
        complain("stopped; what was finished is kept, nothing half-written is")
        code = FAILED
    except HlsmaskError as error:
        if debug:
            raise
        complain(str(error))
        code = MISUSED if isinstance(error, UsageError) else FAILED
    except Exception as error:
        if debug:
            raise
        complain(f"{type(error).__name__}: {error} (this should not happen; --debug shows where)")
        code = FAILED
    sys.exit(code or DONE)


def complain(text: str) -> None:
    """Print one error to standard error."""
    print(f"hlsmask: {text}", file=sys.stderr)


def _dashed(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value
