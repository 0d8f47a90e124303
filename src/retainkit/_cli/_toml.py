"""The configuration as commented TOML, and back."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from retainkit._core.docs import describe_parameters
from retainkit.errors import SchemaError


def to_toml(config: BaseModel, path: str = "") -> str:
    """Write a configuration as TOML; every field carries its description as a comment."""
    described = describe_parameters(type(config))
    lines: list[str] = []
    tables: list[str] = []
    for name in type(config).model_fields:
        value = getattr(config, name)
        comment = textwrap.wrap(
            described.get(name, ""), 96, initial_indent="# ", subsequent_indent="# "
        )
        if isinstance(value, BaseModel):
            key = f"{path}.{name}" if path else name
            tables.append("\n".join(["", *comment, f"[{key}]", to_toml(value, key)]))
        elif value is None:
            lines += [*comment, f"# {name} ="]
        else:
            lines += [*comment, f"{name} = {_literal(value)}"]
    return "\n".join(lines + tables)


def write_tables(name: str, records: Iterable[BaseModel]) -> str:
    """Write records as an array of tables; what is not set is left out."""
    blocks = []
    for record in records:
        items = record.model_dump(mode="json", exclude_none=True).items()
        blocks.append("\n".join([f"[[{name}]]", *(f"{k} = {_literal(v)}" for k, v in items)]))
    return "\n\n".join(blocks) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, BaseModel):
        items = value.model_dump(mode="json", exclude_none=True).items()
        return "{ " + ", ".join(f"{key} = {_literal(item)}" for key, item in items) + " }"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_literal(v)}" for k, v in value.items()) + " }"
    if isinstance(value, tuple | list | set | frozenset):
        items_ = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        texts = [_literal(item) for item in items_]
        if items_ and all(isinstance(item, BaseModel) for item in items_):
            return "[\n" + "".join(f"    {text},\n" for text in texts) + "]"
        return "[" + ", ".join(texts) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; a missing file or a syntax error names the line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(
            f"{path} cannot be read: {error}",
            rule="the configuration is a TOML file in UTF-8",
            fix="python -m retainkit config > retainkit.toml",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(
            f"{path}: {error}",
            rule="the configuration is a TOML file",
            fix="compare it with python -m retainkit config",
        ) from None
