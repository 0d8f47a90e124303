"""What reading one column gives; texts of few kinds, yes/no cells and free texts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.frames import text_series
from retainkit._core.labels import Label
from retainkit.errors import SchemaError
from retainkit.tables._rules import TableRules
from retainkit.typing import BoolArray, IntArray

ObjectArray: TypeAlias = npt.NDArray[np.object_]

Masks: TypeAlias = Mapping[str, BoolArray | None]


class Reading(NamedTuple):
    """One column in canonical form, with what was wrong and what was odd about it."""

    values: Any
    """Series or array, one value per input row; a placeholder where there is a problem."""
    problems: Masks
    """Rows by problem (`missing`, `unparsable`, ...); None = none."""
    notices: Masks = MappingProxyType({})
    """Rows by notice code; None = none."""
    says: Mapping[str, Label] = MappingProxyType({})
    """What a person should be told of a problem or notice, by its name."""


def none_if_clean(mask: BoolArray) -> BoolArray | None:
    """Return the mask, or None when no row is marked."""
    return mask if mask.any() else None


def spread(marked: BoolArray, codes: IntArray, *, missing: bool = False) -> BoolArray | None:
    """Return the rows whose distinct value is marked; code -1 (no value) gets `missing`."""
    if not marked.any() and not (missing and (codes < 0).any()):
        return None
    return none_if_clean(np.append(marked, missing)[codes])


def distinct(raw: pd.Series[Any], *, role: str, table: str) -> tuple[IntArray, ObjectArray]:
    """Return codes per row (-1 = missing) and the distinct values as Python objects."""
    if isinstance(raw.dtype, pd.CategoricalDtype):
        return raw.cat.codes.to_numpy(), raw.cat.categories.to_numpy(dtype=object)
    values: Any = raw.to_numpy() if raw.dtype == object else raw
    try:
        codes, uniques = pd.factorize(values)
    except TypeError as problem:
        raise SchemaError(
            f"{role} has cells that are not single values: {problem}",
            rule="a cell is one text, number or date",
            where=f"{table}, {role}",
            fix="unnest the column first",
        ) from None
    return codes, np.asarray(uniques, dtype=object)


def means_missing(texts: pd.Series[Any], rules: TableRules) -> BoolArray:
    """Return which stripped texts stand for a missing value."""
    return texts.str.lower().isin(rules.missing_texts).to_numpy(dtype=bool)


def unreadable_type(
    role: str, table: str, raw: pd.Series[Any], *, rule: str, fix: str
) -> Exception:
    """Return the error for a column whose type can never be read in this role."""
    return SchemaError(
        f"{role} has the type {raw.dtype}", rule=rule, where=f"{table}, {role}", fix=fix
    )


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
