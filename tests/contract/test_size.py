"""Modules and functions stay small enough to read."""

from __future__ import annotations

import ast

from tests.contract.walk import sources

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of the body, the docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_modules_are_short() -> None:
    sizes = {
        str(source.path): len(source.path.read_text(encoding="utf-8").splitlines())
        for source in sources()
    }
    assert not {name: size for name, size in sizes.items() if size > MAX_MODULE_LINES}


def test_function_bodies_are_short() -> None:
    sizes = {
        f"{source.at(node)} {node.name}": body_lines(node)
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES}
