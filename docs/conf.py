"""Sphinx configuration."""

from __future__ import annotations

import retainkit

project = "retainkit"
author = "The retainkit developers"
copyright = "2026, The retainkit developers"
release = retainkit.__version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "jupyter_execute"]
html_theme = "furo"
html_title = "retainkit"
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
napoleon_google_docstring = False
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
autodoc_default_options = {"members": True, "show-inheritance": False}
python_display_short_literal_types = True


def _skip_pydantic_noise(app, what, name, obj, skip, options):  # noqa: ANN001, ANN202, ARG001
    return True if name.startswith("model_") else skip


def setup(app):  # noqa: ANN001, ANN201
    """Leave pydantic's own machinery out of the reference."""
    app.connect("autodoc-skip-member", _skip_pydantic_noise)
