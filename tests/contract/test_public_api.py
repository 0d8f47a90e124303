"""What users may rely on is written down, documented, and shown at work."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from types import FunctionType, ModuleType

import pytest
from pydantic import BaseModel

import retainkit
from tests.contract.public_api import PATH, render_public_api
from tests.contract.walk import (
    Source,
    public_classes,
    public_functions,
    public_names,
    rooms,
    sources,
)

FUNCTIONS = public_functions()
CLASSES = public_classes()


def place_in_all(name: str) -> tuple[int, str]:
    """Sort as the linter does: constants, classes, functions, each by name."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_public_names_are_those_written_down() -> None:
    written = PATH.read_text(encoding="utf-8").split()
    actual = render_public_api().split()
    added, removed = sorted(set(actual) - set(written)), sorted(set(written) - set(actual))
    assert (added, removed) == ([], []), (
        "public names changed: note it in CHANGELOG.md and run "
        "`python -m tests.contract.public_api`"
    )
    assert actual == written


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.__name__)
def test_a_room_lists_its_public_names_in_order(room: ModuleType) -> None:
    assert room.__doc__, "a room says what its one duty is"
    names = list(getattr(room, "__all__", ()))
    if room.__name__ != "retainkit.__main__":
        assert names, "a room has an __all__"
    assert names == sorted(names, key=place_in_all)
    assert len(set(names)) == len(names)
    for name in names:
        assert not name.startswith("_")
        assert hasattr(room, name), name


def test_the_package_itself_is_lazy_and_complete() -> None:
    names = list(getattr(retainkit, "__all__", ()))
    assert names == sorted(names, key=place_in_all)
    assert set(names) <= set(dir(retainkit))
    for name in names:
        assert getattr(retainkit, name) is not None, name


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_public_function_is_shown_at_work(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    assert text, "no docstring"
    assert ">>>" in text, "no executed example"


def test_no_public_function_bears_the_name_of_a_module() -> None:
    stems = {source.name.rsplit(".", 1)[-1].lstrip("_") for source in sources() if source.name}
    wrong = [name for name in FUNCTIONS if name.rsplit(".", 1)[-1] in stems]
    assert not wrong


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_public_function_takes_two_positional_arguments_at_most(name: str) -> None:
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [one.name for one in parameters if one.kind in kinds]
    assert len(positional) <= 2, positional


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_public_class_says_what_it_is(name: str) -> None:
    cls = CLASSES[name]
    text = vars(cls).get("__doc__") or ""
    assert text, "no docstring of its own"
    assert not text.startswith(f"{cls.__name__}("), "the docstring is generated"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_public_record_documents_every_field(name: str) -> None:
    """In the class docstring, in a docstring below the field, or in the field's description."""
    cls = CLASSES[name]
    missing = [
        field
        for field in _fields(cls)
        if field in vars(cls).get("__annotations__", {}) and not _is_documented(cls, field)
    ]
    assert not missing


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_public_methods_say_what_they_do(name: str) -> None:
    missing = [
        member
        for member, thing in vars(CLASSES[name]).items()
        if not member.startswith("_")
        and isinstance(thing, (FunctionType, property, classmethod, staticmethod))
        and not inspect.getdoc(getattr(CLASSES[name], member))
    ]
    assert not missing


def test_public_values_say_what_they_are() -> None:
    """A constant or alias carries a docstring below its assignment."""
    documented = {name for source in sources() for name in _documented_values(source)}
    wrong = [
        name
        for name, thing in public_names()
        if name not in FUNCTIONS
        and name not in CLASSES
        and not isinstance(thing, ModuleType)
        and name.rsplit(".", 1)[-1] not in documented
    ]
    assert not wrong


def _fields(cls: type) -> list[str]:
    if issubclass(cls, BaseModel):
        return list(cls.model_fields)
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    return list(getattr(cls, "_fields", ()))


def _is_documented(cls: type, field: str) -> bool:
    if re.search(rf"\b{re.escape(field)}\b", vars(cls).get("__doc__") or ""):
        return True
    if issubclass(cls, BaseModel) and cls.model_fields[field].description:
        return True
    return field in _field_docs().get((cls.__module__, cls.__name__), set())


@cache
def _field_docs() -> dict[tuple[str, str], set[str]]:
    return {
        (f"retainkit.{source.name}", node.name): set(_with_text_below(node.body))
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    }


def _documented_values(source: Source) -> Iterator[str]:
    yield from _with_text_below(source.tree.body)


def _with_text_below(body: list[ast.stmt]) -> Iterator[str]:
    for statement, below in pairwise(body):
        if not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)):
            continue
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id
        elif isinstance(statement, ast.Assign):
            yield from (one.id for one in statement.targets if isinstance(one, ast.Name))
