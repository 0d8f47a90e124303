"""Find what the package holds: its files, modules, rooms, public names and record types."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple

import retainkit
from retainkit._core.config import FrozenConfig
from retainkit._core.result import ResultTable, TranslatedTable

PACKAGE = Path(retainkit.__file__).parent

FLOORS = {
    "typing": 0,
    "errors": 0,
    "_core": 0,
    "tables": 1,
    "datasets": 1,
    "simulate": 1,
    "contracts": 2,
    "lifetime": 2,
    "value": 3,
    "forecast": 3,
    "tiers": 3,
    "churn": 3,
    "metrics": 3,
    "policy": 4,
    "scorecard": 4,
    "pipeline": 5,
    "report": 6,
    "engines": 6,
    "__main__": 7,
}
"""The floor of every room; a private `_room` folder is part of its room."""

PARTS = {"_cli": "__main__"}
"""Private folders that are part of a room with another name."""


class Source(NamedTuple):
    """One source file."""

    path: Path
    name: str
    """Dotted name relative to the package: `tables._ledger`; empty for the package itself."""
    tree: ast.Module

    @property
    def room(self) -> str:
        """The room this file belongs to; empty for the package itself."""
        return room_of(self.name)

    @property
    def is_kernel(self) -> bool:
        return self.path.stem.startswith("_kernel") or self.path.parent.name == "kernels"

    def at(self, node: ast.stmt | ast.expr) -> str:
        """Say where `node` stands."""
        return f"{self.path.relative_to(PACKAGE.parent)}:{node.lineno}"


def room_of(name: str) -> str:
    """Return the room of a dotted name relative to the package."""
    head = name.split(".")[0]
    head = PARTS.get(head, head)
    if head in FLOORS or not head.startswith("_"):
        return head
    return head.removeprefix("_")


@cache
def sources() -> tuple[Source, ...]:
    """Return every source file of the package, parsed."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found.append(Source(path, name, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


@cache
def modules() -> tuple[ModuleType, ...]:
    """Return every module of the package, imported."""
    names = [info.name for info in pkgutil.walk_packages([str(PACKAGE)], "retainkit.")]
    return (retainkit, *(importlib.import_module(name) for name in sorted(names)))


@cache
def rooms() -> tuple[ModuleType, ...]:
    """Return the public modules right below the package: what users import from."""
    names = [info.name for info in pkgutil.iter_modules([str(PACKAGE)], "retainkit.")]
    public = [name for name in sorted(names) if not name.split(".")[1].startswith("_")]
    return tuple(importlib.import_module(name) for name in public)


def public_names() -> Iterator[tuple[str, object]]:
    """Give `(dotted name, object)` for every name in a room's `__all__`."""
    for room in rooms():
        for name in getattr(room, "__all__", ()):
            yield f"{room.__name__}.{name}", getattr(room, name)


def public_functions() -> dict[str, FunctionType]:
    """Return the public functions, decorated ones too, by dotted name."""
    plain = {name: inspect.unwrap(thing) for name, thing in public_names() if callable(thing)}
    return {name: thing for name, thing in plain.items() if isinstance(thing, FunctionType)}


def public_classes() -> dict[str, type]:
    """Return the public classes by dotted name."""
    return {name: thing for name, thing in public_names() if inspect.isclass(thing)}


def _ours(base: type) -> list[type]:
    modules()
    found: set[type] = set()
    waiting: list[type] = [base]
    while waiting:
        below: list[type] = type.__subclasses__(waiting.pop())
        waiting.extend(one for one in below if one not in found)
        found.update(below)
    # a dataclass with slots is made twice; the first making lies around until collected
    kept = (
        one
        for one in found
        if one.__module__.startswith("retainkit")
        and getattr(importlib.import_module(one.__module__), one.__name__, one) is one
    )
    return sorted(kept, key=lambda one: (one.__module__, one.__qualname__))


@cache
def config_types() -> tuple[type[FrozenConfig], ...]:
    """Return every config and model type of the package."""
    return tuple(_ours(FrozenConfig))


@cache
def result_types() -> tuple[type[ResultTable], ...]:
    """Return every result table type of the package."""
    return tuple(kind for kind in _ours(ResultTable) if kind is not TranslatedTable)


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of attributes, else an empty text."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])
