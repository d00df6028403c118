"""How the documentation is built: `make docs`. Pages of settings, commands and scores are made of the code."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import reference  # noqa: E402

import raysp  # noqa: E402

project = "raysp"
author = copyright = "the raysp developers"
release = raysp.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["site"]
source_suffix = {".md": "markdown"}
nitpicky = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": False}
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are said in a class's docstring, not one by one
html_theme = "furo"
html_title = "raysp"
html_show_sourcelink = False
html_static_path = ["style"]
html_css_files = ["wide.css"]


def setup(app: Sphinx) -> None:
    """Have the pages of the code written before any page is read."""
    app.connect("builder-inited", lambda app: reference.write(Path(app.srcdir) / "reference"))
