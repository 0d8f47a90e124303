"""What every reader of a column returns, and the helpers they share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

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
