"""The optional packages of this room, imported only when they are needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from retainkit.errors import MissingDependencyError, NotComputableError
from retainkit.typing import Language


def need(package: str) -> ModuleType:
    """Return an optional package; say how to install it where it is missing."""
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingDependencyError(
            f"{package.partition('.')[0]} is not installed: {error}",
            rule="plots need matplotlib, the report needs matplotlib and jinja2",
            where="retainkit.report",
            fix='pip install "retainkit[report]"',
        ) from None


def check_language(language: Language) -> Language:
    """Refuse a language in which there are no texts."""
    if language not in ("en", "zh"):
        raise NotComputableError(
            f"no texts in {language!r}",
            rule='display texts are English ("en") and Simplified Chinese ("zh")',
            where="language",
            fix='language="en"',
        )
    return language
