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
html_static_path = ["_static"]
html_css_files = ["tables.css"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = False  # a warning, so that -W fails and --keep-going shows all
nb_execution_show_tb = True
nb_merge_streams = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_use_param = False  # types say shapes, "(n,)": nothing to link
suppress_warnings = ["ref.python"]
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_preserve_defaults = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 88


def _leave_out(app, what, name, obj, skip, options):  # noqa: ARG001
    """Leave out pydantic's own machinery and what the class docstring already describes."""
    is_field = type(obj).__name__ in ("_tuplegetter", "member_descriptor")
    return True if name.startswith("model_") or is_field else skip


def _show_columns(app, what, name, obj, options, lines):  # noqa: ARG001
    """Add what the columns of a result table mean, as the table declares it."""
    if what != "class" or not getattr(obj, "_schema", ()):
        return
    described = obj.describe_columns()
    described.insert(3, "zh", obj.describe_columns(language="zh")["label"])
    lines += ["", ".. list-table:: Columns of ``to_frame``", "   :header-rows: 1", ""]
    for row in [("column", "unit", "label", "中文", "note"), *described.itertuples(index=False)]:
        lines += [f"   {'  -' if i else '* -'} {cell}".rstrip() for i, cell in enumerate(row)]
    lines.append("")


def setup(app):
    """Register the filter of the reference, and the tables of columns after the docstrings."""
    app.connect("autodoc-skip-member", _leave_out)
    app.connect("autodoc-process-docstring", _show_columns, priority=600)
