"""Run the quickstart's notebook from top to bottom, and keep what it shows.

    python examples/run_quickstart.py [--out FILE]

Needed when its text changes, and when the default network does: its pictures and tables are those of a run. It runs in
a folder that is removed afterwards, without a network; times and versions of Python are left out of the file, so that
a new run changes what has changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().with_name("quickstart.ipynb")


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=NOTEBOOK)
    out = parser.parse_args().out
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    kept = notebook.metadata.copy()
    with TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, record_timing=False, resources=where).execute()
    notebook.metadata = kept
    nbformat.write(notebook, out)
    pictures = sum("image/jpeg" in each.get("data", {}) for cell in notebook.cells for each in cell.get("outputs", ()))
    print(f"{out.name}: {len(notebook.cells)} cells, {pictures} pictures, {out.stat().st_size / 1024:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
