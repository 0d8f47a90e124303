"""Customer ids: one customer, one spelling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.frames import all_texts, text_series
from retainkit.errors import AlignmentError
from retainkit.tables._read import (
    Reading,
    distinct,
    means_missing,
    none_if_clean,
    spread,
    unreadable_type,
)
from retainkit.tables._rules import MISSING_TEXTS, TableRules
from retainkit.typing import BoolArray, IntArray

_WHOLE_FLOAT = r"^([+-]?\d+)\.0+$"
_BLOCK = 1 << 18
"""Texts looked at a time: bounds the copies that are only looked at."""

_EXACT = 2.0**53
"""Above this a double cannot tell neighbouring whole numbers apart."""


def read_ids(raw: pd.Series[Any], rules: TableRules, *, role: str, table: str) -> Reading:
    """Return ids as int64 (whole-number columns) or canonical text, with what is missing."""
    if pd.api.types.is_bool_dtype(raw.dtype):
        raise unreadable_type(
            role, table, raw, rule="an id is a number or a text", fix="map another column"
        )
    if pd.api.types.is_integer_dtype(raw.dtype):
        return _from_integers(raw, rules, role, table)
    if pd.api.types.is_float_dtype(raw.dtype):
        return _from_floats(raw, rules, role, table)
    texts = raw if isinstance(raw.dtype, pd.StringDtype) else all_texts(raw)
    if texts is not None:
        return _from_strings(texts, rules)
    return _from_objects(raw, rules, role, table)


def _from_integers(raw: pd.Series[Any], rules: TableRules, role: str, table: str) -> Reading:
    missing = None
    if not isinstance(raw.dtype, np.dtype):
        missing = none_if_clean(raw.isna().to_numpy())
        raw = pd.Series(raw.fillna(0).to_numpy(copy=True), copy=False)
    if raw.dtype.kind == "u" and len(raw) and int(raw.max()) > np.iinfo(np.int64).max:
        return _from_objects(raw.astype(object), rules, role, table)
    values = raw if raw.dtype == np.int64 else raw.astype(np.int64)
    return Reading(values, {"missing": missing})


def _from_floats(raw: pd.Series[Any], rules: TableRules, role: str, table: str) -> Reading:
    values = raw.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = np.isnan(values)
    infinite = np.isinf(values)
    filled = np.where(missing | infinite, 0.0, values)
    problems = {"missing": none_if_clean(missing), "non_finite": none_if_clean(infinite)}
    if (filled == np.trunc(filled)).all() and (np.abs(filled) <= _EXACT).all():
        return Reading(pd.Series(filled.astype(np.int64)), problems)
    texts = _from_objects(raw.astype(object), rules, role, table)
    return Reading(texts.values, problems)


def _from_strings(raw: pd.Series[Any], rules: TableRules) -> Reading:
    """Rewrite only the texts that look unusual; a clean column is returned as it is."""
    missing = raw.isna().to_numpy()
    odd = _look_unusual(raw, rules) & ~missing
    if not odd.any():
        return Reading(raw, {"missing": none_if_clean(missing)})
    rows = np.flatnonzero(odd)
    old = raw.iloc[rows]
    new = canonical_texts(old)
    blank = means_missing(new, rules)
    missing = missing.copy()
    missing[rows[blank]] = True
    if len(rows) == len(raw):
        values = new  # every text was rewritten: nothing to put back in place
    else:
        values = raw.copy()
        values.iloc[rows] = new.to_numpy()
    changed = np.zeros(len(raw), dtype=bool)
    changed[rows] = (new != old).to_numpy(dtype=bool) & ~blank
    return Reading(values, {"missing": none_if_clean(missing)}, _rewritten(changed))


def _look_unusual(raw: pd.Series[Any], rules: TableRules) -> BoolArray:
    """Return which texts may need rewriting, by three scans that cost little on clean columns."""
    odd = np.zeros(len(raw), dtype=np.bool_)
    for start in range(0, len(raw), _BLOCK):
        rows = slice(start, start + _BLOCK)
        texts = raw.iloc[rows]
        odd[rows] = np.array(texts.str.strip() != texts, dtype=bool)
        odd[rows] |= np.asarray(texts.str.contains(".0", regex=False, na=False), dtype=bool)
        odd[rows] |= np.asarray(texts.str.lower().isin(rules.missing_texts), dtype=bool)
    return odd


def _from_objects(raw: pd.Series[Any], rules: TableRules, role: str, table: str) -> Reading:
    codes, uniques = distinct(raw, role=role, table=table)
    texts, changed, blank = _canonical_uniques(uniques, rules)
    missing = spread(blank, codes, missing=True)
    rewritten = spread(changed & ~blank, codes)
    extended = np.append(texts, "")
    values = text_series(extended).take(codes).reset_index(drop=True)
    return Reading(values, {"missing": missing}, {"rewritten_customer_id": rewritten})


def _rewritten(changed: BoolArray) -> dict[str, BoolArray | None]:
    return {"rewritten_customer_id": none_if_clean(changed)}


def _canonical_uniques(uniques: Any, rules: TableRules) -> tuple[Any, BoolArray, BoolArray]:
    written = text_series([_write(value) for value in uniques])
    texts = canonical_texts(written)
    changed = (texts != written).to_numpy(dtype=bool)
    return texts.to_numpy(dtype=object), changed, means_missing(texts, rules)


def _write(value: Any) -> str:
    """Write one distinct id; whole floats in full, never as 1e+16."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def canonical_texts(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Strip blanks around an id and the `.0` of a whole number; leading zeros stay."""
    return texts.str.strip().str.replace(_WHOLE_FLOAT, r"\1", regex=True)


