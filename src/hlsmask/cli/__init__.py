"""The command line. Only here is anything printed; each command is loaded when it is called."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, NoReturn

from cyclopts import App, Parameter

from hlsmask import __version__
from hlsmask.errors import HlsmaskError, UsageError
from hlsmask.memory import bound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

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
app.command("hlsmask.cli.view:view", name="view")
app.command("hlsmask.cli.extract:extract", name="extract")
app.command("hlsmask.cli.search:search", name="search")
app.command("hlsmask.cli.download:download", name="download")
app.command("hlsmask.cli.samples:app", name="samples")
app.command("hlsmask.cli.models:app", name="models")
app.command("hlsmask.cli.evaluate:evaluate", name="evaluate")
app.command("hlsmask.cli.train:app", name="train")


_debug = False
_stopped = False


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Published spellings with underscores (`--data_dir`) are taken as those with dashes. `--debug` shows where an
    error arose; without it every error is one sentence.
    """
    global _debug, _stopped  # noqa: PLW0603 - one command line a process
    _stopped = False
    words = [_dashed(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    _debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    bound()
    if threading.current_thread() is threading.main_thread():
        for kind in (signal.SIGINT, signal.SIGTERM):  # what a cluster sends is as Ctrl-C: tidy up, then go
            signal.signal(kind, _stop)
    try:
        code = app(words, result_action="return_value", exit_on_error=True)
        print(end="", flush=True)  # what nobody reads is noticed here; nothing where standard output is closed
    except BrokenPipeError as error:
        if not _unread():
            complain(error)
        code = FAILED
    except KeyboardInterrupt as error:
        complain(error)
        code = FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: one sentence, not a traceback
        complain(error)
        code = MISUSED if isinstance(error, UsageError) else FAILED
    sys.exit(code or DONE)


def _unread() -> bool:
    """Return whether who read standard output has gone, as `| head` does; what is left to print then goes nowhere."""
    try:
        out = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):  # it is closed, or no file
        return False
    if hasattr(select, "poll"):  # not on Windows
        asked = select.poll()
        asked.register(out, 0)
        if not asked.poll(0):
            return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), out)
    return True


def _stop(_number: int, _frame: FrameType | None) -> None:
    global _stopped  # noqa: PLW0603 - one command line a process
    _stopped = True
    raise KeyboardInterrupt


def heed_stop() -> None:
    """Raise KeyboardInterrupt if one was raised where nothing could pass it on, as inside a library's callback."""
    if _stopped:
        raise KeyboardInterrupt


def complain(error: BaseException) -> str:
    """Print an error to standard error as one sentence, after its traceback if `--debug` asks for it; return that."""
    if _debug:
        traceback.print_exception(error)
    if isinstance(error, HlsmaskError):
        sentence = str(error)
    elif isinstance(error, KeyboardInterrupt):
        sentence = "stopped; what was finished is kept, nothing half-written is"
    else:
        sentence = f"{type(error).__name__}: {error} (this should not happen; --debug shows where)"
    print(f"hlsmask: {sentence}", file=sys.stderr)
    return sentence


def _dashed(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value
