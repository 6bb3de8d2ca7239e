"""How the site is built: `make docs`. Nothing is fetched, neither now nor when a page is looked at."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import hlsmask

sys.path.insert(0, str(Path(__file__).parent))

from command_line import write_pages  # it lies beside this file

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_COMPLETED: set[str] = set()

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

project = "hlsmask"
author = "the hlsmask authors"
copyright = "the hlsmask authors, Apache-2.0"  # noqa: A001 - Sphinx's name
version = release = hlsmask.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]

# Markdown, and the notebook as it was kept: it is run by a test, not here.
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True

# Docstrings: numpy's way, and single backticks are code, as everywhere else.
default_role = "code"
napoleon_google_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88

# Every name of ours that a page refers to must exist; those of others are not looked up, since that needs a network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!hlsmask\b).*"), ("py:.*", r"hlsmask\..*\._T")]  # others' names; type variables

html_theme = "pydata_sphinx_theme"
html_title = "hlsmask"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "hlsmask", "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "quickstart": [], "notebook": []}
copybutton_exclude = ".linenos, .gp, .go"


def bring_pages(_app: Sphinx) -> None:
    """Write the pages of the command line, and put the quickstart's notebook beside the pages that are written by hand.

    Sphinx reads nothing outside of its folder. What is unchanged is left alone, so that it is not read again.
    """
    write_pages(HERE / "reference" / "command-line")
    notebook = json.loads((ROOT / "examples" / "quickstart.ipynb").read_text(encoding="utf-8"))
    notebook["metadata"]["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}  # which knows `!command`
    copy, text = HERE / "notebook.ipynb", json.dumps(notebook)
    if not copy.exists() or copy.read_text(encoding="utf-8") != text:
        copy.write_text(text, encoding="utf-8")


def import_guarded(_app: Sphinx, documented: object, _bound: bool) -> None:  # noqa: FBT001 - Sphinx's call
    """Import what the module of `documented` imports for annotations alone, so that these can be resolved."""
    module = sys.modules.get(getattr(documented, "__module__", None) or "")
    if module is None or not module.__name__.startswith("hlsmask") or module.__name__ in _COMPLETED:
        return
    _COMPLETED.add(module.__name__)
    for block in ast.parse(inspect.getsource(module)).body:
        for line in block.body if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING" else ():
            with suppress(ImportError):  # what is for type checkers alone, as _typeshed is
                exec(ast.unparse(line), vars(module))  # noqa: S102 - our own


def keep_colons(_app: Sphinx, what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before the first colon of a field's docstring for its type."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]  # an empty comment: the line that napoleon looks at


def setup(app: Sphinx) -> None:
    """Register what is defined here."""
    app.connect("builder-inited", bring_pages)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)  # before napoleon
    app.connect("autodoc-before-process-signature", import_guarded)
