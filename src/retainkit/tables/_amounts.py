"""Numbers and money: from any declared spelling to finite doubles."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from retainkit.tables._read import (
    ObjectArray,
    Reading,
    distinct,
    means_missing,
    none_if_clean,
    spread,
    unreadable_type,
)
from retainkit.tables._rules import TableRules
from retainkit.typing import BoolArray, FloatArray, IntArray

_SYMBOL = r"[A-Za-z]{0,3}[$€£¥￥₹₩₽₺₴₫₱฿₪₦₡₲₵₸₿]|[A-Z]{3}|元|円|kr\.?|zł|Kč|Fr\.?"
_BLANK = "[\\s\u00a0\u202f]*"
_MONEY = (
    rf"^(?P<open>\()?{_BLANK}(?P<sign>[-+\u2212])?{_BLANK}(?P<before>{_SYMBOL})?{_BLANK}"
    rf"(?P<inner>[-+\u2212])?{_BLANK}(?P<number>[\d.,][\d.,'’\s\u00a0\u202f]*(?:[eE][-+]?\d+)?)"
    rf"{_BLANK}(?P<after>{_SYMBOL})?{_BLANK}(?P<trail>[-\u2212])?{_BLANK}(?P<close>\))?$"
)
_INFINITE = r"^[-+]?(?:inf|infinity)$"
_GROUP = "['’\\s\u00a0\u202f"


class _Money(NamedTuple):
    """Distinct values read as numbers."""

    values: FloatArray
    missing: BoolArray
    symbols: ObjectArray


def read_numbers(
    raw: pd.Series[Any], rules: TableRules, *, role: str, table: str, currency: str | None = None
) -> Reading:
    """Return a column as float64; NaN where there is a problem."""
    kind = raw.dtype.kind
    if kind in "bmMc":
        raise unreadable_type(
            role, table, raw, rule=f"{role} is a number", fix="map the column that holds numbers"
        )
    if kind not in "iuf":
        return _read_distinct(raw, rules, role, table, currency)
    values = _as_doubles(raw)
    if np.isfinite(values).all():
        return Reading(values, {})
    return Reading(
        values,
        {
            "missing": none_if_clean(np.isnan(values)),
            "non_finite": none_if_clean(np.isinf(values)),
        },
    )


def _as_doubles(raw: pd.Series[Any]) -> FloatArray:
    if raw.dtype == np.float64:
        return raw.to_numpy()
    return raw.to_numpy(np.float64, na_value=np.nan, copy=True)


def as_column(reading: Reading, raw: pd.Series[Any]) -> Any:
    """Return the numbers for the valid frame: the input's own column when it needs no change.

    An array taken out of a pandas column is read-only; the column itself copies on write.
    """
    return raw if raw.dtype == np.float64 else reading.values


def main_currency(raw: pd.Series[Any], rules: TableRules, *, role: str, table: str) -> str | None:
    """Return the currency of a text column: the declared one, or the most frequent one."""
    if rules.currency is not None or raw.dtype.kind in "iufbmMc":
        return rules.currency
    codes, uniques = distinct(raw, role=role, table=table)
    return _most_frequent(_read_money(uniques, rules).symbols, codes)


def _read_distinct(
    raw: pd.Series[Any], rules: TableRules, role: str, table: str, currency: str | None
) -> Reading:
    codes, uniques = distinct(raw, role=role, table=table)
    money = _read_money(uniques, rules)
    chosen = currency or rules.currency or _most_frequent(money.symbols, codes)
    known = np.array([bool(symbol) for symbol in money.symbols], dtype=bool)
    other = known & (money.symbols != _plain_symbol(chosen or ""))
    infinite = np.isinf(money.values)
    unparsable = np.isnan(money.values) & ~money.missing
    values = np.where(other, np.nan, money.values)
    return Reading(
        np.append(values, np.nan)[codes],
        {
            "missing": spread(money.missing, codes, missing=True),
            "unparsable": spread(unparsable, codes),
            "other_currency": spread(other, codes),
            "non_finite": spread(infinite, codes),
        },
    )


def _read_money(uniques: ObjectArray, rules: TableRules) -> _Money:
    n = len(uniques)
    values = np.full(n, np.nan)
    symbols = np.full(n, "", dtype=object)
    missing = np.zeros(n, dtype=bool)
    is_text = np.fromiter((isinstance(x, str) for x in uniques), bool, n)
    for i in np.flatnonzero(~is_text):
        values[i] = _number(uniques[i])
    if is_text.any():
        texts = pd.Series(uniques[is_text], dtype=object).str.strip()
        missing[is_text] = means_missing(texts, rules)
        values[is_text], symbols[is_text] = _parse_texts(texts, rules.decimal_mark)
    return _Money(values, missing, symbols)


def _number(value: Any) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real | Decimal):
        return float("nan")
    try:
        return float(value)
    except OverflowError:  # a whole number beyond the range of doubles
        return float("inf")


def _parse_texts(texts: pd.Series[Any], decimal_mark: str) -> tuple[FloatArray, ObjectArray]:
    parts = texts.str.extract(_MONEY)
    signs = parts[["sign", "inner", "trail"]].notna().sum(axis=1).to_numpy()
    negative = parts[["sign", "inner", "trail"]].isin(["-", "\u2212"]).any(axis=1).to_numpy()
    opened, closed = parts["open"].notna().to_numpy(), parts["close"].notna().to_numpy()
    number = _plain_numbers(parts["number"], decimal_mark)
    values = pd.to_numeric(number, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    both = parts["before"].notna() & parts["after"].notna()
    badly = both.to_numpy() | (opened != closed) | (signs + opened > 1)
    values = np.where(badly, np.nan, np.where(negative | opened, -values, values))
    infinite = texts.str.contains(_INFINITE, flags=re.IGNORECASE).to_numpy(dtype=bool)
    sign = np.where(texts.str.startswith("-").to_numpy(dtype=bool), -np.inf, np.inf)
    found = parts["before"].where(parts["before"].notna(), parts["after"])
    symbols = found.where(found.notna(), "").map(_plain_symbol)
    return np.where(infinite, sign, values), symbols.to_numpy(dtype=object)


def _plain_numbers(numbers: pd.Series[Any], decimal_mark: str) -> pd.Series[Any]:
    """Drop thousands marks and write the decimal mark as a point; anything else becomes NaN."""
    other = "," if decimal_mark == "." else "."
    mark, group = re.escape(decimal_mark), f"{_GROUP}{other}]"
    stripped = numbers.str.strip()
    shape = rf"^(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)(?:{mark}\d*)?(?:[eE][-+]?\d+)?$|^{mark}\d+$"
    fits = stripped.str.contains(shape, na=False).astype(bool)
    plain = stripped.str.replace(group, "", regex=True)
    return plain.str.replace(decimal_mark, ".", regex=False).where(fits)


def _plain_symbol(symbol: str) -> str:
    """Write one currency one way: the full-width yen sign, dots and case do not matter."""
    return symbol.replace("￥", "¥").replace("円", "¥").rstrip(".").upper()


def _most_frequent(symbols: ObjectArray, codes: IntArray) -> str | None:
    counts: dict[str, int] = {}
    rows = np.bincount(codes[codes >= 0], minlength=len(symbols))
    for i in np.flatnonzero(symbols != ""):
        counts[symbols[i]] = counts.get(symbols[i], 0) + int(rows[i])
    return min(counts, key=lambda symbol: (-counts[symbol], symbol)) if counts else None