def align_customer_ids(ids: Any, to: pd.Index[Any]) -> IntArray:
    """Find each id of one table among the customers of another.

    Ids of differing types meet through their canonical text: 17850, 17850.0 and "17850" are one
    customer, "0017850" is another one.

    Parameters
    ----------
    ids : array-like of shape (m,)
        Ids to look up: numbers or texts, any spelling.
    to : pandas.Index of shape (n,)
        Unique customer ids, as `.customer_id` of any result.

    Returns
    -------
    ndarray of int64, shape (m,)
        Position in `to` of each id; -1 where the id is missing or unknown.

    Raises
    ------
    AlignmentError
        If two entries of `to` are the same customer.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import align_customer_ids
    >>> align_customer_ids(["17850", 7, "0017850", None], pd.Index([7, 17850])).tolist()
    [1, 0, -1, -1]
    """
    wanted = _canonical(ids)
    known = _canonical(to)
    if wanted.values.dtype.kind != "i" or known.values.dtype.kind != "i":
        wanted, known = _as_texts(wanted), _as_texts(known)
    index = pd.Index(known.values)
    if not index.is_unique:
        twice = index[index.duplicated()][:3].tolist()
        raise AlignmentError(
            f"{len(index) - index.nunique():,} customers occur twice, for example {twice}",
            rule="the customers to align to are unique",
            fix="canonicalise the ids first, for example with split_valid_table",
        )
    found = np.asarray(index.get_indexer(pd.Index(wanted.values)), dtype=np.int64)
    missing = wanted.problems["missing"]
    return found if missing is None else np.where(missing, -1, found)


def align_values(
    values: Any, customer_id: pd.Index[Any], *, to: Any, missing: Any = np.nan
) -> npt.NDArray[Any]:
    """Give customers the values that another table holds of them.

    Parameters
    ----------
    values : array-like of shape (n,)
        One value per customer of `customer_id`.
    customer_id : pandas.Index of shape (n,)
        Unique customers that the values belong to.
    to : array-like of shape (m,)
        Customers asked for, in any spelling (`align_customer_ids`); one may occur more than once.
    missing : object, default NaN
        Value of those who are not among `customer_id`.

    Returns
    -------
    ndarray of shape (m,)
        In the order of `to`, of a type that holds `values` and `missing`.

    Raises
    ------
    AlignmentError
        If two entries of `customer_id` are the same customer.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.tables import align_values
    >>> align_values([30.0, 7.0], pd.Index(["a", "b"]), to=["b", "c"]).tolist()
    [7.0, nan]
    """
    given = np.asarray(values)
    places = align_customer_ids(to, customer_id)
    if not len(given):
        return np.full(len(places), missing)
    return np.where(places >= 0, given[places], missing)


def _canonical(ids: Any) -> Reading:
    series = ids if isinstance(ids, pd.Series) else pd.Series(ids)
    rules = TableRules(missing_texts=MISSING_TEXTS)
    return read_ids(series.reset_index(drop=True), rules, role="customer_id", table="ids")


def _as_texts(reading: Reading) -> Reading:
    return Reading(text_series(reading.values), reading.problems)
