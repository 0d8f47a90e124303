"""Sentences with numbers for a million rows: whole columns at a time, never row by row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.time import from_day_numbers
from retainkit.typing import Language

Texts = npt.NDArray[np.object_]

_HUNDRED = 100.0
_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
"""A place for a number, and the noun that follows it: `{gap}`, `{silent:day}`."""


def fill(template: str, n: int, columns: dict[str, Texts]) -> Texts:
    """Return the template for each of n rows, each `{name}` replaced by its column.

    `{name:noun}` puts the English noun behind it, in the singular behind "1".
    """
    pieces = _PLACE.split(template)
    parts: list[Texts | str] = [pieces[0]]
    for name, noun, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        parts += [columns[name] if noun is None else _counted(columns[name], noun), text]
    return join([part for part in parts if not (isinstance(part, str) and not part)], n)


def join(parts: Sequence[Texts | str], n: int) -> Texts:
    """Return for each of n rows its parts one behind the other; a text is the same in all rows."""
    out = np.empty(n, dtype=object)
    lists = [repeat(part, n) if isinstance(part, str) else part.tolist() for part in parts]
    out[:] = list(map("".join, zip(*lists, strict=True))) if lists else ""
    return out


def asked_for(template: str) -> set[str]:
    """Return the names of the places in a template."""
    return {name for name, _ in _PLACE.findall(template)}


class Count(str):
    """A whole number as text; `"{n:customer}".format(n=...)` puts the English noun behind it."""

    __slots__ = ()

    def __format__(self, noun: str) -> str:
        return _with_noun(self, noun) if noun else str(self)


def count(n: int) -> Count:
    """Return a whole number with thousands separated, for `str.format`."""
    return Count(f"{n:,}")


def write_counts(values: npt.NDArray[Any]) -> Texts:
    """Return whole numbers with thousands separated; NaN as "?"."""
    exact = np.asarray(values, dtype=np.float64)
    return _written(np.rint(exact), lambda x: f"{x:,.0f}")


def write_amounts(values: npt.NDArray[Any]) -> Texts:
    """Return money with thousands separated: whole from 100 on, below it to the cent."""
    exact = np.asarray(values, dtype=np.float64)
    whole = np.abs(exact) >= _HUNDRED
    return _written(np.where(whole, np.round(exact), np.round(exact, 2)), _amount)


def write_days(days: npt.NDArray[np.integer[Any]], language: Language) -> Texts:
    """Return days since 1970-01-01 as dates in words."""
    codes, uniques = pd.factorize(np.asarray(days))
    dates = pd.to_datetime(from_day_numbers(np.asarray(uniques)))
    if language == "zh":
        words = [f"{day.year}年{day.month}月{day.day}日" for day in dates]
    else:
        words = [f"{day.day} {day:%B} {day.year}" for day in dates]
    return np.array(words, dtype=object)[codes]


def _with_noun(number: str, noun: str) -> str:
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


def _counted(numbers: Texts, noun: str) -> Texts:
    """Write each different number once."""
    codes, uniques = pd.factorize(numbers)
    words = [_with_noun(number, noun) for number in uniques]
    return np.array(words, dtype=object)[codes]


def _amount(x: float) -> str:
    return f"{x:,.0f}" if abs(x) >= _HUNDRED or x == round(x) else f"{x:,.2f}"


def _written(values: npt.NDArray[np.float64], write: Callable[[float], str]) -> Texts:
    """Write each different number once."""
    codes, uniques = pd.factorize(values)
    words = [*(write(x) for x in uniques.tolist()), "?"]
    return np.array(words, dtype=object)[codes]
