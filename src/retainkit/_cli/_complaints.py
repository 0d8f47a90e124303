"""Errors as a person at a terminal reads them: what, where, how to mend it."""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import NoReturn, TypeGuard

from pydantic import BaseModel, ValidationError

from retainkit.errors import RetainkitError

_HINTS = {
    "--as-of": "add --as-of YYYY-MM-DD, the last day your records cover; it is never guessed",
    "--out": "add --out DIR, the folder to write to",
    "transactions": "name the CSV or Parquet file of transactions after `run`",
}


class Parser(argparse.ArgumentParser):
    """Parser whose complaint about a missing word says what to add."""

    def error(self, message: str) -> NoReturn:
        """Print the usage, what is wrong and the fix; leave with code 2."""
        self.print_usage(sys.stderr)
        text = f"retainkit: {message}\n"
        if "required" in message:
            missing = message.partition(":")[2]
            text += "".join(f"  fix:   {fix}\n" for word, fix in _HINTS.items() if word in missing)
        if message.startswith("unrecognized arguments"):
            text += '  fix:   quote names with a space: --columns "customer_id=Customer ID"\n'
        self.exit(2, text)


def in_options(error: RetainkitError, options: Mapping[str, str]) -> str:
    """Write an error with its fix as an option of the command line instead of Python."""
    kind, opened, _ = error.fix.partition("(")
    if not opened or kind not in options:
        return str(error)
    try:
        call = ast.parse(error.fix, mode="eval").body
    except SyntaxError:
        return str(error)
    pairs = []
    for keyword in call.keywords if isinstance(call, ast.Call) else ():
        value = ast.literal_eval(keyword.value)
        names = value if isinstance(value, tuple) else (value,)
        pairs += [f"{keyword.arg}={name}" for name in names]
    text = ",".join(pairs)
    fix = f'{options[kind]} "{text}"' if " " in text else f"{options[kind]} {text}"
    return str(error).replace(error.fix, fix)


def explain_validation(error: ValidationError, root: type[BaseModel], source: str) -> str:
    """Return one line per broken setting: its path, what is wrong, what the value was."""
    lines = [f"{error.error_count()} setting(s) of {source} cannot be used"]
    for entry in error.errors(include_url=False):
        path = ".".join(str(part) for part in entry["loc"]) or "the whole"
        if entry["type"] == "extra_forbidden":
            lines.append(f"  {path}: no such setting{_closest(entry['loc'], root)}")
        else:
            shown = repr(entry["input"])
            lines.append(f"  {path}: {entry['msg']}, not {shown[:60]}")
    return "\n".join([*lines, "  fix:   compare with `python -m retainkit config`"])


def _closest(path: tuple[int | str, ...], root: type[BaseModel]) -> str:
    """Name the setting beside the unknown one that is spelt most alike."""
    owner: object = root
    for part in path[:-1]:
        fields = owner.model_fields if _is_model(owner) else {}
        owner = fields[str(part)].annotation if str(part) in fields else None
    names = list(owner.model_fields) if _is_model(owner) else []
    near = get_close_matches(str(path[-1]), names, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _is_model(thing: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(thing, type) and issubclass(thing, BaseModel)
