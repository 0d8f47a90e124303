"""Texts of few kinds, yes/no cells and free texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from retainkit._core.frames import text_series
from retainkit.tables._read import Reading, distinct, means_missing, none_if_clean, spread
from retainkit.tables._rules import TableRules


def read_labels(
    raw: pd.Series[Any],
    rules: TableRules,
    *,
    role: str,
    table: str,
    known: Mapping[str, str] | None = None,
) -> Reading:
    """Return a categorical of stripped texts; with `known`, folded texts mapped to its values.

    A text that `known` holds is never missing, whatever else means "missing" ("none").
    """
    codes, uniques = distinct(raw, role=role, table=table)
    texts = text_series([_write(value) for value in uniques]).str.strip()
    blank = means_missing(texts, rules)
    names = texts.to_numpy(dtype=object)
    unknown = np.zeros(len(names), dtype=bool)
    if known is not None:
        blank = blank & ~np.array([text.lower() in known for text in names], dtype=bool)
        mapped = [known.get(text.lower()) for text in names]
        unknown = np.array([text is None for text in mapped], dtype=bool) & ~blank
        names = np.array([text or "" for text in mapped], dtype=object)
    gone = blank | unknown
    categories = sorted(set(names[~gone]))
    position = {name: i for i, name in enumerate(categories)}
    new = np.array([-1 if out else position[name] for name, out in zip(names, gone, strict=True)])
    recoded = np.append(new.astype(np.int64), -1)[codes]
    values = pd.Categorical.from_codes(recoded, categories=pd.Index(categories, dtype="str"))
    problems = {"missing": spread(blank, codes, missing=True), "unknown": spread(unknown, codes)}
    return Reading(pd.Series(values, copy=False), problems)


def _write(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_flags(
    raw: pd.Series[Any],
    rules: TableRules,
    *,
    role: str,
    table: str,
    yes: tuple[str, ...],
    no: tuple[str, ...],
) -> Reading:
    """Return truth values (False where missing), with missing and unreadable cells marked."""
    if raw.dtype == bool:
        return Reading(raw, {})
    known = dict.fromkeys(yes, "yes") | dict.fromkeys(no, "no")
    labels = read_labels(raw, rules, role=role, table=table, known=known)
    problems = {"missing": labels.problems["missing"], "unparsable": labels.problems["unknown"]}
    return Reading((labels.values == "yes").to_numpy(dtype=bool), problems)


def read_texts(raw: pd.Series[Any], rules: TableRules) -> Reading:
    """Return free text as it stands; blanks count as missing."""
    if not isinstance(raw.dtype, pd.StringDtype):
        raw = raw.astype(object).where(raw.notna(), None)
        raw = text_series([None if x is None else str(x) for x in raw])
    missing = raw.isna().to_numpy() | means_missing(raw.fillna("").str.strip(), rules)
    return Reading(raw, {"missing": none_if_clean(missing)})
