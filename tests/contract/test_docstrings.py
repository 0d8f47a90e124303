"""Public docstrings are in the house form, as numpydoc understands it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from numpydoc.validate import validate  # type: ignore[import-untyped]

from tests.contract.walk import public_functions

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize("name", sorted(public_functions()))
def test_docstring_passes_numpydoc(name: str) -> None:
    with PYPROJECT.open("rb") as file:
        checks = set(tomllib.load(file)["tool"]["numpydoc_validation"]["checks"])
    found = [f"{code}: {text}" for code, text in validate(name)["errors"] if code in checks]
    assert not found, "\n".join(found)
