"""The columns of a result table, declared once: the frame and its description come from them."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit.typing import Language


class Column(NamedTuple):
    """One column: its name, where its cells are, and how they are coded.

    Unit, English and Chinese label and note of the name stand in `data/columns.toml`.
    """

    name: str
    field: str | Callable[[Any], Any] = ""
    """What the cells are: a function of the table, or the path to them (by default the name).

    A step into a tuple of records is taken in each of them (`rows.group`), a number is a column
    of an array (`ageing.0`), what follows a colon a column of the frame of that table
    (`tiers:standing`); a method at the end is called with the language. The column is left out
    where the path meets None.
    """
    categories: str | tuple[str, ...] | None = None
    """The categories, or the path to them: cells in an array are positions in them (-1 = missing),
    cells in a list are words of them."""
    ordered: bool = False
    dtype: str = ""
    """Type of cells that are given as a list."""


def recorded(records: str, *names: str) -> tuple[Column, ...]:
    """Return columns that are fields of the records in the tuple at `records`."""
    return tuple(Column(name, f"{records}.{name}") for name in names)


def plain(*names: str) -> tuple[Column, ...]:
    """Return columns that are attributes of the same name."""
    return tuple(Column(name) for name in names)


def taken(table: str, *names: str) -> tuple[Column, ...]:
    """Return columns taken over from the frame of the table at `table`."""
    return tuple(Column(name, f"{table}:{name}") for name in names)


def frame_of(table: Any, columns: tuple[Column, ...], language: Language | None) -> pd.DataFrame:
    """Return the declared columns as a new frame; those whose cells are None are left out."""
    frames: dict[str, pd.DataFrame | None] = {}
    found = {}
    for column in columns:
        cells = _find(table, column.field or column.name, language, frames)
        if cells is not None:
            found[column.name] = _coded(table, column, cells, language)
    return pd.DataFrame(found)


def _find(
    table: Any,
    path: str | Callable[[Any], Any],
    language: Language | None,
    frames: dict[str, pd.DataFrame | None],
) -> Any:
    """Return the cells at `path`; frames of other tables are built once."""
    if callable(path):
        return path(table)
    if ":" in path:
        owner, name = path.split(":")
        if owner not in frames:
            frames[owner] = _frame_at(_follow(table, owner, language), language)
        frame = frames[owner]
        return None if frame is None or name not in frame else frame[name]
    return _follow(table, path, language)


def _frame_at(other: Any, language: Language | None) -> pd.DataFrame | None:
    if other is None or isinstance(other, pd.DataFrame):
        return other
    takes_language = "language" in inspect.signature(other.to_frame).parameters
    frame: pd.DataFrame = other.to_frame(language=language) if takes_language else other.to_frame()
    return frame


def _follow(start: Any, path: str, language: Language | None) -> Any:
    for step in path.split("."):
        start = _step(start, step)
    return _said(start, language)


def _step(start: Any, step: str) -> Any:
    """Return the attribute, or the column of an array, or the attribute of each record."""
    if start is None:
        return None
    if isinstance(start, np.ndarray):
        return start[:, int(step)]
    if type(start) in (tuple, list):
        return [_step(record, step) for record in start]
    return getattr(start, step)


def _said(found: Any, language: Language | None) -> Any:
    """Return what methods say in the language."""
    if inspect.ismethod(found):
        return found(language)
    if type(found) is list:
        return [_said(one, language) for one in found]
    return found


def _coded(table: Any, column: Column, cells: Any, language: Language | None) -> Any:
    if column.categories is not None:
        names: Any = column.categories
        if isinstance(names, str):
            names = _follow(table, names, language)
        if not isinstance(names, pd.Index):
            names = pd.Index([str(name) for name in names])
        if isinstance(cells, list):
            return pd.Categorical(cells, categories=names, ordered=column.ordered)
        return pd.Categorical.from_codes(cells, categories=names, ordered=column.ordered)
    if column.dtype:
        return pd.Series(cells, dtype=column.dtype)
    if type(cells) in (tuple, list):
        return list(cells) if len(cells) else pd.Series(dtype=object)  # no number for no text
    if isinstance(cells, np.ndarray | pd.Series) and cells.dtype.kind == "f":
        return cells + 0.0  # people read -0.0 as an error
    return cells


def describe(kind: str, columns: tuple[Column, ...], language: Language) -> pd.DataFrame:
    """Return name, unit, label and note of the columns of the table type named `kind`."""
    entries = [describe_name(kind, column.name) for column in columns]
    return pd.DataFrame(
        {
            "column": [column.name for column in columns],
            "unit": [entry["unit"] for entry in entries],
            "label": [entry[language] for entry in entries],
            "note": [entry.get("note", "") for entry in entries],
        },
        dtype="str",
    )


def describe_name(kind: str, name: str) -> Mapping[str, str]:
    """Return the entry of a column: that of the table where it has one of its own."""
    vocabulary = _vocabulary()
    own = vocabulary.get(kind, {})
    return own[name] if name in own else vocabulary["every"][name]


@cache
def _vocabulary() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = files("retainkit._core").joinpath("data/columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def list_columns(doc: str, columns: tuple[Column, ...]) -> str:
    """Return the docstring of a class with its columns before the first section."""
    text = inspect.cleandoc(doc)
    head, *rest = text.split("\n\n", 1)
    names = ", ".join(f"`{column.name}`" for column in columns)
    line = f"Columns of `to_frame` (see `describe_columns`): {names}."
    return "\n\n".join([head, line, *rest])
