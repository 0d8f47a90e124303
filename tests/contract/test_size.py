"""Modules and functions stay small enough to read."""

from __future__ import annotations

import ast

from tests.contract.walk import Source, sources

MAX_CODE_LINES = 300
LONGER = {"", "_pipeline._models", "policy._rules"}
"""The list of names of the package, and what is still to be made shorter."""
MAX_FUNCTION_LINES = 60


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of the body, the docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def code_lines(source: Source) -> int:
    """Return the lines that are code: neither blank, comment nor docstring."""
    lines = source.path.read_text(encoding="utf-8").splitlines()
    texts = {
        number
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in texts
        for number, line in enumerate(lines, 1)
    )


def test_modules_are_short() -> None:
    sizes = {
        str(source.path): code_lines(source) for source in sources() if source.name not in LONGER
    }
    assert not {name: size for name, size in sizes.items() if size > MAX_CODE_LINES}


def test_function_bodies_are_short() -> None:
    sizes = {
        f"{source.at(node)} {node.name}": body_lines(node)
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES}
