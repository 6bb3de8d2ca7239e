"""Pages of the command line, written from the commands themselves: what `--help` says, they say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hlsmask.cli import app

if TYPE_CHECKING:
    from pathlib import Path

NOTHING: Final = re.compile(r" \*\[default: (?:False|\(\))\]\*")
"""Defaults that tell nothing: a flag that is off, a list that is empty."""

EMPTIED: Final = re.compile(r", --[\w.]*\bempty-[\w.-]+")
"""The form of a list option that empties it."""


def command_names() -> list[str]:
    """Return the names of all commands, in the order of `hlsmask --help`."""
    return [name for name in app if not name.startswith("-")]


def page(name: str) -> str:
    """Return the page of a command and of those below it, as Markdown."""
    text = app.generate_docs(output_format="markdown", recursive=True)
    (found,) = re.findall(rf"(?ms)^## hlsmask {name}\n.*?(?=^## |\Z)", text)
    found = re.sub(r"(?m)^#(#+ hlsmask)", r"\1", found)  # the command's own heading becomes the page's
    found = re.sub(r"\n {4,}(?=\S)", " ", found)  # an option's text is one line
    found = re.sub(r"(?m)^\*\*(\w+)\*\*:$", lambda title: f"**{title[1]}**", found)
    found = EMPTIED.sub("", NOTHING.sub("", found))
    found = re.sub(r"(?m)^\* (`[^`]+`): (.*)\n?", r"\1\n: \2\n\n", found)
    return re.sub(r"(?m)^\* \[(`[^`]+`)\]\((#[\w-]+)\): ", r"- [\1](\2): ", found)


def write_pages(folder: Path) -> None:
    """Write a page for each command into `folder`, where its text is another than the one that is there."""
    for name in command_names():
        path, text = folder / f"{name}.md", page(name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
