"""Modules and functions stay small enough to read."""

from __future__ import annotations

import ast
import io
import tokenize

from tests.contract.walk import Source, sources

NOT_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}

MAX_CODE_LINES = 300
MAX_MODULE_LINES = 400
"""A module of no more lines of any kind than this may have a few more of code."""
MAX_FUNCTION_LINES = 60


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of the body, the docstring not counted."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def code_lines(source: Source) -> int:
    """Return the lines that hold code: no blank lines, comments or docstrings."""
    text = source.path.read_text(encoding="utf-8")
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NOT_CODE:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            held.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(held)


def test_modules_are_short() -> None:
    sizes = {
        str(source.path): code_lines(source)
        for source in sources()
        if len(source.path.read_text(encoding="utf-8").splitlines()) > MAX_MODULE_LINES
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
