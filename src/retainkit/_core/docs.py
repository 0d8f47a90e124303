"""Field descriptions read from the numpydoc `Parameters` section, so that they are written once."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^(\w[\w, ]*?) ?(?::[^\n]*)?\n((?:[ ]+[^\n]*\n?|\n)*)", re.MULTILINE)


def describe_parameters(owner: type) -> dict[str, str]:
    """Return the description of each parameter documented in the docstring of a class."""
    section = _SECTION.search(inspect.getdoc(owner) or "")
    if section is None:
        return {}
    found: dict[str, str] = {}
    for names, text in _ENTRY.findall(section.group(1) + "\n"):
        description = " ".join(text.split())
        found |= {name.strip(): description for name in names.split(",")}
    return found


def first_line(owner: type) -> str:
    """Return the first paragraph of the docstring of a class, on one line."""
    return " ".join((inspect.getdoc(owner) or "").split("\n\n")[0].split())
